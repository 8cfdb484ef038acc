if HAVE_MICROHTTPD
noinst_LIBRARIES += src/sink/libsink.a
src_sink_libsink_a_SOURCES = \
	src/sink/fault.c src/sink/fault.h \
	src/sink/ingestion.c src/sink/ingestion.h \
	src/sink/otlp.h src/sink/otlp_decode.c src/sink/otlp_json.c src/sink/otlp_map.c \
	src/sink/own.c \
	src/sink/routes.c src/sink/server.h \
	src/sink/sink.c src/sink/sink.h \
	src/sink/span.c src/sink/span.h \
	src/sink/store.c src/sink/store.h \
	src/sink/ui.c src/sink/ui.h \
	src/sink/view.c

# The page that the receiver carries with it.
src/sink/ui_page.inc: $(srcdir)/src/sink/ui.html
	@$(MKDIR_P) src/sink
	$(AM_V_GEN)od -An -v -tx1 $(srcdir)/src/sink/ui.html | sed 's/ *\([0-9a-f][0-9a-f]\)/(char)0x\1,/g' > $@.tmp && mv $@.tmp $@
EXTRA_DIST += src/sink/ui.html
BUILT_SOURCES += src/sink/ui_page.inc
src/sink/ui.$(OBJEXT): src/sink/ui_page.inc
CLEANFILES += src/sink/ui_page.inc

sink_test_libs = src/sink/libsink.a src/map/libmap.a src/event/libevent.a src/base/libbase.a \
	$(MICROHTTPD_LIBS) $(ZLIB_LIBS) $(XXHASH_LIBS)

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_sink tests/unit/test_sink_otlp
TESTS += tests/unit/test_sink tests/unit/test_sink_otlp
tests_unit_test_sink_SOURCES = tests/unit/test_sink.c tests/unit/sink_client.h
tests_unit_test_sink_LDADD = $(sink_test_libs) $(CMOCKA_LIBS)
tests_unit_test_sink_otlp_SOURCES = tests/unit/test_sink_otlp.c tests/unit/sink_client.h
tests_unit_test_sink_otlp_LDADD = $(sink_test_libs) $(CMOCKA_LIBS)
endif

endif
