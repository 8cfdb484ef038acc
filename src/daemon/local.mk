noinst_LIBRARIES += src/daemon/libdaemon.a
src_daemon_libdaemon_a_SOURCES = \
	src/daemon/client.c src/daemon/client.h \
	src/daemon/control.c src/daemon/control.h \
	src/daemon/counting.c src/daemon/counting.h \
	src/daemon/daemon.c src/daemon/daemon.h \
	src/daemon/derive.c src/daemon/derive.h \
	src/daemon/doctor.c src/daemon/doctor.h src/daemon/doctor_private.h \
	src/daemon/doctor_agent.c src/daemon/doctor_claude.c src/daemon/doctor_server.c src/daemon/doctor_spool.c \
	src/daemon/delta.c src/daemon/delta.h \
	src/daemon/exporter.c src/daemon/exporter.h \
	src/daemon/flush.c src/daemon/flush.h \
	src/daemon/figures.c src/daemon/figures.h \
	src/daemon/follow.c src/daemon/follow.h src/daemon/follow_private.h \
	src/daemon/follow_take.c \
	src/daemon/listener.c src/daemon/listener.h \
	src/daemon/meter.c src/daemon/meter.h src/daemon/meter_agents.c src/daemon/meter_claude.c src/daemon/meter_private.h \
	src/daemon/otlp.c src/daemon/otlp.h \
	src/daemon/patience.c src/daemon/patience.h \
	src/daemon/pipeline.c src/daemon/pipeline.h \
	src/daemon/request.c src/daemon/request.h \
	src/daemon/series.c src/daemon/series.h \
	src/daemon/score.c src/daemon/score.h \
	src/daemon/session_map.c src/daemon/session_map.h \
	src/daemon/sources.c src/daemon/sources.h \
	src/daemon/server.c src/daemon/server.h src/daemon/server_private.h src/daemon/server_rest.c \
	src/daemon/status.c src/daemon/status.h \
	src/daemon/transcripts.c src/daemon/transcripts.h src/daemon/transcripts_private.h src/daemon/transcripts_take.c \
	src/daemon/transcript_files.c src/daemon/transcript_files.h \
	src/daemon/tree.c src/daemon/tree.h \
	src/daemon/verify.c src/daemon/verify.h src/daemon/verify_agent.c src/daemon/verify_agent.h \
	src/daemon/work.c src/daemon/work.h \
	src/daemon/writer.c src/daemon/writer.h
