noinst_LIBRARIES += src/assemble/libassemble.a
src_assemble_libassemble_a_SOURCES = \
	src/assemble/assemble.c src/assemble/assemble.h \
	src/assemble/emit.c src/assemble/emit.h \
	src/assemble/fields.c src/assemble/fields.h \
	src/assemble/generation.c src/assemble/ids.c src/assemble/log.c \
	src/assemble/place.c src/assemble/place.h \
	src/assemble/pool.c src/assemble/pool.h \
	src/assemble/signal.c src/assemble/tool.c src/assemble/turn.c \
	src/assemble/turns.c src/assemble/turns.h \
	src/assemble/view.c src/assemble/view.h src/assemble/view_parts.c

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_assemble tests/unit/test_draw
TESTS += tests/unit/test_assemble tests/unit/test_draw
tests_unit_test_assemble_SOURCES = tests/unit/test_assemble.c tests/unit/assemble_memory.h
tests_unit_test_assemble_LDADD = src/assemble/libassemble.a src/event/libevent.a src/base/libbase.a $(XXHASH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_draw_SOURCES = tests/unit/test_draw.c
tests_unit_test_draw_LDADD = src/map/libmap.a src/event/libevent.a src/base/libbase.a $(XXHASH_LIBS) $(CMOCKA_LIBS)
endif
