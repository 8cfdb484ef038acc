# Power cuts and failing disks. CRASH_FULL=1 in the environment cuts at every operation instead of a sample of them.
crash_sources = tests/crash/fault_vfs.h tests/crash/fault_vfs.c tests/crash/disk.h tests/crash/disk.c tests/crash/source.h \
	tests/crash/source.c tests/crash/script.h tests/crash/script.c tests/crash/state.c tests/crash/lab.h tests/crash/lab.c
crash_libs = spool/libspool.a src/event/libevent.a src/base/libbase.a $(SQLITE_LIBS) $(XXHASH_LIBS)
crash_tests = tests/crash/crash_spool tests/crash/crash_faults tests/crash/crash_salvage
check_PROGRAMS += $(crash_tests)
TESTS += $(crash_tests)
tests_crash_crash_spool_SOURCES = tests/crash/crash_spool.c $(crash_sources)
tests_crash_crash_spool_LDADD = $(crash_libs)
tests_crash_crash_faults_SOURCES = tests/crash/crash_faults.c $(crash_sources)
tests_crash_crash_faults_LDADD = $(crash_libs)
tests_crash_crash_salvage_SOURCES = tests/crash/crash_salvage.c $(crash_sources)
tests_crash_crash_salvage_LDADD = $(crash_libs)
