/* Scores; see score.h. */
#include "daemon/flusher/score.h"
#include "base/hash.h"
#include "daemon/flusher/tree.h"
#include <ctype.h>
#include <stdio.h>
#include <strings.h>

/* Value, comment and name as they go out. */
struct words {
	struct buf value, comment, name; /* value: JSON */
};

static bool is_trace_id(const char *text)
{
	uint8_t id[16];

	return hash_unhex(slice_of(text), id, sizeof id) == 0;
}

/* The trace of a session; with a trace a turn, the session itself. */
static int find_session(const struct work *work, const char *session, struct score_sent *ret, struct err *err)
{
	struct spool *spool = NULL;
	struct tree *tree = NULL;
	int rc = spool_open_reader(conf_string(work->conf, "spool_dir"), &spool, err);

	if (rc == 0)
		rc = tree_gather(spool, work->unit, session, &tree, err);
	if (rc == 0 && tree->count == 0)
		rc = err_set(err, LF_ENOENT, "%s: nothing of this session is finished yet", session);
	if (rc == 0 && work->unit == TRACE_UNIT_TURN) {
		ret->on = "session";
		snprintf(ret->target, sizeof ret->target, "%.*s", (int)tree->observations[0].session.len, tree->observations[0].session.ptr);
	} else if (rc == 0) {
		ret->on = "trace";
		hash_hex(tree->observations[0].trace_id, 16, ret->target);
	}
	tree_free(tree);
	spool_close(spool);
	return rc;
}

static int find_target(const struct work *work, const char *target, struct score_sent *ret, struct err *err)
{
	if (!is_trace_id(target))
		return find_session(work, target, ret, err);
	ret->on = "trace";
	for (size_t i = 0; i <= strlen(target); i++)
		ret->target[i] = (char)tolower((unsigned char)target[i]);
	return 0;
}

static bool is_number(const char *text)
{
	struct json_doc doc;
	bool number;

	json_doc_init(&doc);
	number = json_parse(&doc, slice_of(text), 1, NULL) == 0 && json_type_of(&doc, 0) == JSON_NUMBER;
	json_doc_done(&doc);
	return number;
}

static int clean(struct redactor *redactor, const char *text, struct buf *out, bool *redacted, struct err *err)
{
	int rc = redact_text(redactor, slice_of(text), out, err);

	*redacted = *redacted || (rc == 0 && !slice_is(buf_view(out), text));
	return rc;
}

static int read_value(struct redactor *redactor, const char *text, struct buf *out, struct score_sent *ret, struct err *err)
{
	static const struct { const char *word, *value; } rows[] = { { "true", "1" }, { "yes", "1" }, { "false", "0" }, { "no", "0" } };
	struct buf category;
	int rc;

	ret->type = "NUMERIC";
	if (is_number(text))
		return buf_text(out, text);
	ret->type = "BOOLEAN";
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (strcasecmp(text, rows[i].word) == 0)
			return buf_text(out, rows[i].value);
	ret->type = "CATEGORICAL";
	if (!text[0] || strlen(text) > SCORE_MAX_VALUE)
		return err_set(err, LF_EINVAL, "a value is a number, true, false or up to %d bytes of text", SCORE_MAX_VALUE);
	buf_init(&category, 0);
	rc = clean(redactor, text, &category, &ret->redacted, err);
	if (rc == 0)
		rc = json_escape(buf_view(&category), out);
	buf_done(&category);
	return rc;
}

static int read_words(const struct work *work, const struct score *score, struct words *words, struct score_sent *ret, struct err *err)
{
	struct redactor *redactor = redactor_new(work->rules);
	int rc = read_value(redactor, score->value, &words->value, ret, err);

	if (rc == 0)
		rc = clean(redactor, score->name, &words->name, &ret->redacted, err);
	if (rc == 0 && score->comment)
		rc = clean(redactor, score->comment, &words->comment, &ret->redacted, err);
	redactor_free(redactor);
	return rc;
}

static int allowed(const struct work *work, const struct score *score, struct err *err)
{
	if (work->mode == MODE_OFF)
		return err_set(err, LF_EINVAL, "mode is off: nothing leaves this machine");
	if (work->mode == MODE_METADATA_ONLY && score->comment)
		return err_set(err, LF_EINVAL, "mode is metadata_only: a comment is content");
	if (!score->name[0])
		return err_set(err, LF_EINVAL, "a score needs a name");
	return 0;
}

static void make_id(const struct words *words, struct score_sent *ret)
{
	struct buf text;
	struct hash128 hash;

	buf_init(&text, 0);
	buf_text(&text, "lfspool/1");
	buf_append(&text, "\0score", 7);
	buf_append(&text, ret->target, strlen(ret->target) + 1);
	buf_slice(&text, buf_view(&words->name));
	hash = hash_128(text.data, text.len);
	hash_hex(hash.bytes, 16, ret->id);
	buf_done(&text);
}

static int send(struct work *work, const struct words *words, const struct score_sent *sent, struct err *err)
{
	bool on_trace = strcmp(sent->on, "trace") == 0;
	struct ship_score score = {
		.id = slice_of(sent->id), .trace = on_trace ? slice_of(sent->target) : SLICE_NONE, .session = on_trace ? SLICE_NONE : slice_of(sent->target),
		.name = buf_view(&words->name), .comment = buf_view(&words->comment), .value = buf_view(&words->value), .data_type = slice_of(sent->type),
	};
	struct ship *ship = NULL;
	int rc = work_ship_new(work, SINK_LANGFUSE, NULL, &ship, err);

	if (rc == 0)
		rc = ship_score(ship, &score, err);
	ship_free(ship);
	return rc;
}

int score_send(const struct conf *conf, const struct score *score, struct score_sent *ret, struct err *err)
{
	struct words words;
	struct work work;
	int rc = work_init(&work, conf, err);

	*ret = (struct score_sent){ .on = "" };
	buf_init(&words.value, 0);
	buf_init(&words.comment, 0);
	buf_init(&words.name, 0);
	if (rc == 0)
		rc = allowed(&work, score, err);
	if (rc == 0)
		rc = find_target(&work, score->target, ret, err);
	if (rc == 0)
		rc = read_words(&work, score, &words, ret, err);
	if (rc == 0) {
		make_id(&words, ret);
		rc = send(&work, &words, ret, err);
	}
	buf_done(&words.value);
	buf_done(&words.comment);
	buf_done(&words.name);
	work_done(&work);
	return rc;
}
