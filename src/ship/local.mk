noinst_LIBRARIES += src/ship/libship.a
src_ship_libship_a_SOURCES = src/ship/answer.c src/ship/batch.c src/ship/http.c src/ship/http.h src/ship/lookup.c \
	src/ship/post.c src/ship/probe.c src/ship/ship.c src/ship/ship.h src/ship/ship_private.h \
	src/ship/verdict.c src/ship/verdict.h
