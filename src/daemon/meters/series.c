/* Admits labels; see series.h. The register stands in counters: "series.<fact>" with each label, and "series" with their number. */
#include "daemon/meters/series.h"
#include "base/json.h"
#include <stdio.h>

#define NAME_BYTES 96

/* What is left of a label: the keys whose values are a few words of ours. An error's type is its name. */
static void write_rest(struct json_writer *json, const char *fact, const struct json_doc *doc)
{
	static const char *const keys[] = { "source", "is_subagent", "status", "role", "type" };
	size_t n = sizeof keys / sizeof keys[0] - (strcmp(fact, "metric.errors") == 0);
	struct buf text;

	buf_init(&text, SERIES_LABEL_BYTES);
	for (size_t i = 0; i < n; i++) {
		buf_clear(&text);
		if (json_text(doc, json_get(doc, 0, keys[i]), &text) != 0)
			continue;
		jw_key(json, keys[i]);
		jw_string(json, buf_view(&text));
	}
	jw_key(json, "overflow");
	jw_text(json, "true");
	buf_done(&text);
}

static void shorten(const char *fact, const char *label, char *ret)
{
	struct json_writer json;
	struct json_doc doc;
	struct buf out;

	buf_init(&out, SERIES_LABEL_BYTES - 1);
	json_doc_init(&doc);
	json_writer_init(&json, &out);
	jw_object(&json);
	if (json_parse(&doc, slice_of(label), 64, NULL) == 0)
		write_rest(&json, fact, &doc);
	jw_object_close(&json);
	snprintf(ret, SERIES_LABEL_BYTES, "%s", out.failed ? "{}" : out.data);
	json_doc_done(&doc);
	buf_done(&out);
}

static int enter(struct spool *spool, const char *list, const char *fact, const char *label, struct err *err)
{
	int rc = spool_count(spool, list, label, 1, err);

	return rc != 0 ? rc : spool_count(spool, "series", fact, 1, err);
}

int series_admit(struct spool *spool, unsigned max_series, struct slice fact, const char *label, char room[SERIES_LABEL_BYTES],
                 const char **ret, struct err *err)
{
	static const char prefix[] = "series.";
	char list[sizeof prefix + NAME_BYTES] = "series.", *name = list + sizeof prefix - 1;
	size_t n = fact.len < NAME_BYTES ? fact.len : NAME_BYTES;
	int64_t known = 0, count = 0;
	int rc;

	memcpy(name, fact.ptr, n);
	name[n] = '\0';
	*ret = label;
	rc = spool_counter_get(spool, list, label, &known, err);
	if (rc != 0 || known)
		return rc;
	rc = spool_counter_get(spool, "series", name, &count, err);
	if (rc != 0)
		return rc;
	if (count < (int64_t)max_series)
		return enter(spool, list, name, label, err);
	shorten(name, label, room);
	*ret = room;
	return spool_count(spool, "metrics_overflow", name, 1, err);
}
