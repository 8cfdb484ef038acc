/* What each thing that OpenCode tells becomes, to the byte; and the words for what cannot be read. */
#include "ingest/ingest.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

struct seen {
	struct buf events, words;
	struct ingest_counts counts;
};

/* kind level session message key link time body */
static int note(void *context, const struct raw_event *e, struct err *err)
{
	const struct slice texts[] = { e->session, e->message, e->key, e->link, e->body };
	struct seen *seen = context;

	(void)err;
	buf_format(&seen->events, "%s %d %lld", record_kind_name(e->kind), (int)e->level, (long long)e->time_ms);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		buf_char(&seen->events, ' ');
		buf_slice(&seen->events, texts[i].len ? texts[i] : SLICE("-"));
	}
	buf_char(&seen->events, '\n');
	return e->source.len == 8 ? 0 : LF_EINVAL;
}

static void say(void *context, const char *words, struct slice metadata)
{
	struct seen *seen = context;

	buf_text(&seen->words, words);
	if (metadata.len) {
		buf_char(&seen->words, ' ');
		buf_slice(&seen->words, metadata);
	}
	buf_char(&seen->words, '\n');
}

static void read_text(struct seen *seen, struct slice text)
{
	struct ingest_options options = { .name = "in", .emit = note, .problem = say, .context = seen };
	struct ingest *ingest = NULL;
	struct err err = { 0 };

	buf_init(&seen->events, 0);
	buf_init(&seen->words, 0);
	buf_text(&seen->events, "");
	buf_text(&seen->words, "");
	assert_int_equal(ingest_new(&options, &ingest, &err), 0);
	assert_int_equal(ingest_feed(ingest, text, &err), 0);
	assert_int_equal(ingest_finish(ingest, &err), 0);
	seen->counts = *ingest_counts(ingest);
	ingest_free(ingest);
}

static void seen_done(struct seen *seen)
{
	buf_done(&seen->events);
	buf_done(&seen->words);
}

struct row {
	const char *input, *expected;
};

static void check(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct seen seen;
		read_text(&seen, slice_of(rows[i].input));
		assert_string_equal(seen.words.data, "");
		assert_string_equal(seen.events.data, rows[i].expected);
		seen_done(&seen);
	}
}
#define CHECK(rows) check(rows, sizeof(rows) / sizeof((rows)[0]))

#define ID "evt_1fc863728ff1abcdefghijklmn" /* 1795238016808 ms */
#define EVENT(type, properties) "{\"id\":\"" ID "\",\"type\":\"" type "\",\"properties\":{" properties "}}\n"
#define PART(fields) EVENT("message.part.updated", "\"time\":1795238016809,\"part\":{\"id\":\"prt_1\",\"messageID\":\"msg_1\",\"sessionID\":\"ses_1\"," fields "}")
#define PART_IS(level, link, body) "part " level " 1795238016809 ses_1 msg_1 prt_1 " link " " body "\n"
#define MESSAGE(fields) EVENT("message.updated", "\"sessionID\":\"ses_1\",\"info\":{\"id\":\"msg_2\",\"sessionID\":\"ses_1\"," fields "}")

static void test_sessions(void **state)
{
	static const struct row rows[] = {
		{ EVENT("session.created", "\"info\":{\"id\":\"ses_1\",\"title\":\"New session - 2026-11-21T05:13:36.808Z\",\"directory\":\"/d\",\"cost\":1,"
		        "\"time\":{\"created\":5,\"updated\":6}}"),
		  "session 3 5 ses_1 - ses_1 - {\"directory\":\"/d\",\"created\":5}\n" },
		{ EVENT("session.updated", "\"info\":{\"time\":{\"created\":5,\"archived\":9},\"metadata\":{\"a\": [1, 2]},\"agent\":\"build\",\"version\":\"1\","
		        "\"parentID\":\"ses_0\",\"title\":\"Child session - x\",\"id\":\"ses_1\"}"),
		  "session 3 5 ses_1 - ses_1 ses_0 {\"title\":\"Child session - x\",\"parent\":\"ses_0\",\"version\":\"1\",\"agent\":\"build\","
		  "\"created\":5,\"archived\":9,\"metadata\":{\"a\":[1,2]}}\n" },
		{ EVENT("session.deleted", "\"sessionID\":\"ses_1\",\"info\":{\"id\":\"ses_1\",\"time\":{\"created\":5}}"),
		  "session 3 5 ses_1 - ses_1 - {\"created\":5}\n"
		  "signal 3 1795238016808 ses_1 - delete:ses_1 - {\"type\":\"delete\",\"time\":1795238016808}\n" },
	};

	(void)state;
	CHECK(rows);
}

static void test_messages(void **state)
{
	static const struct row rows[] = {
		{ MESSAGE("\"role\":\"user\",\"time\":{\"created\":7},\"agent\":\"build\",\"model\":{\"providerID\":\"p\",\"modelID\":\"m\",\"variant\":\"v\"},"
		          "\"summary\":{\"diffs\":[{\"file\":\"f\",\"patch\":\"@@\",\"additions\":1,\"deletions\":2,\"status\":\"modified\"}]}"),
		  "message 3 7 ses_1 msg_2 msg_2 - {\"role\":\"user\",\"agent\":\"build\",\"model\":\"m\",\"provider\":\"p\",\"variant\":\"v\",\"created\":7,"
		  "\"diffs\":[{\"file\":\"f\",\"status\":\"modified\",\"additions\":1,\"deletions\":2}]}\n" },
		{ MESSAGE("\"role\":\"user\",\"time\":{\"created\":7},\"summary\":{\"diffs\":[]}"), "message 3 7 ses_1 msg_2 msg_2 - {\"role\":\"user\",\"created\":7}\n" },
		{ MESSAGE("\"role\":\"assistant\",\"time\":{\"created\":7},\"parentID\":\"msg_1\",\"modelID\":\"m\",\"providerID\":\"p\",\"cost\":0"),
		  "message 1 7 ses_1 msg_2 msg_2 - {\"role\":\"assistant\",\"parent\":\"msg_1\",\"model\":\"m\",\"provider\":\"p\",\"created\":7,\"cost\":0}\n" },
		{ MESSAGE("\"role\":\"assistant\",\"time\":{\"created\":7,\"completed\":8},\"mode\":\"x\",\"summary\":true,\"finish\":\"stop\",\"cost\":0.00690,"
		          "\"path\":{\"cwd\":\"/d\"},\"tokens\":{\"total\":9,\"input\":1,\"output\":2,\"reasoning\":3,\"cache\":{\"write\":5,\"read\":4}}"),
		  "message 3 7 ses_1 msg_2 msg_2 - {\"role\":\"assistant\",\"mode\":\"x\",\"created\":7,\"completed\":8,\"finish\":\"stop\",\"summary\":true,"
		  "\"directory\":\"/d\",\"cost\":0.00690,\"tokens\":{\"input\":1,\"output\":2,\"reasoning\":3,\"cache_read\":4,\"cache_write\":5}}\n" },
		{ MESSAGE("\"role\":\"assistant\",\"time\":{\"created\":7},\"error\":{\"name\":\"APIError\",\"data\":{\"message\":\"no\",\"statusCode\":401,"
		          "\"isRetryable\":false,\"responseHeaders\":{\"x\":\"y\"},\"responseBody\":\"b\",\"metadata\":{\"url\":\"u\"}}}"),
		  "message 3 7 ses_1 msg_2 msg_2 - {\"role\":\"assistant\",\"created\":7,\"error\":{\"name\":\"APIError\",\"message\":\"no\",\"status\":401,"
		  "\"retryable\":false,\"body\":\"b\",\"url\":\"u\"}}\n" },
	};

	(void)state;
	CHECK(rows);
}

static void test_parts(void **state)
{
	static const struct row rows[] = {
		{ PART("\"type\":\"text\",\"text\":\"hi\""), PART_IS("3", "-", "{\"type\":\"text\",\"text\":\"hi\"}") },
		{ PART("\"type\":\"text\",\"text\":\"hi\",\"synthetic\":true,\"time\":{\"start\":1,\"end\":2},\"metadata\":{}"),
		  PART_IS("3", "-", "{\"type\":\"text\",\"text\":\"hi\",\"synthetic\":true,\"start\":1,\"end\":2}") },
		{ PART("\"type\":\"reasoning\",\"text\":\"h\",\"time\":{\"start\":1}"), PART_IS("1", "-", "{\"type\":\"reasoning\",\"text\":\"h\",\"start\":1}") },
		{ PART("\"type\":\"reasoning\",\"text\":\"\",\"time\":{\"start\":1}"), "" },
		{ PART("\"type\":\"step-start\",\"snapshot\":\"x\""), PART_IS("3", "-", "{\"type\":\"step-start\"}") },
		{ PART("\"type\":\"step-finish\",\"reason\":\"stop\",\"cost\":1e-3,\"tokens\":{\"input\":1}"),
		  PART_IS("3", "-", "{\"type\":\"step-finish\",\"reason\":\"stop\",\"cost\":1e-3,\"tokens\":{\"input\":1}}") },
		{ PART("\"type\":\"file\",\"url\":\"file:x\",\"filename\":\"x\",\"mime\":\"text/plain\",\"source\":{}"),
		  PART_IS("3", "-", "{\"type\":\"file\",\"mime\":\"text/plain\",\"filename\":\"x\",\"url\":\"file:x\"}") },
		{ PART("\"type\":\"agent\",\"name\":\"explore\",\"source\":{}"), PART_IS("3", "-", "{\"type\":\"agent\",\"name\":\"explore\"}") },
		{ PART("\"type\":\"subtask\",\"prompt\":\"p\",\"description\":\"d\",\"agent\":\"a\",\"command\":\"c\""),
		  PART_IS("3", "-", "{\"type\":\"subtask\",\"agent\":\"a\",\"description\":\"d\",\"prompt\":\"p\",\"command\":\"c\"}") },
		{ PART("\"type\":\"compaction\",\"auto\":true,\"overflow\":false"), PART_IS("3", "-", "{\"type\":\"compaction\",\"auto\":true,\"overflow\":false}") },
		{ PART("\"type\":\"patch\",\"hash\":\"h\",\"files\":[\"a\", \"b\"]"), PART_IS("3", "-", "{\"type\":\"patch\",\"files\":[\"a\",\"b\"]}") },
		{ PART("\"type\":\"retry\",\"attempt\":2,\"error\":{\"name\":\"E\"},\"time\":{\"created\":4}"),
		  PART_IS("3", "-", "{\"type\":\"retry\",\"attempt\":2,\"error\":{\"name\":\"E\"},\"time\":4}") },
		{ PART("\"type\":\"snapshot\",\"snapshot\":\"x\""), "" },
	};

	(void)state;
	CHECK(rows);
}

#define TOOL(tool, state) PART("\"type\":\"tool\",\"tool\":\"" tool "\",\"callID\":\"c\",\"state\":{" state "}")
#define TOOL_IS(level, link, tool, rest) PART_IS(level, link, "{\"type\":\"tool\",\"tool\":\"" tool "\",\"call\":\"c\"," rest "}")

static void test_tools(void **state)
{
	static const struct row rows[] = {
		{ TOOL("bash", "\"status\":\"pending\",\"input\":{},\"raw\":\"\""), "" },
		{ TOOL("bash", "\"status\":\"running\",\"input\":{\"command\":\"git commit -m x\"},\"metadata\":{\"output\":\"so far\"},\"time\":{\"start\":1}"),
		  TOOL_IS("1", "-", "bash", "\"status\":\"running\",\"input\":{\"command\":\"git commit -m x\"},\"metadata\":{\"output\":\"so far\"},\"start\":1") },
		{ TOOL("bash", "\"status\":\"completed\",\"input\":{\"command\":\"git  commit -m x\"},\"output\":\"o\",\"title\":\"t\","
		               "\"metadata\":{\"output\":\"o\",\"exit\":0,\"truncated\":false},\"time\":{\"start\":1,\"end\":2}"),
		  TOOL_IS("3", "-", "bash", "\"status\":\"completed\",\"input\":{\"command\":\"git  commit -m x\"},\"output\":\"o\",\"title\":\"t\","
		                            "\"metadata\":{\"truncated\":false},\"exit\":0,\"start\":1,\"end\":2,\"commit\":true") },
		{ TOOL("bash", "\"status\":\"completed\",\"input\":1,\"output\":\"o\",\"metadata\":{\"output\":\"longer o\",\"exit\":null},\"time\":{}"),
		  TOOL_IS("3", "-", "bash", "\"status\":\"completed\",\"input\":1,\"output\":\"o\",\"metadata\":{\"output\":\"longer o\"},\"exit\":null") },
		{ TOOL("read", "\"status\":\"error\",\"input\":{\"a\" : [ 1 , \"x y\" ]},\"error\":\"no\",\"time\":{\"start\":1,\"end\":2}"),
		  TOOL_IS("3", "-", "read", "\"status\":\"error\",\"input\":{\"a\":[1,\"x y\"]},\"error\":\"no\",\"start\":1,\"end\":2") },
		{ TOOL("task", "\"status\":\"running\",\"input\":{},\"metadata\":{\"parentSessionId\":\"ses_1\",\"sessionId\":\"ses_2\",\"model\":{\"k\":1}},\"time\":{\"start\":1}"),
		  TOOL_IS("2", "ses_2", "task", "\"status\":\"running\",\"input\":{},\"metadata\":{\"model\":{\"k\":1}},\"start\":1,\"child\":\"ses_2\"") },
		{ TOOL("read", "\"status\":\"completed\",\"attachments\":[{\"url\":\"data:,x\"}]"),
		  TOOL_IS("3", "-", "read", "\"status\":\"completed\",\"attachments\":[{\"url\":\"data:,x\"}]") },
	};

	(void)state;
	CHECK(rows);
}

/* \bgit\s+commit(?![-\w]), and so gh pr create */
static void test_commits(void **state)
{
	static const struct { const char *command; bool commit, pull_request; } rows[] = {
		{ "git commit", true, false }, { "cd x && git\\tcommit -am y", true, false }, { "git commit;ls", true, false }, { "GIT=1 git commit", true, false },
		{ "git commit-tree x", false, false }, { "git commits", false, false }, { "git commit_x", false, false }, { "legit commit", false, false },
		{ "gitcommit", false, false }, { "git log --grep commit", false, false }, { "git", false, false }, { "git ", false, false }, { "git commi", false, false },
		{ "gh pr create", false, true }, { "git commit -am x && gh pr  create --fill", true, true }, { "gh pr creates", false, false },
		{ "gh prcreate", false, false }, { "gh pr", false, false }, { "gh", false, false }, { "ghpr create", false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct seen seen;
		char line[600];
		snprintf(line, sizeof line, TOOL("bash", "\"status\":\"completed\",\"input\":{\"command\":\"%s\"}"), rows[i].command);
		read_text(&seen, slice_of(line));
		if ((strstr(seen.events.data, "\"commit\":true") != NULL) != rows[i].commit)
			fail_msg("%s", rows[i].command);
		if ((strstr(seen.events.data, "\"pull_request\":true") != NULL) != rows[i].pull_request)
			fail_msg("%s", rows[i].command);
		seen_done(&seen);
	}
}

#define SIGNAL_IS(key, message, body) "signal 3 1795238016808 ses_1 " message " " key " - {\"type\":" body "}\n"
#define AT "\"time\":1795238016808"

static void test_signals(void **state)
{
	static const struct row rows[] = {
		{ EVENT("session.idle", "\"sessionID\":\"ses_1\""), SIGNAL_IS("idle:ses_1", "-", "\"idle\"," AT) },
		{ EVENT("session.status", "\"sessionID\":\"ses_1\",\"status\":{\"type\":\"retry\",\"attempt\":1,\"message\":\"m\",\"next\":5}"),
		  SIGNAL_IS("retry:" ID, "-", "\"retry\"," AT ",\"attempt\":1,\"message\":\"m\",\"next\":5") },
		{ EVENT("session.status", "\"sessionID\":\"ses_1\",\"status\":{\"type\":\"busy\"}"), "" },
		{ EVENT("session.error", "\"sessionID\":\"ses_1\",\"error\":{\"name\":\"E\",\"data\":{\"message\":\"m\"}}"),
		  SIGNAL_IS("error:" ID, "-", "\"error\"," AT ",\"error\":{\"name\":\"E\",\"message\":\"m\"}") },
		{ EVENT("session.error", "\"error\":{\"name\":\"E\"}"), "" },
		{ EVENT("session.diff", "\"sessionID\":\"ses_1\",\"diff\":[]"), "" },
		{ EVENT("session.diff", "\"sessionID\":\"ses_1\",\"diff\":[{\"file\":\"f\",\"patch\":\"p\",\"additions\":1,\"deletions\":0,\"status\":\"added\"}]"),
		  SIGNAL_IS("diff:ses_1", "-", "\"diff\"," AT ",\"files\":[{\"file\":\"f\",\"status\":\"added\",\"additions\":1,\"deletions\":0}]") },
		{ EVENT("message.removed", "\"sessionID\":\"ses_1\",\"messageID\":\"msg_1\""),
		  SIGNAL_IS("removed:msg_1", "msg_1", "\"removed\"," AT ",\"message\":\"msg_1\"") },
		{ EVENT("permission.asked", "\"id\":\"per_1\",\"sessionID\":\"ses_1\",\"permission\":\"bash\",\"patterns\":[\"a\"],\"metadata\":{\"c\":1},"
		        "\"always\":[],\"tool\":{\"messageID\":\"msg_1\",\"callID\":\"c\"}"),
		  SIGNAL_IS("per_1:asked", "msg_1", "\"permission\"," AT ",\"request\":\"per_1\",\"permission\":\"bash\",\"patterns\":[\"a\"],\"metadata\":{\"c\":1},"
		            "\"call\":\"c\",\"message\":\"msg_1\"") },
		{ EVENT("permission.replied", "\"sessionID\":\"ses_1\",\"requestID\":\"per_1\",\"reply\":\"reject\",\"message\":\"why\""),
		  SIGNAL_IS("per_1:replied", "-", "\"permission-reply\"," AT ",\"request\":\"per_1\",\"reply\":\"reject\",\"text\":\"why\"") },
		{ EVENT("question.asked", "\"id\":\"que_1\",\"sessionID\":\"ses_1\",\"questions\":[{\"q\":1}]"),
		  SIGNAL_IS("que_1:asked", "-", "\"question\"," AT ",\"request\":\"que_1\",\"questions\":[{\"q\":1}]") },
		{ EVENT("question.replied", "\"sessionID\":\"ses_1\",\"requestID\":\"que_1\",\"answers\":[[\"Blue\"]]"),
		  SIGNAL_IS("que_1:replied", "-", "\"question-reply\"," AT ",\"request\":\"que_1\",\"reply\":\"answered\",\"answers\":[[\"Blue\"]]") },
		{ EVENT("question.rejected", "\"sessionID\":\"ses_1\",\"requestID\":\"que_1\""),
		  SIGNAL_IS("que_1:replied", "-", "\"question-reply\"," AT ",\"request\":\"que_1\",\"reply\":\"rejected\"") },
	};

	(void)state;
	CHECK(rows);
}

/* Whatever an event is wrapped in, it is the same event. */
static void test_wrappers(void **state)
{
#define IDLE "\"type\":\"session.idle\",\"properties\":{\"sessionID\":\"ses_1\"}"
	static const char *const inputs[] = {
		"{\"id\":\"" ID "\"," IDLE "}\n",
		"{\"directory\":\"/d\",\"project\":\"p\",\"payload\":{\"id\":\"" ID "\"," IDLE "}}\n",
		"{\"payload\":{\"type\":\"sync\",\"id\":\"" ID "\",\"syncEvent\":{\"id\":\"" ID "\",\"type\":\"session.idle.1\",\"seq\":1,\"data\":{\"sessionID\":\"ses_1\"}}}}\n",
		"{\"t\":1795238016900,\"pid\":1,\"hook\":\"event\",\"args\":[{\"id\":\"" ID "\"," IDLE "}]}\n",
		"{\"id\":\"" ID "\",\"type\":\"session.idle\",\"durable\":{\"seq\":1},\"location\":{},\"data\":{\"sessionID\":\"ses_1\"}}\n",
		"{\"id\":\"" ID "\",\"aggregate_id\":\"ses_1\",\"seq\":6,\"type\":\"session.idle.1\",\"data\":{\"sessionID\":\"ses_1\"}}\n",
		"\n[{\"id\":\"" ID "\"," IDLE "}]\n",
		"{\"id\":\"evt_1\",\"type\":\"server.connected\",\"properties\":{}}\n[{\"id\":\"" ID "\"," IDLE "}]\n",
		"{\n\"id\":\"" ID "\"," IDLE "}\n",
		"data: {\"id\":\"" ID "\"," IDLE "}\n\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
		struct seen seen;
		read_text(&seen, slice_of(inputs[i]));
		assert_string_equal(seen.words.data, "");
		assert_string_equal(seen.events.data, SIGNAL_IS("idle:ses_1", "-", "\"idle\"," AT));
		seen_done(&seen);
	}
}

static void test_documents(void **state)
{
#define INFO "\"info\":{\"id\":\"ses_1\",\"title\":\"T\",\"time\":{\"created\":5}}"
#define WHOLE "{\"info\":{\"id\":\"msg_1\",\"sessionID\":\"ses_1\",\"role\":\"user\",\"time\":{\"created\":6}}," \
              "\"parts\":[{\"id\":\"prt_1\",\"messageID\":\"msg_1\",\"sessionID\":\"ses_1\",\"type\":\"text\",\"text\":\"hi\"}]}"
#define SESSION_IS "session 3 5 ses_1 - ses_1 - {\"title\":\"T\",\"created\":5}\n"
#define WHOLE_IS "part 3 6 ses_1 msg_1 prt_1 - {\"type\":\"text\",\"text\":\"hi\"}\nmessage 3 6 ses_1 msg_1 msg_1 - {\"role\":\"user\",\"created\":6}\n"
	static const struct row rows[] = {
		{ "{" INFO ",\"messages\":[" WHOLE "]}", SESSION_IS WHOLE_IS },
		{ "{\"messages\":[" WHOLE "]," INFO "}", WHOLE_IS SESSION_IS },
		{ "[" WHOLE "]", WHOLE_IS },
		{ WHOLE, WHOLE_IS },
		{ "{\"id\":\"ses_1\",\"title\":\"T\",\"time\":{\"created\":5}}", SESSION_IS },
		{ "[{\"id\":\"ses_1\",\"title\":\"T\",\"time\":{\"created\":5}}]", SESSION_IS },
		{ "{\"data\":[{\"id\":\"ses_1\",\"title\":\"T\",\"time\":{\"created\":5}}]}", SESSION_IS },
		/* an export that is one line among others */
		{ "{\"id\":\"evt_1\",\"type\":\"server.connected\",\"properties\":{}}\n{" INFO ",\"messages\":[" WHOLE "]}\n", SESSION_IS WHOLE_IS },
		{ "[{\"info\":{\"id\":\"msg_1\",\"sessionID\":\"ses_1\",\"role\":\"assistant\",\"time\":{\"created\":6}},\"parts\":[{\"id\":\"prt_1\","
		  "\"messageID\":\"msg_1\",\"sessionID\":\"ses_1\",\"type\":\"tool\",\"tool\":\"t\",\"state\":{\"status\":\"pending\",\"input\":{}}}]}]",
		  "part 1 6 ses_1 msg_1 prt_1 - {\"type\":\"tool\",\"tool\":\"t\",\"status\":\"pending\",\"input\":{}}\n"
		  "message 1 6 ses_1 msg_1 msg_1 - {\"role\":\"assistant\",\"created\":6}\n" },
	};

	(void)state;
	CHECK(rows);
}

#define NEXT(type, fields) EVENT("session.next." type, "\"sessionID\":\"ses_1\",\"timestamp\":\"1970-01-01T00:00:00.007Z\"," fields)
#define OF_MESSAGE "\"assistantMessageID\":\"msg_2\""
#define MODEL "\"agent\":\"build\",\"model\":{\"id\":\"m\",\"providerID\":\"p\",\"variant\":\"v\"}"

static void test_next(void **state)
{
	static const struct row rows[] = {
		{ NEXT("prompted", "\"messageID\":\"msg_1\",\"prompt\":{\"text\":\"hi\",\"files\":[{\"uri\":\"u\",\"mime\":\"x/y\",\"name\":\"n\"}],\"agents\":[{\"name\":\"a\"}]}")
		  NEXT("step.started", OF_MESSAGE "," MODEL) NEXT("step.ended", OF_MESSAGE ",\"finish\":\"stop\",\"cost\":0.50,\"tokens\":{\"input\":1}"),
		  "part 3 7 ses_1 msg_1 msg_1/prompt - {\"type\":\"text\",\"text\":\"hi\"}\n"
		  "part 3 7 ses_1 msg_1 msg_1/file-1 - {\"type\":\"file\",\"mime\":\"x/y\",\"filename\":\"n\",\"url\":\"u\"}\n"
		  "part 3 7 ses_1 msg_1 msg_1/agent-1 - {\"type\":\"agent\",\"name\":\"a\"}\n"
		  "message 3 7 ses_1 msg_1 msg_1 - {\"role\":\"user\",\"created\":7}\n"
		  "part 3 7 ses_1 msg_2 msg_2/step-start - {\"type\":\"step-start\"}\n"
		  "message 1 7 ses_1 msg_2 msg_2 - {\"role\":\"assistant\",\"parent\":\"msg_1\",\"agent\":\"build\",\"model\":\"m\",\"provider\":\"p\",\"variant\":\"v\",\"created\":7}\n"
		  "part 3 7 ses_1 msg_2 msg_2/step-finish - {\"type\":\"step-finish\",\"reason\":\"stop\",\"cost\":0.50,\"tokens\":{\"input\":1}}\n"
		  "message 3 7 ses_1 msg_2 msg_2 - {\"role\":\"assistant\",\"parent\":\"msg_1\",\"agent\":\"build\",\"model\":\"m\",\"provider\":\"p\",\"variant\":\"v\",\"created\":7,"
		  "\"completed\":7,\"finish\":\"stop\",\"cost\":0.50,\"tokens\":{\"input\":1}}\n" },
		{ NEXT("step.failed", OF_MESSAGE ",\"error\":{\"type\":\"unknown\",\"message\":\"no\"}"),
		  "message 3 7 ses_1 msg_2 msg_2 - {\"role\":\"assistant\",\"created\":7,\"completed\":7,\"error\":{\"name\":\"unknown\",\"message\":\"no\"}}\n" },
		{ NEXT("reasoning.started", OF_MESSAGE ",\"reasoningID\":\"r\"") NEXT("reasoning.ended", OF_MESSAGE ",\"reasoningID\":\"r\",\"text\":\"t\""),
		  "part 3 7 ses_1 msg_2 msg_2/r - {\"type\":\"reasoning\",\"text\":\"t\",\"start\":7,\"end\":7}\n" },
		{ NEXT("text.ended", OF_MESSAGE ",\"textID\":\"x\",\"text\":\"t\""), "part 3 7 ses_1 msg_2 msg_2/x - {\"type\":\"text\",\"text\":\"t\",\"end\":7}\n" },
		{ NEXT("tool.called", OF_MESSAGE ",\"callID\":\"c\",\"tool\":\"bash\",\"input\":{\"command\": \"git commit\"}")
		  NEXT("tool.success", OF_MESSAGE ",\"callID\":\"c\",\"structured\":{\"exit\":0},\"content\":[{\"type\":\"text\",\"text\":\"a\"},{\"type\":\"file\",\"uri\":\"u\"},"
		       "{\"type\":\"text\",\"text\":\"b\"}]"),
		  "part 1 7 ses_1 msg_2 msg_2/c - {\"type\":\"tool\",\"tool\":\"bash\",\"call\":\"c\",\"status\":\"running\",\"input\":{\"command\":\"git commit\"},\"start\":7}\n"
		  "part 3 7 ses_1 msg_2 msg_2/c - {\"type\":\"tool\",\"tool\":\"bash\",\"call\":\"c\",\"status\":\"completed\",\"input\":{\"command\":\"git commit\"},"
		  "\"output\":\"a\\nb\",\"metadata\":{\"exit\":0},\"exit\":0,\"start\":7,\"end\":7,\"commit\":true,\"attachments\":[{\"type\":\"file\",\"uri\":\"u\"}]}\n" },
		{ NEXT("tool.failed", OF_MESSAGE ",\"callID\":\"c\",\"error\":{\"message\":\"no\"}"),
		  "part 3 7 ses_1 msg_2 msg_2/c - {\"type\":\"tool\",\"call\":\"c\",\"status\":\"error\",\"error\":\"no\",\"end\":7}\n" },
		{ NEXT("retried", "\"attempt\":1,\"error\":{\"message\":\"no\"}"),
		  "signal 3 7 ses_1 - retry:" ID " - {\"type\":\"retry\",\"time\":7,\"attempt\":1,\"message\":\"no\"}\n" },
		{ NEXT("prompted", "\"messageID\":\"msg_1\",\"prompt\":{\"text\":\"\"}") NEXT("compaction.ended", "\"messageID\":\"msg_3\",\"reason\":\"auto\",\"text\":\"s\""),
		  "part 3 7 ses_1 msg_1 msg_1/prompt - {\"type\":\"text\",\"text\":\"\"}\nmessage 3 7 ses_1 msg_1 msg_1 - {\"role\":\"user\",\"created\":7}\n"
		  "part 3 7 ses_1 msg_1 msg_3/compaction - {\"type\":\"compaction\",\"auto\":true}\n" },
		{ NEXT("tool.progress", "\"x\":1") NEXT("text.delta", "\"x\":1") NEXT("revert.staged", "\"x\":1"), "" },
	};

	(void)state;
	CHECK(rows);
}

/* More sessions and more open calls than are kept: the oldest are forgotten, and nothing else goes wrong. */
static void test_next_bounds(void **state)
{
	struct seen seen;
	struct buf input;

	(void)state;
	buf_init(&input, 0);
	for (unsigned i = 0; i < 600; i++)
		buf_format(&input,
		           "{\"type\":\"session.next.tool.called\",\"data\":{\"sessionID\":\"ses_%u\",\"timestamp\":7,\"assistantMessageID\":\"m\",\"callID\":\"c%u\","
		           "\"tool\":\"t\",\"input\":{\"n\":%u}}}\n", i, i, i);
	for (unsigned i = 0; i < 600; i += 599)
		buf_format(&input,
		           "{\"type\":\"session.next.tool.success\",\"data\":{\"sessionID\":\"ses_%u\",\"timestamp\":8,\"assistantMessageID\":\"m\",\"callID\":\"c%u\","
		           "\"content\":[]}}\n", i, i);
	read_text(&seen, buf_view(&input));
	assert_string_equal(seen.words.data, "");
	assert_int_equal(seen.counts.events, 602);
	assert_non_null(strstr(seen.events.data, "{\"type\":\"tool\",\"call\":\"c0\",\"status\":\"completed\",\"output\":\"\",\"end\":8}"));
	assert_non_null(strstr(seen.events.data, "\"call\":\"c599\",\"status\":\"completed\",\"input\":{\"n\":599},\"output\":\"\",\"start\":7,\"end\":8}"));
	seen_done(&seen);
	buf_done(&input);
}

#define RUN(type, fields) "{\"type\":\"" type "\",\"timestamp\":7,\"sessionID\":\"ses_1\"," fields "}\n"
#define RUN_PART(fields) "\"part\":{\"id\":\"prt_1\",\"messageID\":\"msg_1\",\"sessionID\":\"ses_1\"," fields "}"

static void test_run(void **state)
{
	static const struct row rows[] = {
		{ RUN("step_start", RUN_PART("\"type\":\"step-start\"")) RUN("step_finish", RUN_PART("\"type\":\"step-finish\",\"reason\":\"stop\",\"cost\":0.5,\"tokens\":{\"input\":1}")),
		  "part 3 7 ses_1 msg_1 prt_1 - {\"type\":\"step-start\"}\n"
		  "message 1 7 ses_1 msg_1 msg_1 - {\"role\":\"assistant\",\"created\":7}\n"
		  "part 3 7 ses_1 msg_1 prt_1 - {\"type\":\"step-finish\",\"reason\":\"stop\",\"cost\":0.5,\"tokens\":{\"input\":1}}\n"
		  "message 2 7 ses_1 msg_1 msg_1 - {\"role\":\"assistant\",\"created\":7,\"completed\":7,\"finish\":\"stop\",\"cost\":0.5,\"tokens\":{\"input\":1}}\n" },
		{ RUN("error", "\"error\":{\"name\":\"E\",\"data\":{\"message\":\"m\"}}"),
		  "signal 3 7 ses_1 - error:ses_1:7 - {\"type\":\"error\",\"time\":7,\"error\":{\"name\":\"E\",\"message\":\"m\"}}\n" },
		{ RUN("later", "\"x\":1"), "" },
	};

	(void)state;
	CHECK(rows);
}

static int note_order(void *context, const struct raw_event *e, struct err *err)
{
	(void)err;
	*(uint64_t *)context = e->order;
	return 0;
}

static uint64_t order_of(const char *input)
{
	uint64_t order = 77;
	struct ingest_options options = { .emit = note_order, .context = &order };
	struct ingest *ingest = NULL;
	struct err err = { 0 };

	assert_int_equal(ingest_new(&options, &ingest, &err), 0);
	assert_int_equal(ingest_feed(ingest, slice_of(input), &err), 0);
	assert_int_equal(ingest_finish(ingest, &err), 0);
	ingest_free(ingest);
	return order;
}

#define STEP(id, time) "{\"id\":\"" id "\",\"type\":\"message.part.updated\",\"properties\":{\"time\":" time ",\"part\":{\"id\":\"p\",\"sessionID\":\"s\",\"messageID\":\"m\",\"type\":\"step-start\"}}}\n"
#define IDLE_OF(id) "{\"id\":\"" id "\",\"type\":\"session.idle\",\"properties\":{\"sessionID\":\"s\"}}\n"

/* An id holds its time modulo 795 days: it is the one next to a time that the input names. */
static void test_order(void **state)
{
	const uint64_t wrap = UINT64_C(1) << 48, low = 0x1fc863728ff1;

	(void)state;
	assert_int_equal(order_of(STEP("evt_1fc863728ff1", "1795238016808")), 26 * wrap + low);
	assert_int_equal(order_of(STEP("evt_1fc863728ff1", "1726518540072")), 25 * wrap + low);
	assert_int_equal(order_of(STEP("evt_1fc863728ff1", "1795238016808") IDLE_OF("evt_1fc863728ff2")), 26 * wrap + low + 1);
	/* on both sides of the wrap of 2026-08-14 */
	assert_int_equal(order_of(STEP("evt_000000001001", "1786706395136") IDLE_OF("evt_fffffffff001")), 26 * wrap - 0xfff);
	assert_int_equal(order_of(STEP("evt_fffffffff001", "1786706395135") IDLE_OF("evt_000000001001")), 26 * wrap + 0x1001);
	/* times out of this world move nothing */
	assert_int_equal(order_of(STEP("evt_1fc863728ff1", "1795238016808") STEP("evt_1fc863728ff1", "5") IDLE_OF("evt_1fc863728ff2")), 26 * wrap + low + 1);
	assert_int_equal(order_of(STEP("evt_1fc863728ff1", "1795238016808") STEP("evt_1fc863728ff1", "99999999999999") IDLE_OF("evt_1fc863728ff2")), 26 * wrap + low + 1);
	/* documents have none, nor has what `run` prints */
	assert_int_equal(order_of("[{\"id\":\"ses_1\",\"time\":{\"created\":5}}]"), 0);
	assert_int_equal(order_of(RUN("step_start", RUN_PART("\"type\":\"step-start\""))), 0);
	assert_int_equal(order_of(IDLE_OF("evt_nothex000000")), 0);
}

/* What `lfspool export` prints comes back as it was. */
static void test_own_records(void **state)
{
	static const struct row rows[] = {
		{ "{\"lf\":1,\"seq\":42,\"src\":\"opencode\",\"session\":\"ses_1\",\"message\":\"msg_1\",\"key\":\"prt_1\",\"kind\":\"part\",\"final\":false,\"level\":2,"
		  "\"link\":\"ses_2\",\"time\":7,\"order\":\"7353294916849649\",\"body\":{\"type\":\"tool\", \"x\":1}}\n",
		  "part 2 7 ses_1 msg_1 prt_1 ses_2 {\"type\":\"tool\", \"x\":1}\n" },
	};

	(void)state;
	CHECK(rows);
	assert_int_equal(order_of(rows[0].input), UINT64_C(7353294916849649));
}

#define GOOD EVENT("session.idle", "\"sessionID\":\"ses_1\"")

static void test_words(void **state)
{
	static const struct { struct slice line; const char *words; } rows[] = {
		{ SLICE("{\"id\":}"), "invalid JSON: a value was expected at byte 6" },
		{ SLICE("data: {\"id\":}"), "invalid JSON: a value was expected at byte 12" },
		{ SLICE("{\"id\":\"evt_1\",\"type\":"), "invalid JSON: the text ends too early at byte 21" },
		{ SLICE("{\"a\":\"\xff\"}"), "invalid JSON: invalid UTF-8 at byte 6" },
		{ SLICE("{\"a\":\"\xed\xa0\x80\"}"), "invalid JSON: invalid UTF-8 at byte 6" },
		{ SLICE("{\"a\":\"x\0\"}"), "invalid JSON: a NUL, which is a control character, at byte 7" },
		{ SLICE("{\"a\":1}\0"), "invalid JSON: a NUL, which is a control character, at byte 7" },
		{ SLICE("{\"a\":1}{\"b\":2}"), "invalid JSON: something stands after the value at byte 7" },
		{ SLICE("17"), "not a JSON object" },
		{ SLICE("{\"a\":1}"), "not an event, export or record that is known" },
		{ SLICE("{\"type\":\"session.idle\",\"properties\":{}}"), "no session id" },
		{ SLICE("{\"type\":\"session.updated\",\"properties\":{\"info\":{}}}"), "no session id" },
		{ SLICE("{\"type\":\"session.next.prompted\",\"data\":{}}"), "no session id" },
		{ SLICE("{\"type\":\"session.next.prompted\",\"data\":{\"sessionID\":\"s\"}}"), "no message id" },
		{ SLICE("{\"type\":\"message.updated\",\"properties\":{\"info\":{\"id\":\"m\"}}}"), "a message without session id or id" },
		{ SLICE("{\"type\":\"message.part.updated\",\"properties\":{\"part\":{\"type\":\"step-start\"}}}"), "a part without session id, message id or id" },
		{ SLICE("{\"type\":\"permission.asked\",\"properties\":{\"sessionID\":\"s\"}}"), "no request id" },
		{ SLICE("{\"lf\":2}"), "not a record of a version that is known" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct buf input;
		struct seen seen;
		char expected[200];
		buf_init(&input, 0);
		buf_text(&input, GOOD);
		buf_slice(&input, rows[i].line);
		buf_text(&input, "\n" GOOD);
		read_text(&seen, buf_view(&input));
		snprintf(expected, sizeof expected, "in:2: %s\n", rows[i].words);
		assert_string_equal(seen.words.data, expected);
		assert_int_equal(seen.counts.events, 2);
		assert_int_equal(seen.counts.bad, 1);
		seen_done(&seen);
		buf_done(&input);
	}
}

static void test_truncated(void **state)
{
	static const char line[] = "{\"id\":\"evt_1\",\"type\":\"session.idle\",\"properties\":{\"sessionID\":\"\xc3\xa9\\u00e9\",\"n\":-1.5e3,\"t\":true}}";

	(void)state;
	for (size_t n = 1; n < sizeof line; n++) {
		struct seen seen;
		read_text(&seen, (struct slice){ line, n });
		if (n == sizeof line - 1)
			assert_string_equal(seen.words.data, "");
		else if (strncmp(seen.words.data, "in:1: truncated last line: ", 27) != 0)
			fail_msg("%zu bytes: %s", n, seen.words.data);
		assert_int_equal(seen.counts.events, n == sizeof line - 1);
		seen_done(&seen);
	}
}

static void test_deep(void **state)
{
	static const char *const starts[] = { "{\"id\":\"evt_1\",\"type\":\"x\",\"properties\":", "[", "[{\"a\":" };
	static const char *const ends[] = { "}\n" GOOD, "]\n" GOOD, "}]\n" GOOD };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct buf input;
		struct seen seen;
		buf_init(&input, 0);
		buf_text(&input, starts[i]);
		for (unsigned d = 0; d < 100000; d++)
			buf_char(&input, '[');
		for (unsigned d = 0; d < 100000; d++)
			buf_char(&input, ']');
		buf_text(&input, ends[i]);
		read_text(&seen, buf_view(&input));
		assert_non_null(strstr(seen.words.data, "in:1: invalid JSON: nested deeper than 512 at byte "));
		assert_int_equal(seen.counts.events, 1);
		assert_int_equal(seen.counts.bad, 1);
		seen_done(&seen);
		buf_done(&input);
	}
}

/* More values than the index takes: named like what is too long, without its text. */
static void test_too_many(void **state)
{
	struct buf input;
	struct seen seen;

	(void)state;
	buf_init(&input, 0);
	buf_text(&input, "{\"secret\":[0");
	for (unsigned i = 0; i < 1000000; i++)
		buf_text(&input, ",0");
	buf_text(&input, "]}\n" GOOD);
	read_text(&seen, buf_view(&input));
	assert_int_equal(seen.counts.oversize, 1);
	assert_int_equal(seen.counts.events, 1);
	assert_non_null(strstr(seen.words.data, "in:1: more JSON values than are read at once {\"name\":\"in\",\"line\":1,\"bytes\":2000014,\"xxh3\":\""));
	assert_null(strstr(seen.words.data, "secret"));
	seen_done(&seen);
	buf_done(&input);
}

static void test_counts(void **state)
{
	static const struct { const char *line; uint64_t events, skipped, unknown; } rows[] = {
		{ EVENT("message.part.delta", "\"x\":1"), 0, 1, 0 },     { EVENT("plugin.added", ""), 0, 1, 0 },   { EVENT("todo.updated", ""), 0, 1, 0 },
		{ EVENT("session.compacted", ""), 0, 1, 0 },             { EVENT("quantum.flux", ""), 0, 0, 1 },   { EVENT("session.next.leap", "\"sessionID\":\"s\""), 0, 0, 1 },
		{ PART("\"type\":\"hologram\""), 0, 0, 1 },              { GOOD, 1, 0, 0 },                        { "{\"t\":1,\"hook\":\"chat.params\",\"args\":[]}\n", 0, 1, 0 },
		{ RUN("later", "\"x\":1"), 0, 0, 1 },
		{ "[{\"info\":{\"id\":\"m\",\"sessionID\":\"s\",\"role\":\"user\"},\"parts\":[{\"type\":\"snapshot\",\"id\":\"p\",\"messageID\":\"m\",\"sessionID\":\"s\"}]}]", 1, 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct seen seen;
		read_text(&seen, slice_of(rows[i].line));
		if (seen.counts.events != rows[i].events || seen.counts.skipped != rows[i].skipped || seen.counts.unknown != rows[i].unknown || seen.counts.bad)
			fail_msg("%s", rows[i].line);
		assert_int_equal(seen.counts.values, 1);
		assert_int_equal(seen.counts.bytes, strlen(rows[i].line));
		seen_done(&seen);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sessions),  cmocka_unit_test(test_messages),    cmocka_unit_test(test_parts),       cmocka_unit_test(test_tools),
		cmocka_unit_test(test_commits),   cmocka_unit_test(test_signals),     cmocka_unit_test(test_wrappers),    cmocka_unit_test(test_documents),
		cmocka_unit_test(test_next),      cmocka_unit_test(test_next_bounds), cmocka_unit_test(test_run),         cmocka_unit_test(test_order),
		cmocka_unit_test(test_own_records), cmocka_unit_test(test_words),     cmocka_unit_test(test_truncated),   cmocka_unit_test(test_deep),
		cmocka_unit_test(test_too_many),  cmocka_unit_test(test_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
