if HAVE_MICROHTTPD
noinst_LIBRARIES += src/sink/libsink.a
src_sink_libsink_a_SOURCES = \
	src/sink/base64.c src/sink/base64.h \
	src/sink/fault.c src/sink/fault.h \
	src/sink/ingestion.c src/sink/ingestion.h \
	src/sink/otlp.h src/sink/otlp_decode.c src/sink/otlp_json.c src/sink/otlp_map.c \
	src/sink/routes.c src/sink/server.h \
	src/sink/sink.c src/sink/sink.h \
	src/sink/span.c src/sink/span.h \
	src/sink/store.c src/sink/store.h
endif
