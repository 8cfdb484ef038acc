# src/event: the types that pass between the stages.
noinst_LIBRARIES += src/event/libevent.a
src_event_libevent_a_SOURCES = \
	src/event/clean_record.c src/event/clean_record.h src/event/clean_record_make.h \
	src/event/observation.c src/event/observation.h \
	src/event/raw_event.c src/event/raw_event.h \
	src/event/resource.c src/event/resource.h

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_event
TESTS += tests/unit/test_event
tests_unit_test_event_SOURCES = tests/unit/test_event.c
tests_unit_test_event_LDADD = src/event/libevent.a src/base/libbase.a $(XXHASH_LIBS) $(CMOCKA_LIBS)
endif
