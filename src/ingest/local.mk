noinst_LIBRARIES += src/ingest/libingest.a
src_ingest_libingest_a_SOURCES = \
	src/ingest/body.c \
	src/ingest/frame.c src/ingest/frame.h \
	src/ingest/ingest.c src/ingest/ingest.h \
	src/ingest/source.h \
	src/ingest/src_lfspool.c \
	src/ingest/src_opencode.c \
	src/ingest/src_opencode_doc.c \
	src/ingest/src_opencode_next.c \
	src/ingest/src_opencode_parts.c \
	src/ingest/src_opencode_run.c
