noinst_LIBRARIES += redact/libredact.a
redact_libredact_a_SOURCES = redact/check.c redact/check.h redact/filter.c redact/metadata.c redact/names.c redact/names.h \
	redact/pattern.c redact/pattern.h redact/pii.c redact/pii.h redact/prefilter.c redact/prefilter.h redact/redact.h redact/redactor.h redact/rules.c redact/rules.h \
	redact/ruleset.c redact/ruleset.h redact/ruleset_input.c redact/scan.c redact/walk.c

EXTRA_DIST += redact/RULES.md

if HAVE_CMOCKA
check_PROGRAMS += tests/unit/test_redact
tests_unit_test_redact_SOURCES = tests/unit/test_redact.c
tests_unit_test_redact_LDADD = redact/libredact.a src/event/libevent.a src/base/libbase.a \
	$(PCRE2_LIBS) $(XXHASH_LIBS) $(CMOCKA_LIBS)
TESTS += tests/unit/test_redact
check_PROGRAMS += tests/unit/test_redact_corpus
tests_unit_test_redact_corpus_SOURCES = tests/unit/test_redact_corpus.c tests/unit/redact_corpus.c tests/unit/redact_corpus_make.c \
	tests/unit/redact_corpus.h
tests_unit_test_redact_corpus_LDADD = $(tests_unit_test_redact_LDADD)
TESTS += tests/unit/test_redact_corpus
check_PROGRAMS += tests/unit/test_redact_harmless
tests_unit_test_redact_harmless_SOURCES = tests/unit/test_redact_harmless.c tests/unit/redact_corpus_make.c tests/unit/redact_corpus.h
tests_unit_test_redact_harmless_LDADD = $(tests_unit_test_redact_LDADD)
TESTS += tests/unit/test_redact_harmless
check_PROGRAMS += tests/unit/test_redact_fields
tests_unit_test_redact_fields_SOURCES = tests/unit/test_redact_fields.c
tests_unit_test_redact_fields_LDADD = $(tests_unit_test_redact_LDADD)
TESTS += tests/unit/test_redact_fields
check_PROGRAMS += tests/unit/test_redact_pii
tests_unit_test_redact_pii_SOURCES = tests/unit/test_redact_pii.c tests/unit/redact_corpus_make.c tests/unit/redact_corpus.h
tests_unit_test_redact_pii_LDADD = $(tests_unit_test_redact_LDADD)
TESTS += tests/unit/test_redact_pii
check_PROGRAMS += tests/unit/test_redact_user
tests_unit_test_redact_user_SOURCES = tests/unit/test_redact_user.c
tests_unit_test_redact_user_LDADD = $(tests_unit_test_redact_LDADD)
TESTS += tests/unit/test_redact_user
check_PROGRAMS += tests/unit/test_redact_rules
tests_unit_test_redact_rules_SOURCES = tests/unit/test_redact_rules.c tests/unit/redact_corpus.c tests/unit/redact_corpus_make.c \
	tests/unit/redact_corpus.h
tests_unit_test_redact_rules_LDADD = $(tests_unit_test_redact_LDADD)
TESTS += tests/unit/test_redact_rules
check_PROGRAMS += tests/unit/test_redact_must
tests_unit_test_redact_must_SOURCES = tests/unit/test_redact_must.c
tests_unit_test_redact_must_LDADD = $(tests_unit_test_redact_LDADD)
TESTS += tests/unit/test_redact_must

check_PROGRAMS += tests/unit/test_prefilter tests/unit/test_redact_hostile
tests_unit_test_prefilter_SOURCES = tests/unit/test_prefilter.c
tests_unit_test_prefilter_LDADD = redact/libredact.a src/base/libbase.a $(CMOCKA_LIBS)
tests_unit_test_redact_hostile_SOURCES = tests/unit/test_redact_hostile.c
tests_unit_test_redact_hostile_LDADD = $(tests_unit_test_redact_LDADD)
TESTS += tests/unit/test_prefilter tests/unit/test_redact_hostile
endif
