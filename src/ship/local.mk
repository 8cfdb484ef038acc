noinst_LIBRARIES += src/ship/libship.a
src_ship_libship_a_SOURCES = src/ship/answer.c src/ship/batch.c src/ship/facts.c src/ship/collector.c src/ship/collector.h \
	src/ship/collector_answer.c src/ship/collector_private.h src/ship/grpc.c src/ship/grpc.h src/ship/headers.c src/ship/headers.h \
	src/ship/gzip.c src/ship/gzip.h src/ship/http.c src/ship/http.h src/ship/http_answer.c src/ship/list.c src/ship/lookup.c \
	src/ship/post.c src/ship/probe.c src/ship/score.c src/ship/ship.c src/ship/ship.h src/ship/ship_private.h \
	src/ship/settle.c src/ship/take.c src/ship/verdict.c src/ship/verdict.h

if HAVE_CMOCKA
SHIP_TEST_LIBS = src/ship/libship.a src/map/libmap.a spool/libspool.a src/event/libevent.a src/base/libbase.a \
	$(CURL_LIBS) $(ZLIB_LIBS) $(SQLITE_LIBS) $(XXHASH_LIBS) $(CMOCKA_LIBS)
ship_tests = tests/unit/test_verdict tests/unit/test_http tests/unit/test_ship tests/unit/test_collector
check_PROGRAMS += $(ship_tests)
TESTS += $(ship_tests)
tests_unit_test_collector_SOURCES = tests/unit/test_collector.c
tests_unit_test_collector_LDADD = $(SHIP_TEST_LIBS)
tests_unit_test_verdict_SOURCES = tests/unit/test_verdict.c
tests_unit_test_verdict_LDADD = $(SHIP_TEST_LIBS)
tests_unit_test_http_SOURCES = tests/unit/test_http.c tests/server/script_server.c tests/server/script_server.h
tests_unit_test_http_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/server
tests_unit_test_http_LDADD = $(SHIP_TEST_LIBS)
tests_unit_test_ship_SOURCES = tests/unit/test_ship.c tests/server/script_server.c tests/server/script_server.h
tests_unit_test_ship_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/tests/server
tests_unit_test_ship_LDADD = $(SHIP_TEST_LIBS)
endif
