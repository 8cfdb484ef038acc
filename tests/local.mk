# Shell tests (TAP-less: exit 0 passed, 77 skipped) get the built program in LFSPOOL and the sources in srcdir.
AM_TESTS_ENVIRONMENT = LFSPOOL='$(abs_top_builddir)/lfspool'; export LFSPOOL; builddir='$(abs_top_builddir)'; export builddir;
SH_LOG_COMPILER = $(SHELL)
TEST_EXTENSIONS = .sh

shell_tests = \
	tests/t/bad-input.sh \
	tests/t/channels.sh \
	tests/t/daemon.sh \
	tests/t/hardening.sh \
	tests/t/headers.sh \
	tests/t/kill9.sh \
	tests/t/layout.sh \
	tests/t/manual.sh \
	tests/t/secrets.sh \
	tests/t/status-purge.sh \
	tests/t/truth.sh
TESTS += $(shell_tests)
EXTRA_DIST += $(shell_tests) tests/t/lib.sh tests/run-all tests/fixtures
