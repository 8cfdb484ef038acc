# Shell tests (TAP-less: exit 0 passed, 77 skipped) get the built program in LFSPOOL and the sources in srcdir.
AM_TESTS_ENVIRONMENT = LFSPOOL='$(abs_top_builddir)/lfspool'; export LFSPOOL; builddir='$(abs_top_builddir)'; export builddir;
# Each notes how long it took.
LOG_COMPILER = $(SHELL) $(srcdir)/tests/timed
SH_LOG_COMPILER = $(LOG_COMPILER) $(SHELL)
TEST_EXTENSIONS = .sh

# The longest first: what starts last ends last.
shell_tests = \
	tests/opencode/live.sh tests/t/truth.sh tests/t/otlp-truth.sh tests/t/channels.sh \
	tests/t/bad-input.sh \
	tests/t/backends.sh \
	tests/t/backfill.sh \
	tests/t/claude.sh tests/t/claude-nudge.sh tests/t/claude-live.sh tests/t/claude-grown.sh tests/t/claude-figures.sh tests/t/claude-places.sh tests/t/claude-many.sh tests/t/claude-doctor.sh \
	tests/t/completion.sh \
	tests/t/database.sh \
	tests/t/daemon.sh \
	tests/t/demo.sh \
	tests/t/documents.sh \
	tests/t/fault-disk-full.sh \
	tests/t/fault-outage.sh \
	tests/t/fault-power-cut.sh \
	tests/t/fault-process.sh \
	tests/t/fault-server.sh \
	tests/t/fault-syscalls.sh \
	tests/t/faults.sh \
	tests/t/fuzz.sh tests/t/fuzz-claude.sh tests/t/fuzz-redact.sh \
	tests/t/doctor.sh \
	tests/t/golden.sh \
	tests/t/hardening.sh \
	tests/t/headers.sh \
	tests/t/in-doubt.sh \
	tests/t/kill9.sh \
	tests/t/layout.sh \
	tests/t/log.sh \
	tests/t/manual.sh \
	tests/t/musl.sh \
	tests/t/metrics.sh \
	tests/t/opencode.sh \
	tests/t/opencode-tui.sh \
	tests/t/metrics-kill9.sh \
	tests/t/metrics-names.sh \
	tests/t/metrics-secrets.sh \
	tests/t/metrics-contrib.sh \
	tests/t/places.sh \
	tests/t/otlp-metrics.sh \
	tests/t/otlp-content.sh tests/t/otlp-signals.sh tests/t/otlp-sinks.sh \
	tests/t/otlp-faults.sh tests/t/otlp-helper.sh tests/t/otlp-options.sh tests/t/otlp-secrets.sh tests/t/otlp-tls.sh \
	tests/t/plugin.sh \
	tests/t/score.sh \
	tests/t/prometheus.sh \
	tests/t/secretlint.sh \
	tests/t/redact-options.sh \
	tests/t/secrets.sh \
	tests/t/server.sh \
	tests/t/service.sh tests/t/service-real.sh \
	tests/t/sink.sh \
	tests/t/stale.sh \
	tests/t/status-purge.sh \
	tests/t/ui.sh \
	tests/t/verify.sh \
	tests/t/watch.sh
TESTS += $(shell_tests)
EXTRA_DIST += $(shell_tests) tests/lint tests/timed .clang-tidy tests/t/lib.sh tests/t/load.sh tests/crash/FAULTS.md tests/opencode tests/ui tests/t/places.jq tests/t/truth.jq tests/run-all tests/fixtures
EXTRA_DIST += tests/t/claude.jq tests/t/metrics.jq tests/otlp

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_derive
TESTS += tests/unit/test_derive
tests_unit_test_derive_SOURCES = tests/unit/test_derive.c
tests_unit_test_derive_LDADD = src/daemon/libdaemon.a src/metrics/libmetrics.a src/ship/libship.a src/map/libmap.a src/assemble/libassemble.a \
	src/ingest/libingest.a redact/libredact.a spool/libspool.a src/conf/libconf.a src/event/libevent.a src/base/libbase.a \
	$(CURL_LIBS) $(PCRE2_LIBS) $(SQLITE_LIBS) $(XXHASH_LIBS) $(INIH_LIBS) $(ZLIB_LIBS) $(SYSTEMD_LIBS) $(CMOCKA_LIBS)
endif

# What breaks the world under the program: a power cut, system calls that fail.
check_PROGRAMS += tests/crash/pcut
tests_crash_pcut_SOURCES = tests/crash/pcut.c
# Nothing else may be linked in: it lives inside the program that is tested.
check_PROGRAMS += tests/crash/faultio.so
tests_crash_faultio_so_SOURCES = tests/crash/faultio.c
tests_crash_faultio_so_CFLAGS = -std=gnu11 $(WARN_CFLAGS) -fPIC -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=0
tests_crash_faultio_so_LDFLAGS = -shared
tests_crash_faultio_so_LDADD = -ldl

# Writes databases as OpenCode does.
check_PROGRAMS += tests/database/grow
tests_database_grow_SOURCES = tests/database/grow.c tests/unit/opencode_writer.h
tests_database_grow_LDADD = src/base/libbase.a $(SQLITE_LIBS) $(XXHASH_LIBS)

# Names the tests, for tests/run-all.
print-tests:
	@echo $(TESTS)
.PHONY: print-tests

# What the tests fetched.
clean-local:
	rm -rf tests/npm-* tests/times
check_PROGRAMS += tests/crash/front
tests_crash_front_SOURCES = tests/crash/front.c
# Makes Claude Code's transcripts, and lets them grow.
check_PROGRAMS += tests/claude/transcripts
tests_claude_transcripts_SOURCES = tests/claude/transcripts.c tests/claude/transcripts.h tests/claude/make.c tests/claude/play.c tests/claude/truth.c
EXTRA_DIST += tests/package
