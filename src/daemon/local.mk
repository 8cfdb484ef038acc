noinst_LIBRARIES += src/daemon/libdaemon.a
src_daemon_libdaemon_a_SOURCES = \
	src/daemon/client.c src/daemon/client.h \
	src/daemon/control.c src/daemon/control.h \
	src/daemon/daemon.c src/daemon/daemon.h \
	src/daemon/otlp.c src/daemon/otlp.h \
	src/daemon/request.c src/daemon/request.h \
	src/daemon/status.c src/daemon/status.h \
	src/daemon/work.c src/daemon/work.h \
	src/daemon/syncing.c src/daemon/syncing.h \
	src/daemon/writer.c src/daemon/writer.h \
	$(daemon_sources) $(daemon_flusher) $(daemon_meters) $(daemon_checks)
# What comes in: stages 1 to 3.
daemon_sources = \
	src/daemon/sources/sources.c src/daemon/sources/sources.h \
	src/daemon/sources/follow.c src/daemon/sources/follow.h src/daemon/sources/follow_private.h src/daemon/sources/follow_take.c \
	src/daemon/sources/transcripts.c src/daemon/sources/transcripts.h src/daemon/sources/transcripts_private.h \
	src/daemon/sources/transcripts_take.c src/daemon/sources/transcript_files.c src/daemon/sources/transcript_files.h \
	src/daemon/sources/server.c src/daemon/sources/server.h src/daemon/sources/server_private.h src/daemon/sources/server_rest.c \
	src/daemon/sources/session_map.c src/daemon/sources/session_map.h \
	src/daemon/sources/patience.c src/daemon/sources/patience.h \
	src/daemon/sources/pipeline.c src/daemon/sources/pipeline.h
# What goes out: stages 4 and 5.
daemon_flusher = \
	src/daemon/flusher/flush.c src/daemon/flusher/flush.h src/daemon/flusher/flusher.c \
	src/daemon/flusher/derive.c src/daemon/flusher/derive.h src/daemon/flusher/derive_private.h src/daemon/flusher/making.c \
	src/daemon/flusher/ahead.c src/daemon/flusher/ahead.h \
	src/daemon/flusher/tree.c src/daemon/flusher/tree.h \
	src/daemon/flusher/score.c src/daemon/flusher/score.h
# What is counted, and who asks for it.
daemon_meters = \
	src/daemon/meters/counting.c src/daemon/meters/counting.h \
	src/daemon/meters/series.c src/daemon/meters/series.h \
	src/daemon/meters/delta.c src/daemon/meters/delta.h \
	src/daemon/meters/meter.c src/daemon/meters/meter.h src/daemon/meters/meter_agents.c src/daemon/meters/meter_claude.c \
	src/daemon/meters/meter_private.h \
	src/daemon/meters/figures.c src/daemon/meters/figures.h \
	src/daemon/meters/exporter.c src/daemon/meters/exporter.h \
	src/daemon/meters/listener.c src/daemon/meters/listener.h
# Whether all is well: doctor and verify.
daemon_checks = \
	src/daemon/checks/doctor.c src/daemon/checks/doctor.h src/daemon/checks/doctor_private.h \
	src/daemon/checks/doctor_agent.c src/daemon/checks/doctor_claude.c src/daemon/checks/doctor_server.c src/daemon/checks/doctor_spool.c \
	src/daemon/checks/verify.c src/daemon/checks/verify.h src/daemon/checks/verify_agent.c src/daemon/checks/verify_agent.h
