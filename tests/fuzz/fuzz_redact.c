/* Any bytes as text; valid JSON keeps its shape; cleaning twice is cleaning once. */
#include "redact.h"
#include "base/json.h"
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct redactor *make(void)
{
	const struct redact_options options = { .user_patterns = "(?i)emp-[0-9]{4,6}" };
	struct ruleset *rules;

	if (ruleset_new(&options, &rules, NULL))
		abort();
	return redactor_new(rules);
}

/* The same tokens but for the texts of strings and keys. */
static void same_shape(struct slice a, struct slice b)
{
	struct json_reader x, y;
	struct json_token p, q;

	json_reader_init(&x, a, 0);
	json_reader_init(&y, b, 0);
	for (;;) {
		enum json_type type = json_next(&x, &p);

		if (json_next(&y, &q) != type)
			abort();
		if (type == JSON_END || type == JSON_BAD)
			return;
		if (type == JSON_NUMBER && !slice_equal(p.raw, q.raw))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct redactor *redactor;
	struct slice input = { (const char *)data, size };
	struct buf once, twice;

	if (!redactor)
		redactor = make();
	buf_init(&once, 0);
	buf_init(&twice, 0);
	if (redact_text(redactor, input, &once, NULL) || redact_text(redactor, buf_view(&once), &twice, NULL) ||
	    !slice_equal(buf_view(&once), buf_view(&twice)) || json_utf8_valid(buf_view(&once)) != once.len)
		abort();
	buf_clear(&once);
	buf_clear(&twice);
	if (redact_json(redactor, input, &once, NULL) == 0) {
		same_shape(input, buf_view(&once));
		if (redact_json(redactor, buf_view(&once), &twice, NULL) || !slice_equal(buf_view(&once), buf_view(&twice)))
			abort();
	}
	buf_done(&once);
	buf_done(&twice);
	return 0;
}
