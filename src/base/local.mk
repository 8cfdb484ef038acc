# src/base: libc and xxhash, no nouns of lfspool.
noinst_LIBRARIES += src/base/libbase.a
src_base_libbase_a_SOURCES = \
	src/base/buf.c src/base/buf.h \
	src/base/clock.c src/base/clock.h \
	src/base/err.c src/base/err.h \
	src/base/file.c src/base/file.h \
	src/base/hash.c src/base/hash.h \
	src/base/json.h src/base/json_private.h \
	src/base/json_doc.c src/base/json_number.c src/base/json_read.c \
	src/base/json_text.c src/base/json_write.c \
	src/base/log.c src/base/log.h \
	src/base/mailbox.c src/base/mailbox.h \
	src/base/mem.c src/base/mem.h \
	src/base/slice.c src/base/slice.h
