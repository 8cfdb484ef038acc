noinst_LIBRARIES += src/conf/libconf.a
src_conf_libconf_a_SOURCES = src/conf/conf.c src/conf/conf.h src/conf/environment.c src/conf/file.c \
	src/conf/layer.h src/conf/name.c src/conf/options.c src/conf/path.c src/conf/path.h \
	src/conf/value.c src/conf/value.h
dist_man_MANS += src/conf/lfspool.conf.5

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_conf
TESTS += tests/unit/test_conf
tests_unit_test_conf_SOURCES = tests/unit/test_conf.c
tests_unit_test_conf_LDADD = src/conf/libconf.a src/base/libbase.a $(INIH_LIBS) $(XXHASH_LIBS) $(CMOCKA_LIBS)
endif
