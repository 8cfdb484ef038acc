noinst_LIBRARIES += src/cmd/libcmd.a
src_cmd_libcmd_a_SOURCES = \
	src/cmd/cmd.c src/cmd/cmd.h \
	src/cmd/cmd_backfill.c \
	src/cmd/cmd_complete.c \
	src/cmd/cmd_config.c \
	src/cmd/cmd_dead.c \
	src/cmd/cmd_demo.c \
	src/cmd/cmd_doctor.c \
	src/cmd/cmd_export.c \
	src/cmd/cmd_flush.c \
	src/cmd/cmd_ingest.c \
	src/cmd/cmd_metrics.c \
	src/cmd/cmd_purge.c \
	src/cmd/cmd_redact.c \
	src/cmd/cmd_run.c \
	src/cmd/cmd_score.c \
	src/cmd/cmd_show.c \
	src/cmd/cmd_sink.c \
	src/cmd/cmd_status.c \
	src/cmd/cmd_verify.c \
	src/cmd/progress.c src/cmd/progress.h \
	src/cmd/status_screen.c src/cmd/status_screen.h \
	src/cmd/term.c src/cmd/term.h \
	src/cmd/watch.c src/cmd/watch.h

# The recorded session that the demo carries with it.
demo_session = $(srcdir)/tests/fixtures/opencode/subagent/sse.jsonl
src/cmd/demo_session.inc: $(demo_session)
	@$(MKDIR_P) src/cmd
	$(AM_V_GEN)od -An -v -tx1 $(demo_session) | sed 's/ *\([0-9a-f][0-9a-f]\)/0x\1,/g' > $@.tmp && mv $@.tmp $@
BUILT_SOURCES += src/cmd/demo_session.inc
src/cmd/cmd_demo.$(OBJEXT): src/cmd/demo_session.inc
CLEANFILES += src/cmd/demo_session.inc

bin_PROGRAMS += lfspool
lfspool_SOURCES = src/main.c
lfspool_LDADD = src/cmd/libcmd.a src/daemon/libdaemon.a
if HAVE_MICROHTTPD
lfspool_LDADD += src/sink/libsink.a
endif
lfspool_LDADD += src/metrics/libmetrics.a src/ship/libship.a src/map/libmap.a src/assemble/libassemble.a src/ingest/libingest.a \
	redact/libredact.a spool/libspool.a src/conf/libconf.a src/event/libevent.a src/base/libbase.a \
	$(CURL_LIBS) $(PCRE2_LIBS) $(SQLITE_LIBS) $(XXHASH_LIBS) $(INIH_LIBS) $(ZLIB_LIBS) $(MICROHTTPD_LIBS) $(SYSTEMD_LIBS)
dist_man_MANS += src/cmd/lfspool.1
