# src/base: libc and xxhash, no nouns of lfspool.
noinst_LIBRARIES += src/base/libbase.a
src_base_libbase_a_SOURCES = \
	src/base/base64.c src/base/base64.h \
	src/base/buf.c src/base/buf.h \
	src/base/clock.c src/base/clock.h \
	src/base/err.c src/base/err.h \
	src/base/file.c src/base/file.h \
	src/base/hash.c src/base/hash.h \
	src/base/json.h src/base/json_block.h src/base/json_private.h \
	src/base/json_doc.c src/base/json_number.c src/base/json_read.c \
	src/base/json_text.c src/base/json_write.c \
	src/base/list.c src/base/list.h \
	src/base/log.c src/base/log.h \
	src/base/log_file.c src/base/log_file.h \
	src/base/mailbox.c src/base/mailbox.h \
	src/base/mem.c src/base/mem.h \
	src/base/program.c src/base/program.h \
	src/base/protobuf.c src/base/protobuf.h src/base/protobuf_read.c \
	src/base/slice.c src/base/slice.h \
	src/base/system.h \
	src/base/text.c src/base/text.h
if LINUX
src_base_libbase_a_SOURCES += src/base/system_linux.c
else
src_base_libbase_a_SOURCES += src/base/system_posix.c
endif

if HAVE_CMOCKA
base_tests = \
	tests/unit/test_buf tests/unit/test_clock tests/unit/test_file tests/unit/test_hash \
	tests/unit/test_json tests/unit/test_json_string tests/unit/test_json_string_words tests/unit/test_log tests/unit/test_mailbox tests/unit/test_program tests/unit/test_system tests/unit/test_text
check_PROGRAMS += $(base_tests)
TESTS += $(base_tests)
base_test_libs = src/base/libbase.a $(XXHASH_LIBS) $(CMOCKA_LIBS)
tests_unit_test_buf_SOURCES = tests/unit/test_buf.c
tests_unit_test_buf_LDADD = $(base_test_libs)
tests_unit_test_clock_SOURCES = tests/unit/test_clock.c
tests_unit_test_clock_LDADD = $(base_test_libs)
tests_unit_test_file_SOURCES = tests/unit/test_file.c
tests_unit_test_file_LDADD = $(base_test_libs)
tests_unit_test_hash_SOURCES = tests/unit/test_hash.c
tests_unit_test_hash_LDADD = $(base_test_libs)
tests_unit_test_json_SOURCES = tests/unit/test_json.c
tests_unit_test_json_LDADD = $(base_test_libs)
tests_unit_test_json_string_SOURCES = tests/unit/test_json_string.c
tests_unit_test_json_string_LDADD = $(base_test_libs)
# As it is made where there are no instructions for many bytes.
tests_unit_test_json_string_words_SOURCES = tests/unit/test_json_string.c src/base/json_read.c src/base/json_text.c
tests_unit_test_json_string_words_CPPFLAGS = $(AM_CPPFLAGS) -U__SSE2__ -U__ARM_NEON
tests_unit_test_json_string_words_LDADD = $(base_test_libs)
tests_unit_test_program_SOURCES = tests/unit/test_program.c
tests_unit_test_program_LDADD = $(base_test_libs)
tests_unit_test_log_SOURCES = tests/unit/test_log.c
tests_unit_test_log_LDADD = $(base_test_libs)
tests_unit_test_mailbox_SOURCES = tests/unit/test_mailbox.c
tests_unit_test_mailbox_LDADD = $(base_test_libs)
tests_unit_test_system_SOURCES = tests/unit/test_system.c
tests_unit_test_system_LDADD = $(base_test_libs)
tests_unit_test_text_SOURCES = tests/unit/test_text.c
tests_unit_test_text_LDADD = $(base_test_libs)

if HAVE_JSONC
check_PROGRAMS += tests/unit/test_json_differential
TESTS += tests/unit/test_json_differential
tests_unit_test_json_differential_SOURCES = tests/unit/test_json_differential.c
tests_unit_test_json_differential_LDADD = $(base_test_libs) $(JSONC_LIBS)
endif
endif
