noinst_LIBRARIES += src/ingest/libingest.a
src_ingest_libingest_a_SOURCES = \
	src/ingest/body.c \
	src/ingest/frame.c src/ingest/frame.h src/ingest/frame_private.h \
	src/ingest/frame_document.c \
	src/ingest/ingest.c src/ingest/ingest.h \
	src/ingest/page.h \
	src/ingest/source.h \
	src/ingest/tail.c src/ingest/tail.h \
	src/ingest/sse.c src/ingest/sse.h \
	src/ingest/claude_stats.c src/ingest/claude_stats.h \
	src/ingest/src_claude.c src/ingest/src_claude.h \
	src/ingest/src_claude_answer.c \
	src/ingest/src_claude_state.c \
	src/ingest/src_claude_tool.c \
	src/ingest/src_claude_user.c \
	src/ingest/src_lfspool.c \
	src/ingest/src_opencode.c \
	src/ingest/src_opencode_db.c src/ingest/src_opencode_db.h src/ingest/src_opencode_db_private.h \
	src/ingest/src_opencode_db_read.c \
	src/ingest/src_opencode_db_vfs.c \
	src/ingest/src_opencode_doc.c \
	src/ingest/src_opencode_next.c \
	src/ingest/src_opencode_parts.c \
	src/ingest/src_opencode_run.c \
	src/ingest/src_opencode_storage.c src/ingest/src_opencode_storage.h \
	src/ingest/watch.h
if LINUX
src_ingest_libingest_a_SOURCES += src/ingest/watch_linux.c
else
src_ingest_libingest_a_SOURCES += src/ingest/watch_posix.c
endif

if HAVE_CMOCKA
ingest_tests = \
	tests/unit/test_frame tests/unit/test_ingest tests/unit/test_ingest_channels tests/unit/test_claude_stats tests/unit/test_ingest_claude tests/unit/test_ingest_records \
	tests/unit/test_opencode_db tests/unit/test_tail
check_PROGRAMS += $(ingest_tests)
TESTS += $(ingest_tests)
ingest_test_libs = src/ingest/libingest.a src/event/libevent.a src/base/libbase.a $(XXHASH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_frame_SOURCES = tests/unit/test_frame.c
tests_unit_test_frame_LDADD = $(ingest_test_libs)
tests_unit_test_ingest_SOURCES = tests/unit/test_ingest.c
tests_unit_test_ingest_LDADD = $(ingest_test_libs)
tests_unit_test_ingest_channels_SOURCES = tests/unit/test_ingest_channels.c tests/unit/heads.h
tests_unit_test_ingest_channels_LDADD = $(ingest_test_libs) $(ZLIB_LIBS)
tests_unit_test_claude_stats_SOURCES = tests/unit/test_claude_stats.c
tests_unit_test_claude_stats_LDADD = $(ingest_test_libs)
tests_unit_test_ingest_claude_SOURCES = tests/unit/test_ingest_claude.c
tests_unit_test_ingest_claude_LDADD = $(ingest_test_libs)
tests_unit_test_ingest_records_SOURCES = tests/unit/test_ingest_records.c
tests_unit_test_ingest_records_LDADD = $(ingest_test_libs)
tests_unit_test_tail_SOURCES = tests/unit/test_tail.c
tests_unit_test_tail_LDADD = $(ingest_test_libs)
tests_unit_test_opencode_db_SOURCES = tests/unit/test_opencode_db.c tests/unit/heads.h tests/unit/opencode_writer.h
tests_unit_test_opencode_db_LDADD = $(ingest_test_libs) $(SQLITE_LIBS) $(ZLIB_LIBS)
endif

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_sse
TESTS += tests/unit/test_sse
tests_unit_test_sse_SOURCES = tests/unit/test_sse.c
tests_unit_test_sse_LDADD = $(ingest_test_libs)
endif
