noinst_LIBRARIES += spool/libspool.a
spool_libspool_a_SOURCES = \
	spool/spool.h spool/spool_internal.h spool/spool_sql.h \
	spool/statement.c spool/transaction.c spool/intake.c spool/note.c spool/schema.c spool/open.c spool/files.c spool/closed.c spool/salvage.c \
	spool/record.c spool/parts.c spool/fresh.c spool/head.c spool/gap.c spool/session.c spool/observation.c spool/outgo.c spool/send.c \
	spool/dead.c spool/counter.c spool/rows.c spool/place.c spool/late.c spool/purge.c spool/cap.c spool/cleanup.c spool/write_back.c spool/beside.c
EXTRA_DIST += spool/FORMAT.md

if HAVE_CMOCKA
spool_tests = \
	tests/unit/test_spool tests/unit/test_spool_cleanup tests/unit/test_spool_file tests/unit/test_spool_fresh tests/unit/test_spool_intake tests/unit/test_spool_log tests/unit/test_spool_versions \
	tests/unit/test_spool_outbox tests/unit/test_spool_sinks
check_PROGRAMS += $(spool_tests)
TESTS += $(spool_tests)
spool_test_libs = spool/libspool.a src/event/libevent.a src/base/libbase.a $(SQLITE_LIBS) $(XXHASH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_spool_SOURCES = tests/unit/test_spool.c tests/unit/spool_fixture.h
tests_unit_test_spool_LDADD = $(spool_test_libs)
tests_unit_test_spool_cleanup_SOURCES = tests/unit/test_spool_cleanup.c tests/unit/spool_fixture.h
tests_unit_test_spool_cleanup_LDADD = $(spool_test_libs)
tests_unit_test_spool_file_SOURCES = tests/unit/test_spool_file.c tests/unit/spool_fixture.h
tests_unit_test_spool_file_LDADD = $(spool_test_libs)
tests_unit_test_spool_fresh_SOURCES = tests/unit/test_spool_fresh.c tests/unit/spool_fixture.h
tests_unit_test_spool_fresh_LDADD = $(spool_test_libs)
tests_unit_test_spool_intake_SOURCES = tests/unit/test_spool_intake.c tests/unit/spool_fixture.h
tests_unit_test_spool_intake_LDADD = $(spool_test_libs)
tests_unit_test_spool_log_SOURCES = tests/unit/test_spool_log.c tests/unit/spool_fixture.h
tests_unit_test_spool_log_LDADD = $(spool_test_libs)
tests_unit_test_spool_versions_SOURCES = tests/unit/test_spool_versions.c tests/unit/spool_fixture.h
tests_unit_test_spool_versions_LDADD = $(spool_test_libs)
tests_unit_test_spool_outbox_SOURCES = tests/unit/test_spool_outbox.c tests/unit/spool_fixture.h
tests_unit_test_spool_outbox_LDADD = $(spool_test_libs)
tests_unit_test_spool_sinks_SOURCES = tests/unit/test_spool_sinks.c tests/unit/spool_fixture.h
tests_unit_test_spool_sinks_LDADD = $(spool_test_libs)
endif
