noinst_LIBRARIES += redact/libredact.a
redact_libredact_a_SOURCES = redact/check.c redact/check.h redact/filter.c redact/metadata.c \
	redact/pattern.c redact/pattern.h redact/redact.h redact/redactor.h redact/rules.c redact/rules.h \
	redact/ruleset.c redact/ruleset.h redact/ruleset_input.c redact/scan.c redact/walk.c

