# One target for each parser. With --enable-fuzzing (clang) they are fuzzers; else programs that replay inputs, which tests/t/fuzz.sh gives them.
fuzz_targets = tests/fuzz/fuzz_answer tests/fuzz/fuzz_claude tests/fuzz/fuzz_conf tests/fuzz/fuzz_database tests/fuzz/fuzz_http tests/fuzz/fuzz_ingest \
	tests/fuzz/fuzz_json tests/fuzz/fuzz_redact tests/fuzz/fuzz_request tests/fuzz/fuzz_sse tests/fuzz/fuzz_time
if HAVE_MICROHTTPD
fuzz_targets += tests/fuzz/fuzz_otlp tests/fuzz/fuzz_receiver
endif
check_PROGRAMS += $(fuzz_targets)
fuzz_ldflags = $(AM_LDFLAGS)
if FUZZING
fuzz_ldflags += -fsanitize=fuzzer
fuzz_main =
else
fuzz_main = tests/fuzz/replay.c
endif

fuzz_base_libs = src/base/libbase.a $(XXHASH_LIBS)
fuzz_ingest_libs = src/ingest/libingest.a src/event/libevent.a $(fuzz_base_libs)
fuzz_ship_libs = src/ship/libship.a src/map/libmap.a spool/libspool.a src/event/libevent.a src/base/libbase.a \
	$(CURL_LIBS) $(ZLIB_LIBS) $(SQLITE_LIBS) $(XXHASH_LIBS)
fuzz_sink_libs = src/sink/libsink.a src/map/libmap.a src/event/libevent.a src/base/libbase.a $(MICROHTTPD_LIBS) $(ZLIB_LIBS) $(XXHASH_LIBS)

tests_fuzz_fuzz_answer_SOURCES = tests/fuzz/fuzz_answer.c $(fuzz_main)
tests_fuzz_fuzz_answer_LDADD = $(fuzz_ship_libs)
tests_fuzz_fuzz_answer_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_claude_SOURCES = tests/fuzz/fuzz_claude.c $(fuzz_main)
tests_fuzz_fuzz_claude_LDADD = $(fuzz_ingest_libs)
tests_fuzz_fuzz_claude_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_conf_SOURCES = tests/fuzz/fuzz_conf.c tests/fuzz/scratch.h $(fuzz_main)
tests_fuzz_fuzz_conf_LDADD = src/conf/libconf.a src/base/libbase.a $(INIH_LIBS) $(XXHASH_LIBS)
tests_fuzz_fuzz_conf_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_database_SOURCES = tests/fuzz/fuzz_database.c tests/fuzz/scratch.h $(fuzz_main)
tests_fuzz_fuzz_database_LDADD = $(fuzz_ingest_libs) $(SQLITE_LIBS)
tests_fuzz_fuzz_database_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_http_SOURCES = tests/fuzz/fuzz_http.c tests/fuzz/loopback.h $(fuzz_main)
tests_fuzz_fuzz_http_LDADD = $(fuzz_ship_libs)
tests_fuzz_fuzz_http_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_ingest_SOURCES = tests/fuzz/fuzz_ingest.c $(fuzz_main)
tests_fuzz_fuzz_ingest_LDADD = $(fuzz_ingest_libs)
tests_fuzz_fuzz_ingest_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_json_SOURCES = tests/fuzz/fuzz_json.c $(fuzz_main)
tests_fuzz_fuzz_json_LDADD = $(fuzz_base_libs)
tests_fuzz_fuzz_json_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_otlp_SOURCES = tests/fuzz/fuzz_otlp.c $(fuzz_main)
tests_fuzz_fuzz_otlp_LDADD = $(fuzz_sink_libs)
tests_fuzz_fuzz_otlp_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_receiver_SOURCES = tests/fuzz/fuzz_receiver.c tests/fuzz/loopback.h $(fuzz_main)
tests_fuzz_fuzz_receiver_LDADD = $(fuzz_sink_libs)
tests_fuzz_fuzz_receiver_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_redact_SOURCES = tests/fuzz/fuzz_redact.c $(fuzz_main)
tests_fuzz_fuzz_redact_LDADD = redact/libredact.a src/event/libevent.a $(fuzz_base_libs) $(PCRE2_LIBS)
tests_fuzz_fuzz_redact_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_request_SOURCES = tests/fuzz/fuzz_request.c tests/fuzz/scratch.h $(fuzz_main)
tests_fuzz_fuzz_request_LDADD = $(tests_unit_test_derive_LDADD)
tests_fuzz_fuzz_request_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_sse_SOURCES = tests/fuzz/fuzz_sse.c $(fuzz_main)
tests_fuzz_fuzz_sse_LDADD = $(fuzz_ingest_libs)
tests_fuzz_fuzz_sse_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_time_SOURCES = tests/fuzz/fuzz_time.c $(fuzz_main)
tests_fuzz_fuzz_time_LDADD = $(fuzz_base_libs)
tests_fuzz_fuzz_time_LDFLAGS = $(fuzz_ldflags)
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/run
