/*
 * What lines of a transcript become; and, with transcripts that are made here, that nothing counts twice however they are read: in pieces,
 * resumed, forked, rewritten. The spool's rule for revisions is applied to what comes out.
 */
#include "base/mem.h"
#include "ingest/ingest.h"
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* ---- one line at a time ---- */

struct seen {
	struct buf events;
	struct ingest_counts counts;
};

/* kind level order session message key link body */
static int note(void *context, const struct raw_event *e, struct err *err)
{
	const struct slice texts[] = { e->session, e->message, e->key, e->link, e->body };
	struct seen *seen = context;

	(void)err;
	assert_true(slice_is(e->source, "claude"));
	buf_format(&seen->events, "%s %d %" PRIu64, record_kind_name(e->kind), (int)e->level, e->order);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		buf_char(&seen->events, ' ');
		buf_slice(&seen->events, texts[i].len ? texts[i] : SLICE("-"));
	}
	buf_char(&seen->events, '\n');
	return 0;
}

static void read_text(struct seen *seen, const char *source, const char *text)
{
	struct ingest_options options = { .source = source, .name = "in", .emit = note, .context = seen };
	struct ingest *ingest = NULL;
	struct err err = { 0 };

	buf_init(&seen->events, 0);
	buf_text(&seen->events, "");
	assert_int_equal(ingest_new(&options, &ingest, &err), 0);
	assert_int_equal(ingest_feed(ingest, slice_of(text), &err), 0);
	assert_int_equal(ingest_finish(ingest, &err), 0);
	seen->counts = *ingest_counts(ingest);
	ingest_free(ingest);
}

#define AT(second) "\"timestamp\":\"1970-01-01T00:00:" second "Z\""
#define HEAD "\"sessionId\":\"S\",\"version\":\"2\",\"isSidechain\":false,"
#define PROMPT "{" HEAD "\"type\":\"user\",\"uuid\":\"u1\",\"parentUuid\":null," AT("01") ",\"message\":{\"role\":\"user\",\"content\":\"hi\"}}\n"
#define SESSION_EVENTS \
	"session 3 2 S - S - {\"version\":\"2\",\"created\":1000}\n"
#define PROMPT_EVENTS \
	SESSION_EVENTS \
	"part 3 1 S u1 u1/0001 - {\"type\":\"text\",\"text\":\"hi\"}\n" \
	"message 3 1 S u1 u1 - {\"role\":\"user\",\"created\":1000}\n" \
	"session 3 1099511627777 S - S - {\"title\":\"hi\",\"version\":\"2\",\"created\":1000}\n"
#define ANSWER(uuid, parent, second, block, stop, out) \
	"{" HEAD "\"type\":\"assistant\",\"uuid\":\"" uuid "\",\"parentUuid\":\"" parent "\"," AT(second) ",\"message\":{\"id\":\"msg_1\",\"model\":\"m\"," \
	"\"content\":[" block "],\"stop_reason\":" stop ",\"usage\":{\"input_tokens\":3,\"output_tokens\":" out ",\"cache_read_input_tokens\":5,\"cache_creation_input_tokens\":7}}}\n"
#define BODY(completed, finish, out) \
	"{\"role\":\"assistant\",\"parent\":\"u1\",\"model\":\"m\",\"provider\":\"anthropic\",\"created\":1000," completed finish \
	"\"tokens\":{\"input\":3,\"output\":" out ",\"cache_read\":5,\"cache_write\":7}}\n"
#define TEXT "{\"type\":\"text\",\"text\":\"yes\"}"
#define CALL "{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"Bash\",\"input\":{\"command\": \"git  commit\"}}"
#define CALL_HEAD(status) "{\"type\":\"tool\",\"tool\":\"Bash\",\"call\":\"t1\",\"status\":\"" status "\",\"input\":{\"command\":\"git  commit\"},"
#define RESULT(second, error, content) \
	"{" HEAD "\"type\":\"user\",\"uuid\":\"r1\",\"parentUuid\":\"a1\"," AT(second) ",\"message\":{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\"," \
	"\"tool_use_id\":\"t1\",\"content\":" content ",\"is_error\":" error "}]}}\n"
#define START "part 3 1 S msg_1 msg_1/0000 - {\"type\":\"step-start\"}\n"

static const struct {
	const char *input, *events;
} lines[] = {
	{ PROMPT, PROMPT_EVENTS },
	/* one answer in two lines: usage once, its largest; complete with its text */
	{ PROMPT ANSWER("a1", "u1", "04", "{\"type\":\"thinking\",\"thinking\":\"hm\"}", "null", "1") ANSWER("a2", "a1", "05", TEXT, "\"end_turn\"", "9"),
	  PROMPT_EVENTS START
	  "part 3 2 S msg_1 msg_1/0001 - {\"type\":\"reasoning\",\"text\":\"hm\",\"end\":4000}\n"
	  "message 3 2 S msg_1 msg_1 - " BODY("", "", "1")
	  "part 3 3 S msg_1 msg_1/0002 - {\"type\":\"text\",\"text\":\"yes\",\"end\":5000}\n"
	  "message 3 5 S msg_1 msg_1 - " BODY("\"completed\":5000,", "\"finish\":\"stop\",", "9") },
	/* a partial text is superseded by the whole one; a smaller figure does not win */
	{ PROMPT ANSWER("a1", "u1", "04", "{\"type\":\"text\",\"text\":\"ye\"}", "null", "9") ANSWER("a2", "u1", "05", TEXT, "null", "2"),
	  PROMPT_EVENTS START
	  "part 3 2 S msg_1 msg_1/0001 - {\"type\":\"text\",\"text\":\"ye\",\"end\":4000}\n"
	  "message 3 2 S msg_1 msg_1 - " BODY("", "", "9")
	  "part 3 3 S msg_1 msg_1/0001 - {\"type\":\"text\",\"text\":\"yes\",\"end\":5000}\n"
	  "message 3 4 S msg_1 msg_1 - " BODY("", "", "9") },
	/* a call and its result; the end of the file ends an answer that said why it stopped */
	{ PROMPT ANSWER("a1", "u1", "04", CALL, "\"tool_use\"", "9") RESULT("06", "false", "[{\"type\":\"text\",\"text\":\"ok\"}]"),
	  PROMPT_EVENTS START
	  "part 1 1 S msg_1 t1 - " CALL_HEAD("running") "\"start\":4000}\n"
	  "message 3 2 S msg_1 msg_1 - " BODY("", "\"finish\":\"tool-calls\",", "9")
	  "part 3 2 S msg_1 t1 - " CALL_HEAD("completed") "\"output\":\"ok\",\"commit\":true,\"start\":4000,\"end\":6000}\n"
	  "message 3 3 S msg_1 msg_1 - " BODY("\"completed\":4000,", "\"finish\":\"tool-calls\",", "9") },
	{ PROMPT ANSWER("a1", "u1", "04", CALL, "\"tool_use\"", "9") RESULT("06", "true", "\"Exit code 3\\nno\""),
	  PROMPT_EVENTS START
	  "part 1 1 S msg_1 t1 - " CALL_HEAD("running") "\"start\":4000}\n"
	  "message 3 2 S msg_1 msg_1 - " BODY("", "\"finish\":\"tool-calls\",", "9")
	  "part 3 2 S msg_1 t1 - " CALL_HEAD("error") "\"error\":\"Exit code 3\\nno\",\"exit\":3,\"start\":4000,\"end\":6000}\n"
	  "message 3 3 S msg_1 msg_1 - " BODY("\"completed\":4000,", "\"finish\":\"tool-calls\",", "9") },
	/* a result whose call is nowhere; a prompt that stands there twice; what the agent says in the user's name */
	{ PROMPT RESULT("06", "false", "\"x\"") PROMPT
	  "{" HEAD "\"type\":\"user\",\"uuid\":\"c1\"," AT("07") ",\"message\":{\"content\":\"<local-command-stdout>x</local-command-stdout>\"}}\n"
	  "{" HEAD "\"type\":\"user\",\"uuid\":\"c2\",\"isMeta\":true," AT("07") ",\"message\":{\"content\":\"x\"}}\n"
	  "{" HEAD "\"type\":\"user\",\"uuid\":\"c3\"," AT("07") ",\"message\":{\"content\":\"<command-name>/model</command-name>\"}}\n",
	  PROMPT_EVENTS },
	/* a command that is answered is a prompt */
	{ "{" HEAD "\"type\":\"user\",\"uuid\":\"u1\"," AT("01") ",\"message\":{\"content\":\"<command-name>/x</command-name>\"}}\n"
	  ANSWER("a1", "u1", "04", TEXT, "\"end_turn\"", "9"),
	  SESSION_EVENTS
	  "part 3 1 S u1 u1/0001 - {\"type\":\"text\",\"text\":\"<command-name>/x</command-name>\"}\n"
	  "message 3 1 S u1 u1 - {\"role\":\"user\",\"created\":1000}\n" START
	  "part 3 3 S msg_1 msg_1/0001 - {\"type\":\"text\",\"text\":\"yes\",\"end\":4000}\n"
	  "message 3 3 S msg_1 msg_1 - " BODY("\"completed\":4000,", "\"finish\":\"stop\",", "9") },
	/* an image; an error of the API; unknown types and lines without anything */
	{ "{" HEAD "\"type\":\"user\",\"uuid\":\"u1\"," AT("01") ",\"message\":{\"content\":[{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"QUJD\"}}]}}\n"
	  "{" HEAD "\"type\":\"assistant\",\"uuid\":\"e1\",\"parentUuid\":\"u1\"," AT("02") ",\"isApiErrorMessage\":true,\"error\":\"server_error\",\"message\":{\"model\":\"<synthetic>\",\"content\":[{\"type\":\"text\",\"text\":\"API Error: 529 x\"}]}}\n"
	  "{" HEAD "\"type\":\"assistant\",\"uuid\":\"e2\"," AT("02") ",\"message\":{\"model\":\"<synthetic>\",\"content\":[]}}\n"
	  "{" HEAD "\"type\":\"from-the-future\",\"uuid\":\"f\"," AT("02") "}\n{\"type\":\"of-tomorrow\"}\n{\"type\":\"summary\",\"summary\":\"x\",\"leafUuid\":\"not-here\"}\n",
	  SESSION_EVENTS
	  "part 3 1 S u1 u1/0001 - {\"type\":\"file\",\"mime\":\"image/png\",\"url\":\"data:image/png;base64,QUJD\"}\n"
	  "message 3 1 S u1 u1 - {\"role\":\"user\",\"created\":1000}\n"
	  "signal 3 1 S - error:e1 - {\"type\":\"error\",\"time\":2000,\"error\":{\"name\":\"server_error\",\"message\":\"API Error: 529 x\",\"status\":529}}\n"
	  "signal 3 2000 S - idle:S - {\"type\":\"idle\",\"time\":2000}\n" },
	/* compaction; titles: the user's own beats all */
	{ PROMPT "{" HEAD "\"type\":\"system\",\"subtype\":\"compact_boundary\",\"uuid\":\"b\",\"parentUuid\":null,\"logicalParentUuid\":\"u1\"," AT("03") ",\"compactMetadata\":{\"trigger\":\"manual\"}}\n"
	  "{" HEAD "\"type\":\"user\",\"uuid\":\"s\",\"parentUuid\":\"b\",\"isCompactSummary\":true," AT("03") ",\"message\":{\"content\":\"short\"}}\n"
	  "{\"type\":\"custom-title\",\"sessionId\":\"S\",\"customTitle\":\"mine\"}\n{\"type\":\"ai-title\",\"sessionId\":\"S\",\"aiTitle\":\"no\"}\n",
	  PROMPT_EVENTS
	  "part 3 1 S u1 b - {\"type\":\"compaction\",\"auto\":false,\"start\":3000}\n"
	  "part 3 2 S u1 b - {\"type\":\"compaction\",\"auto\":false,\"start\":3000,\"text\":\"short\"}\n"
	  "session 3 4398046511108 S - S - {\"title\":\"mine\",\"version\":\"2\",\"created\":1000}\n" },
	/* a line that is being written */
	{ PROMPT "{\"sessionId\":\"S\",\"type\":\"assi", PROMPT_EVENTS },
};

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		struct seen seen = { 0 };
		read_text(&seen, NULL, lines[i].input);
		assert_string_equal(seen.events.data, lines[i].events);
		assert_int_equal(seen.counts.bad, 0);
		buf_done(&seen.events);
	}
}

static void test_sources(void **state)
{
	struct seen seen = { 0 };

	(void)state;
	read_text(&seen, "opencode", PROMPT);
	assert_int_equal(seen.counts.events, 0);
	assert_int_equal(seen.counts.bad, 1);
	buf_done(&seen.events);
	read_text(&seen, "claude", "{\"type\":\"session.idle\",\"properties\":{\"sessionID\":\"ses_1\"}}\n{\"no\":\"type\"}\n");
	assert_int_equal(seen.counts.events, 0);
	assert_int_equal(seen.counts.unknown, 1);
	assert_int_equal(seen.counts.bad, 1);
	buf_done(&seen.events);
}

/* ---- made transcripts ---- */

#define KEYS 8192

struct entry {
	char key[96], session[64], link[64];
	int kind, level;
	uint64_t order;
	int64_t tokens[4];
	bool assistant, completed, error;
	uint64_t body;
};
struct ledger {
	struct entry entries[KEYS];
	size_t count;
};

static void copy(char *to, size_t size, struct slice from)
{
	assert_true(from.len < size);
	if (from.len)
		memcpy(to, from.ptr, from.len);
	to[from.len] = '\0';
}

static int64_t number_in(struct slice body, const char *key)
{
	const char *at = memmem(body.ptr, body.len, key, strlen(key));

	return at ? strtoll(at + strlen(key), NULL, 10) : 0;
}

static bool has(struct slice body, const char *text)
{
	return memmem(body.ptr, body.len, text, strlen(text)) != NULL;
}

/* The spool's rule: a key stays where it was seen first, and moves on only by level or order. */
static int put(void *context, const struct raw_event *e, struct err *err)
{
	struct ledger *ledger = context;
	struct entry *entry = ledger->entries;

	(void)err;
	while (entry < ledger->entries + ledger->count && !slice_is(e->key, entry->key))
		entry++;
	if (entry == ledger->entries + ledger->count) {
		assert_true(ledger->count++ < KEYS);
		*entry = (struct entry){ 0 };
	} else if ((e->kind != RECORD_SESSION && !slice_is(e->session, entry->session)) || (int)e->level < entry->level ||
	           ((int)e->level == entry->level && (e->level < RECORD_FINAL || e->order <= entry->order))) {
		return 0;
	}
	copy(entry->key, sizeof entry->key, e->key);
	copy(entry->session, sizeof entry->session, e->session);
	copy(entry->link, sizeof entry->link, e->link);
	entry->kind = (int)e->kind;
	entry->level = (int)e->level;
	entry->order = e->order;
	entry->assistant = has(e->body, "\"role\":\"assistant\"");
	entry->completed = has(e->body, "\"completed\":") || has(e->body, "\"status\":\"completed\"");
	entry->tokens[0] = number_in(e->body, "\"input\":");
	entry->tokens[1] = number_in(e->body, "\"output\":");
	entry->tokens[2] = number_in(e->body, "\"cache_read\":");
	entry->tokens[3] = number_in(e->body, "\"cache_write\":");
	return 0;
}

static void feed(struct ledger *ledger, struct slice text)
{
	struct ingest_options options = { .source = "claude", .name = "in", .emit = put, .context = ledger };
	struct ingest *ingest = NULL;
	struct err err = { 0 };

	assert_int_equal(ingest_new(&options, &ingest, &err), 0);
	assert_int_equal(ingest_feed(ingest, text, &err), 0);
	assert_int_equal(ingest_finish(ingest, &err), 0);
	assert_int_equal(ingest_counts(ingest)->bad, 0);
	ingest_free(ingest);
}

struct truth {
	int64_t tokens[4];
	unsigned answers, prompts, tools, agents;
};

struct maker {
	struct buf out;
	struct truth truth;
	const char *session;
	char last[32];  /* uuid */
	unsigned seed, line, answer, call;
	int64_t second;
};

static unsigned roll(struct maker *m, unsigned sides)
{
	m->seed = m->seed * 1103515245u + 12345u;
	return (m->seed >> 16) % sides;
}

static void envelope(struct maker *m, const char *type, const char *agent)
{
	char uuid[32];

	snprintf(uuid, sizeof uuid, "%s-%s-%u", m->session, agent ? agent : "l", ++m->line);
	m->second++;
	buf_format(&m->out, "{\"type\":\"%s\",\"sessionId\":\"%s\",\"uuid\":\"%s\",\"timestamp\":\"2026-01-01T%02d:%02d:%02d.000Z\",", type, m->session, uuid,
	           (int)(m->second / 3600), (int)(m->second / 60 % 60), (int)(m->second % 60));
	if (m->last[0])
		buf_format(&m->out, "\"parentUuid\":\"%s\",", m->last);
	if (agent)
		buf_format(&m->out, "\"isSidechain\":true,\"agentId\":\"%s\",", agent);
	strcpy(m->last, uuid);
}

/* One answer of up to four lines whose usage grows; the last of them may call a tool. */
static void make_answer(struct maker *m, const char *agent, bool call)
{
	unsigned count = 1 + roll(m, 4);
	int64_t tokens[4];

	m->answer++;
	m->call += call;
	for (int i = 0; i < 4; i++)
		tokens[i] = (int64_t)roll(m, 5000);
	for (unsigned i = 1; i <= count; i++) {
		bool last = i == count;
		envelope(m, "assistant", agent);
		buf_format(&m->out, "\"message\":{\"id\":\"msg_%s%u\",\"model\":\"m\",\"content\":[", m->session, m->answer);
		if (last && call)
			buf_format(&m->out, "{\"type\":\"tool_use\",\"id\":\"%s-t%u\",\"name\":\"Agent\",\"input\":{\"prompt\":\"p%u\"}}", m->session, m->call, m->call);
		else
			buf_format(&m->out, "{\"type\":\"text\",\"text\":\"word %u\"}", roll(m, 100));
		buf_format(&m->out, "],\"stop_reason\":%s,\"usage\":{\"input_tokens\":%" PRId64 ",\"output_tokens\":%" PRId64
		           ",\"cache_read_input_tokens\":%" PRId64 ",\"cache_creation_input_tokens\":%" PRId64 "}}}\n",
		           !last && roll(m, 2) ? "null" : call ? "\"tool_use\"" : "\"end_turn\"", tokens[0], last ? tokens[1] : tokens[1] / 2, tokens[2], tokens[3]);
	}
	for (int i = 0; i < 4; i++)
		m->truth.tokens[i] += tokens[i];
	m->truth.answers++;
}

/* A sub-agent whose lines stand among its parent's, which may call another one. */
static void make_result(struct maker *m, const char *agent, unsigned depth);
static void make_agent(struct maker *m, unsigned depth)
{
	char name[16], last[32];

	memcpy(last, m->last, sizeof last);
	m->last[0] = '\0';
	snprintf(name, sizeof name, "a%u", m->call);
	envelope(m, "user", name);
	buf_format(&m->out, "\"message\":{\"content\":\"p%u\"}}\n", m->call);
	make_answer(m, name, depth > 0);
	if (depth > 0)
		make_result(m, name, depth - 1);
	make_answer(m, name, false);
	memcpy(m->last, last, sizeof last);
	m->truth.agents++;
}

static void make_result(struct maker *m, const char *agent, unsigned depth)
{
	unsigned call = m->call;

	make_agent(m, depth);
	m->truth.tools++;
	envelope(m, "user", agent);
	buf_format(&m->out, "\"toolUseResult\":{\"agentId\":\"a%u\"},\"message\":{\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"%s-t%u\",\"content\":\"done\"}]}}\n",
	           call, m->session, call);
}

static void make_turn(struct maker *m)
{
	envelope(m, "user", NULL);
	buf_format(&m->out, "\"message\":{\"content\":\"do %u\"}}\n", roll(m, 1000));
	m->truth.prompts++;
	for (unsigned i = roll(m, 3); i > 0; i--) {
		make_answer(m, NULL, true);
		make_result(m, NULL, roll(m, 3));
	}
	make_answer(m, NULL, false);
	if (roll(m, 3) == 0) {
		envelope(m, "system", NULL);
		buf_text(&m->out, "\"subtype\":\"compact_boundary\",\"compactMetadata\":{\"trigger\":\"auto\"}}\n");
	}
}

static void make(struct maker *m, const char *session, unsigned seed, unsigned turns)
{
	*m = (struct maker){ .session = session, .seed = seed };
	buf_init(&m->out, 0);
	for (unsigned i = 0; i < turns; i++)
		make_turn(m);
}

static void compare(const struct ledger *ledger, const struct truth *truth)
{
	struct truth got = { 0 };

	for (const struct entry *e = ledger->entries; e < ledger->entries + ledger->count; e++) {
		if (e->kind == RECORD_MESSAGE && e->assistant) {
			got.answers++;
			for (int i = 0; i < 4; i++)
				got.tokens[i] += e->tokens[i];
			assert_true(e->completed);
		}
		got.prompts += e->kind == RECORD_MESSAGE && !e->assistant && !strchr(e->session, '/');
		got.agents += e->kind == RECORD_SESSION && strchr(e->session, '/') != NULL;
		got.tools += e->kind == RECORD_PART && e->link[0] && e->completed;
	}
	assert_memory_equal(&got, truth, sizeof got);
}

static void compare_at_most(const struct ledger *ledger, const struct truth *truth)
{
	int64_t got[4] = { 0 };
	unsigned answers = 0;

	for (const struct entry *e = ledger->entries; e < ledger->entries + ledger->count; e++) {
		answers += e->assistant;
		for (int i = 0; i < 4; i++)
			got[i] += e->assistant ? e->tokens[i] : 0;
	}
	assert_int_equal(answers, truth->answers);
	for (int i = 0; i < 4; i++)
		assert_true(got[i] <= truth->tokens[i]);
	assert_int_equal(got[0], truth->tokens[0]);
}

static void test_made(void **state)
{
	struct ledger *ledger = xcalloc(1, sizeof *ledger);
	struct maker m;

	(void)state;
	for (unsigned seed = 1; seed <= 8; seed++) {
		make(&m, "S", seed, 12);
		ledger->count = 0;
		feed(ledger, buf_view(&m.out));
		compare(ledger, &m.truth);
		/* the same again */
		feed(ledger, buf_view(&m.out));
		compare(ledger, &m.truth);
		buf_done(&m.out);
	}
	free(ledger);
}

static void test_grown(void **state)
{
	struct ledger *ledger = xcalloc(1, sizeof *ledger);
	struct maker m;

	(void)state;
	make(&m, "S", 99, 3);
	for (size_t n = 1; n < m.out.len; n++)
		feed(ledger, (struct slice){ m.out.data, n });
	feed(ledger, buf_view(&m.out));
	compare(ledger, &m.truth);
	buf_done(&m.out);
	free(ledger);
}

/* Another session that begins with the lines of the first, up to a line's end; forked: it says where they are from. */
static void make_copy(const struct buf *from, size_t bytes, const char *session, bool forked, struct buf *out)
{
	const char *p = from->data, *end = from->data + bytes;

	buf_clear(out);
	while (p < end) {
		const char *line_end = memchr(p, '\n', (size_t)(from->data + from->len - p));
		const char *id = strstr(p, "\"sessionId\":\"S\",");
		buf_append(out, p, (size_t)(id - p));
		buf_format(out, "\"sessionId\":\"%s\",", session);
		if (forked)
			buf_text(out, "\"forkedFrom\":{\"sessionId\":\"S\"},");
		id += strlen("\"sessionId\":\"S\",");
		buf_append(out, id, (size_t)(line_end + 1 - id));
		p = line_end + 1;
	}
}

static void test_copied(void **state)
{
	struct ledger *ledger = xcalloc(1, sizeof *ledger);
	struct maker m, own;
	struct buf text;

	(void)state;
	buf_init(&text, 0);
	make(&m, "S", 5, 10);
	make(&own, "T", 6, 2);
	for (unsigned order = 0; order < 2; order++) {
		struct truth want = m.truth;
		ledger->count = 0;
		if (order == 0)
			feed(ledger, buf_view(&m.out));
		make_copy(&m.out, m.out.len / 2, "R1", false, &text);
		feed(ledger, buf_view(&text));
		make_copy(&m.out, m.out.len, "R2", false, &text);
		feed(ledger, buf_view(&text));
		make_copy(&m.out, m.out.len / 3, "T", true, &text);
		buf_slice(&text, buf_view(&own.out));
		feed(ledger, buf_view(&text));
		feed(ledger, buf_view(&m.out));
		for (int i = 0; i < 4; i++)
			want.tokens[i] += own.truth.tokens[i];
		want.answers += own.truth.answers;
		want.prompts += own.truth.prompts;
		want.tools += own.truth.tools;
		want.agents = 0;
		for (struct entry *e = ledger->entries; e < ledger->entries + ledger->count; e++)
			want.agents += e->kind == RECORD_SESSION && strchr(e->session, '/') != NULL; /* empty ones of copies */
		if (order == 0)
			compare(ledger, &want);
		else /* a copy that was read first and ends within an answer keeps what it knows of it */
			compare_at_most(ledger, &want);
	}
	buf_done(&text);
	buf_done(&m.out);
	buf_done(&own.out);
	free(ledger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines), cmocka_unit_test(test_sources), cmocka_unit_test(test_made),
		cmocka_unit_test(test_grown), cmocka_unit_test(test_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
