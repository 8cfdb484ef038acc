# `make bench` prints a table; BENCH_JSON=FILE adds its rows to a file. No benchmark is a test.
bench_common = tests/bench/bench.c tests/bench/bench.h
bench_programs = tests/bench/redact tests/bench/hostile
EXTRA_PROGRAMS = tests/bench/redact tests/bench/hostile tests/bench/walk tests/bench/whole tests/bench/peer
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

tests_bench_whole_SOURCES = tests/bench/whole.c tests/bench/world.c tests/bench/world.h tests/bench/section_ingest.c \
	tests/bench/section_ship.c tests/bench/section_large.c tests/bench/section_large_ratio.c tests/bench/load.c tests/bench/load.h tests/bench/disk.c tests/bench/disk.h \
	tests/bench/receiver.c tests/bench/receiver.h tests/bench/process.c tests/bench/process.h $(bench_common)
tests_bench_whole_LDADD = $(lfspool_LDADD)
tests_bench_peer_SOURCES = tests/bench/peer.c tests/bench/load.c tests/bench/load.h tests/bench/process.c tests/bench/process.h $(bench_common)
tests_bench_peer_LDADD = src/base/libbase.a $(XXHASH_LIBS)

# What tests/t/opencode.sh fetched.
bench_opencode = tests/npm-opencode-1.18.33/node_modules/.bin/opencode
EXTRA_DIST += tests/bench/idle-database.sh tests/bench/peers
bench: $(bench_programs) tests/bench/whole lfspool
	tests/bench/whole ./lfspool $(top_srcdir)
	tests/bench/redact $(top_srcdir) 100
	tests/bench/hostile 50
	if test -x tests/bench/walk; then tests/bench/walk $(top_srcdir) 50; fi
	$(SHELL) $(top_srcdir)/tests/bench/idle-database.sh ./lfspool $(top_srcdir)/tests/fixtures/opencode-db/schema.sql
	if test -x $(bench_opencode); then node $(top_srcdir)/tests/opencode/latency.mjs --opencode $(bench_opencode) --lfspool ./lfspool \
		--plugin $(top_srcdir)/contrib/opencode-plugin/lfspool.js; fi
# Beside other programs that store and forward; as root it cuts the power of a file system too.
bench-peers: tests/bench/peer tests/crash/pcut lfspool
	$(SHELL) $(top_srcdir)/tests/bench/peers . $(top_srcdir)
CLEANFILES += $(EXTRA_PROGRAMS)
.PHONY: bench bench-peers
