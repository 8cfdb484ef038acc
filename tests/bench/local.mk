# `make bench` prints a table; BENCH_JSON=FILE adds its rows to a file. No benchmark is a test.
bench_common = tests/bench/bench.c tests/bench/bench.h
bench_programs = tests/bench/redact tests/bench/hostile
EXTRA_PROGRAMS = tests/bench/redact tests/bench/hostile tests/bench/walk
if HAVE_JSONC
bench_programs += tests/bench/walk
endif
bench_redact_libs = redact/libredact.a src/event/libevent.a src/base/libbase.a $(PCRE2_LIBS) $(XXHASH_LIBS)

tests_bench_redact_SOURCES = tests/bench/redact.c $(bench_common)
tests_bench_redact_LDADD = $(bench_redact_libs)
tests_bench_hostile_SOURCES = tests/bench/hostile.c $(bench_common)
tests_bench_hostile_LDADD = $(bench_redact_libs)
tests_bench_walk_SOURCES = tests/bench/walk.c $(bench_common)
tests_bench_walk_LDADD = $(bench_redact_libs) $(JSONC_LIBS)

bench: $(bench_programs)
	tests/bench/redact $(top_srcdir) 100
	tests/bench/hostile 50
	if test -x tests/bench/walk; then tests/bench/walk $(top_srcdir) 50; fi
CLEANFILES += $(EXTRA_PROGRAMS)
.PHONY: bench
