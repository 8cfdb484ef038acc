/* The assembler over literal records in memory: each rule, in any order of records. */
#include "assemble_memory.h"
#include "base/mem.h"
#include <stdio.h>
#include <stdlib.h>

#define MAX_SEEN 64

/* What came out: each observation as its neutral JSON, read back. */
struct seen {
	struct buf text[MAX_SEEN], strings[MAX_SEEN];
	struct observation observations[MAX_SEEN];
	char *turns[MAX_SEEN];
	size_t count;
	struct assemble_result result;
};

static int see(void *context, const struct observation *observation, struct slice turn, struct err *err)
{
	struct seen *seen = context;
	size_t i = seen->count++;

	assert_true(i < MAX_SEEN);
	buf_init(&seen->text[i], 0);
	buf_init(&seen->strings[i], 0);
	assert_int_equal(observation_json(observation, &seen->text[i]), 0);
	assert_int_equal(observation_parse(buf_view(&seen->text[i]), &seen->strings[i], &seen->observations[i], err), 0);
	seen->turns[i] = xmemdup0(turn.len ? turn.ptr : "", turn.len);
	return 0;
}

static struct seen *run_unit(struct memory *memory, const char *id, enum trace_unit unit)
{
	struct assemble_store store = { memory, each_head, each_part, find_link, find_session };
	struct seen *seen = xcalloc(1, sizeof *seen);
	struct err err = { 0 };

	assert_int_equal(assemble_session(&store, SLICE("opencode"), slice_of(id), unit, see, NULL, seen, &seen->result, &err), 0);
	return seen;
}

static struct seen *run(struct memory *memory, const char *id)
{
	return run_unit(memory, id, TRACE_UNIT_SESSION);
}

static void done(struct seen *seen)
{
	for (size_t i = 0; i < seen->count; i++) {
		buf_done(&seen->text[i]);
		buf_done(&seen->strings[i]);
		free(seen->turns[i]);
	}
	free(seen);
}

static void assert_slice(struct slice got, const char *wanted)
{
	char *text = xmemdup0(got.len ? got.ptr : "", got.len);

	assert_string_equal(text, wanted);
	free(text);
}

/* The nth observation with this name; NULL. */
static const struct observation *find(const struct seen *seen, const char *name, size_t nth)
{
	for (size_t i = 0; i < seen->count; i++)
		if (slice_is(seen->observations[i].name, name) && nth-- == 0)
			return &seen->observations[i];
	return NULL;
}

static const struct observation *need(const struct seen *seen, const char *name, size_t nth)
{
	const struct observation *found = find(seen, name, nth);

	assert_non_null(found);
	return found;
}

static size_t count_of(const struct seen *seen, const char *name)
{
	size_t n = 0;

	while (find(seen, name, n))
		n++;
	return n;
}

static void assert_under(const struct observation *child, const struct observation *parent)
{
	assert_memory_equal(child->parent_id, parent->span_id, 8);
	assert_memory_equal(child->trace_id, parent->trace_id, 16);
}

static void assert_names(const struct seen *seen, const char *const *names)
{
	size_t i;

	for (i = 0; i < seen->count && names[i]; i++)
		assert_slice(seen->observations[i].name, names[i]);
	assert_int_equal(i, seen->count);
	assert_null(names[i]);
}

static bool has(struct slice text, const char *piece)
{
	return text.len && memmem(text.ptr, text.len, piece, strlen(piece)) != NULL;
}

#define S "ses_1"
#define USER_BODY "{\"role\":\"user\",\"agent\":\"build\",\"created\":1000}"
#define OK_BODY(created, completed, finish) \
	"{\"role\":\"assistant\",\"parent\":\"u1\",\"agent\":\"build\",\"mode\":\"build\",\"model\":\"m\",\"provider\":\"p\",\"created\":" #created \
	",\"completed\":" #completed ",\"finish\":\"" finish "\",\"cost\":0.0012300,\"tokens\":{\"input\":10,\"output\":2,\"reasoning\":0,\"cache_read\":5,\"cache_write\":0}}"
#define STEP "{\"type\":\"step-start\"}"

/* Two steps: reasoning and a bash call, then the answer. */
static void put_two_steps(struct memory *memory)
{
	session(memory, S, "", "{\"title\":\"Demo\",\"directory\":\"/d\",\"version\":\"1.18\",\"created\":900}");
	message(memory, S, "u1", USER_BODY);
	part(memory, S, "u1", "p0", "{\"type\":\"text\",\"text\":\"hi\\n\"}");
	part(memory, S, "u1", "p0s", "{\"type\":\"text\",\"text\":\"added\",\"synthetic\":true}");
	part(memory, S, "u1", "p0t", "{\"type\":\"text\",\"text\":\"there\"}");
	message(memory, S, "a1", OK_BODY(1100, 1500, "tool-calls"));
	part(memory, S, "a1", "p1", STEP);
	part(memory, S, "a1", "p2", "{\"type\":\"reasoning\",\"text\":\"hm\",\"start\":1150,\"end\":1200}");
	part(memory, S, "a1", "p3", "{\"type\":\"tool\",\"tool\":\"bash\",\"call\":\"c1\",\"status\":\"completed\",\"input\":{\"command\":\"git commit\"},"
	     "\"output\":\"done\",\"title\":\"commit\",\"metadata\":{\"output\":\"done\",\"exit\":0},\"exit\":0,\"commit\":true,\"start\":1250,\"end\":1400}");
	part(memory, S, "a1", "p4", "{\"type\":\"step-finish\",\"reason\":\"tool-calls\",\"cost\":9,\"tokens\":{\"input\":99}}");
	message(memory, S, "a2", OK_BODY(1500, 1900, "stop"));
	part(memory, S, "a2", "p5", STEP);
	part(memory, S, "a2", "p6", "{\"type\":\"text\",\"text\":\"bye\",\"start\":1600,\"end\":1800}");
}

static void test_two_steps(void **state)
{
	static const char *const names[] = { "turn", "user-message", "assistant-response", "tool-bash", "commit", "assistant-response", NULL };
	struct memory memory = { 0 };
	struct seen *seen;
	const struct observation *turn, *first, *second, *tool;

	(void)state;
	put_two_steps(&memory);
	seen = run(&memory, S);
	assert_names(seen, names);
	turn = need(seen, "turn", 0);
	first = need(seen, "assistant-response", 0);
	second = need(seen, "assistant-response", 1);
	tool = need(seen, "tool-bash", 0);
	assert_int_equal(turn->type, OBS_AGENT);
	assert_int_equal(turn->start_ms, 1000);
	assert_int_equal(turn->end_ms, 1900);
	assert_slice(turn->input, "\"hi\\n\\n\\nthere\"");
	assert_slice(turn->output, "\"bye\"");
	assert_slice(turn->title, "Demo");
	assert_under(need(seen, "user-message", 0), turn);
	assert_under(first, turn);
	assert_under(tool, first);
	assert_under(need(seen, "commit", 0), tool);
	assert_slice(first->input, "[{\"role\":\"user\",\"content\":\"hi\\n\\n\\nthere\"}]");
	assert_slice(first->output, "{\"reasoning\":\"hm\",\"tool_calls\":[{\"id\":\"c1\",\"name\":\"bash\"}]}");
	assert_slice(first->cost, "0.0012300");
	assert_int_equal(first->usage.input, 10);
	assert_int_equal(first->completion_start_ms, 1150);
	assert_slice(second->input, "[{\"role\":\"tool\",\"name\":\"bash\",\"content\":\"done\"}]");
	assert_slice(second->output, "\"bye\"");
	assert_slice(second->metadata, "{\"agent\":\"build\",\"mode\":\"build\",\"provider\":\"p\",\"finish\":\"stop\",\"directory\":\"/d\",\"agent_version\":\"1.18\"}");
	assert_slice(tool->output, "\"done\"");
	assert_slice(tool->metadata, "{\"agent\":\"build\",\"call\":\"c1\",\"status\":\"completed\",\"title\":\"commit\",\"exit\":0,\"tool\":{\"exit\":0}}");
	assert_false(seen->result.open);
	assert_int_equal(seen->result.last_ms, 1900);
	done(seen);
}

static void shuffle(struct memory *memory, uint32_t *seed)
{
	for (size_t i = memory->count; i > 1; i--) {
		struct clean_record_view swap = memory->records[i - 1];
		size_t with;
		*seed = *seed * 1664525u + 1013904223u;
		with = (*seed >> 8) % i;
		memory->records[i - 1] = memory->records[with];
		memory->records[with] = swap;
	}
}

static void put_signals(struct memory *memory)
{
	signal_(memory, S, "retry:1", "{\"type\":\"retry\",\"attempt\":2,\"message\":\"busy\",\"time\":1120}");
	signal_(memory, S, "q:asked", "{\"type\":\"permission\",\"request\":\"q\",\"permission\":\"bash\",\"patterns\":[\"git\"],\"call\":\"c1\",\"message\":\"a1\",\"time\":1260}");
	signal_(memory, S, "q:replied", "{\"type\":\"permission-reply\",\"request\":\"q\",\"reply\":\"reject\",\"text\":\"no\",\"time\":1300}");
	signal_(memory, S, "r:asked", "{\"type\":\"question\",\"request\":\"r\",\"questions\":[1],\"message\":\"a2\",\"time\":1650}");
	signal_(memory, S, "error:1", "{\"type\":\"error\",\"error\":{\"name\":\"E\",\"message\":\"m\"},\"time\":1700}");
	signal_(memory, S, "early", "{\"type\":\"error\",\"error\":{\"name\":\"Before\"},\"time\":950}");
}

static void test_any_order(void **state)
{
	struct memory memory = { 0 };
	struct seen *seen, *again;
	uint32_t seed = 7;

	(void)state;
	put_two_steps(&memory);
	put_signals(&memory);
	seen = run(&memory, S);
	for (int round = 0; round < 50; round++) {
		shuffle(&memory, &seed);
		again = run(&memory, S);
		assert_int_equal(again->count, seen->count);
		for (size_t i = 0; i < seen->count; i++)
			assert_string_equal(again->text[i].data, seen->text[i].data);
		done(again);
	}
	done(seen);
}

static void test_signals(void **state)
{
	struct memory memory = { 0 };
	struct seen *seen;
	static const uint8_t none[8];
	const struct observation *permission, *question;

	(void)state;
	put_two_steps(&memory);
	put_signals(&memory);
	seen = run(&memory, S);
	assert_under(need(seen, "retry", 0), need(seen, "turn", 0));
	assert_slice(need(seen, "retry", 0)->status, "busy");
	assert_slice(need(seen, "retry", 0)->metadata, "{\"attempt\":2}");
	permission = need(seen, "permission", 0);
	assert_under(permission, need(seen, "assistant-response", 0));
	assert_int_equal(permission->start_ms, 1260);
	assert_int_equal(permission->end_ms, 1300);
	assert_int_equal(permission->level, OBS_WARNING);
	assert_slice(permission->status, "rejected: no");
	question = need(seen, "question", 0);
	assert_slice(question->status, "no answer");
	assert_slice(question->input, "[1]");
	assert_slice(need(seen, "error", 0)->status, "Before");
	assert_memory_equal(need(seen, "error", 0)->parent_id, none, 8);
	assert_slice(need(seen, "error", 1)->status, "E: m");
	assert_under(need(seen, "error", 1), need(seen, "turn", 0));
	done(seen);
}

static void test_error(void **state)
{
	struct memory memory = { 0 };
	struct seen *seen;
	const struct observation *generation;

	(void)state;
	message(&memory, S, "u1", USER_BODY);
	message(&memory, S, "a1", "{\"role\":\"assistant\",\"parent\":\"u1\",\"created\":1100,\"error\":{\"name\":\"APIError\",\"message\":\"denied\",\"status\":401}}");
	signal_(&memory, S, "error:1", "{\"type\":\"error\",\"error\":{\"name\":\"APIError\",\"message\":\"denied\"},\"time\":1150}");
	seen = run(&memory, S);
	generation = need(seen, "assistant-response", 0);
	assert_int_equal(generation->level, OBS_ERROR);
	assert_slice(generation->status, "APIError: denied");
	assert_slice(generation->metadata, "{\"error_name\":\"APIError\",\"error_status\":401}");
	assert_int_equal(count_of(seen, "error"), 0);
	assert_int_equal(count_of(seen, "turn"), 1);
	assert_int_equal(generation->usage.input, -1);
	done(seen);
}

static void put_crash(struct memory *memory)
{
	session(memory, S, "", "{\"created\":900}");
	message(memory, S, "u1", USER_BODY);
	message(memory, S, "a1", "{\"role\":\"assistant\",\"parent\":\"u1\",\"created\":1100,\"cost\":0,\"tokens\":{\"input\":0,\"output\":0}}");
	part(memory, S, "a1", "p1", STEP);
	part(memory, S, "a1", "p2", "{\"type\":\"tool\",\"tool\":\"bash\",\"call\":\"c\",\"status\":\"running\",\"input\":{},\"metadata\":{\"output\":\"half\"},\"start\":1200}");
	part(memory, S, "a1", "p3", "{\"type\":\"step-finish\",\"cost\":0.25,\"tokens\":{\"input\":7,\"output\":1}}");
}

static void assert_crashed(const struct seen *seen)
{
	const struct observation *generation = need(seen, "assistant-response", 0), *tool = need(seen, "tool-bash", 0);

	assert_int_equal(generation->level, OBS_WARNING);
	assert_slice(generation->status, "interrupted");
	assert_int_equal(generation->end_ms, 1200);
	assert_int_equal(generation->usage.input, 7);
	assert_slice(generation->cost, "0.25");
	assert_int_equal(tool->level, OBS_WARNING);
	assert_slice(tool->status, "interrupted");
	assert_slice(tool->output, "\"half\"");
	assert_slice(need(seen, "turn", 0)->status, "interrupted");
}

static void test_stale(void **state)
{
	struct memory memory = { 0 };
	struct seen *seen;

	(void)state;
	put_crash(&memory);
	seen = run(&memory, S);
	assert_int_equal(seen->count, 1);
	assert_slice(seen->observations[0].name, "user-message");
	assert_true(seen->result.open);
	done(seen);
	signal_(&memory, S, "stale:1", "{\"type\":\"stale\",\"time\":1199}");
	seen = run(&memory, S);
	assert_true(seen->result.open);
	done(seen);
	signal_(&memory, S, "stale:2", "{\"type\":\"stale\",\"time\":5000}");
	seen = run(&memory, S);
	assert_crashed(seen);
	assert_false(seen->result.open);
	assert_int_equal(seen->result.last_ms, 1200);
	done(seen);
}

/* A waiting prompt does not end the turn before it; its answer does. */
static void test_crash_continued(void **state)
{
	struct memory memory = { 0 };
	struct seen *seen;

	(void)state;
	put_crash(&memory);
	message(&memory, S, "u2", "{\"role\":\"user\",\"created\":2000}");
	seen = run(&memory, S);
	assert_int_equal(count_of(seen, "assistant-response"), 0);
	done(seen);
	message(&memory, S, "a2", "{\"role\":\"assistant\",\"parent\":\"u2\",\"created\":2100}");
	seen = run(&memory, S);
	assert_crashed(seen);
	assert_int_equal(count_of(seen, "turn"), 1);
	assert_int_equal(count_of(seen, "user-message"), 2);
	assert_true(seen->result.open);
	done(seen);
}

static void test_idle_closes_quietly(void **state)
{
	struct memory memory = { 0 };
	struct seen *seen;

	(void)state;
	message(&memory, S, "u1", USER_BODY);
	message(&memory, S, "a1", "{\"role\":\"assistant\",\"parent\":\"u1\",\"created\":1100,\"completed\":1200}");
	part(&memory, S, "a1", "t", "{\"type\":\"tool\",\"tool\":\"bash\",\"status\":\"completed\",\"exit\":3,\"start\":1110,\"end\":1150}");
	seen = run(&memory, S);
	assert_int_equal(count_of(seen, "turn"), 0);
	done(seen);
	signal_(&memory, S, "idle:" S, "{\"type\":\"idle\",\"time\":1200}");
	seen = run(&memory, S);
	assert_int_equal(need(seen, "turn", 0)->level, OBS_DEFAULT);
	assert_int_equal(count_of(seen, "assistant-response"), 0);
	assert_under(need(seen, "tool-bash", 0), need(seen, "turn", 0));
	assert_int_equal(need(seen, "tool-bash", 0)->level, OBS_DEFAULT);
	assert_true(has(need(seen, "tool-bash", 0)->metadata, "\"exit\":3"));
	done(seen);
}

/* As an abort comes over the stream. */
static void test_idle_before_the_end(void **state)
{
	struct memory memory = { 0 };
	struct seen *seen;

	(void)state;
	message(&memory, S, "u1", USER_BODY);
	message(&memory, S, "a1", "{\"role\":\"assistant\",\"parent\":\"u1\",\"created\":1100}");
	part(&memory, S, "a1", "p1", STEP);
	signal_(&memory, S, "error:1", "{\"type\":\"error\",\"time\":1200,\"error\":{\"name\":\"MessageAbortedError\",\"message\":\"Aborted\"}}");
	signal_(&memory, S, "idle:" S, "{\"type\":\"idle\",\"time\":1201}");
	seen = run(&memory, S);
	assert_int_equal(seen->count, 1);
	assert_slice(seen->observations[0].name, "user-message");
	assert_true(seen->result.open);
	done(seen);
	memory.records[1].body = SLICE("{\"role\":\"assistant\",\"parent\":\"u1\",\"created\":1100,\"completed\":1900,"
	                               "\"error\":{\"name\":\"MessageAbortedError\",\"message\":\"Aborted\"}}");
	seen = run(&memory, S);
	assert_int_equal(need(seen, "assistant-response", 0)->level, OBS_ERROR);
	assert_int_equal(need(seen, "assistant-response", 0)->end_ms, 1900);
	assert_int_equal(count_of(seen, "error"), 0);
	assert_int_equal(count_of(seen, "turn"), 1);
	assert_false(seen->result.open);
	done(seen);
}

static void test_fork_copies_are_left_out(void **state)
{
	struct memory memory = { 0 };
	struct seen *seen;

	(void)state;
	put_two_steps(&memory);
	memory.records[0].body = SLICE("{\"created\":1950}");
	message(&memory, S, "u2", "{\"role\":\"user\",\"created\":2000}");
	message(&memory, S, "a3", "{\"role\":\"assistant\",\"parent\":\"u2\",\"created\":2100,\"completed\":2200,\"finish\":\"stop\"}");
	part(&memory, S, "a3", "p9", STEP);
	seen = run(&memory, S);
	assert_int_equal(seen->count, 3);
	assert_slice(need(seen, "assistant-response", 0)->message, "a3");
	done(seen);
}

static void test_removed(void **state)
{
	struct memory memory = { 0 };
	struct seen *seen;

	(void)state;
	put_two_steps(&memory);
	signal_(&memory, S, "removed:a1", "{\"type\":\"removed\",\"message\":\"a1\",\"time\":3000}");
	seen = run(&memory, S);
	assert_int_equal(count_of(seen, "assistant-response"), 1);
	assert_int_equal(count_of(seen, "tool-bash"), 0);
	done(seen);
	signal_(&memory, S, "removed:a2", "{\"type\":\"removed\",\"message\":\"a2\",\"time\":3000}");
	signal_(&memory, S, "removed:u1", "{\"type\":\"removed\",\"message\":\"u1\",\"time\":3000}");
	seen = run(&memory, S);
	assert_int_equal(seen->count, 0);
	done(seen);
}

/* A record is a view: bodies made here live as long as the process. */
static char child_text[16][128];
static unsigned child_used;

static void put_child(struct memory *memory, const char *id, const char *parent, const char *user, const char *answer, const char *link)
{
	char *head = child_text[child_used++ % 16], *reply = child_text[child_used++ % 16];

	snprintf(head, sizeof child_text[0], "{\"parent\":\"%s\",\"title\":\"child\",\"created\":1255}", parent);
	snprintf(reply, sizeof child_text[0], "{\"role\":\"assistant\",\"parent\":\"%s\",\"created\":1270,\"completed\":1380,\"finish\":\"stop\"}", user);
	session(memory, id, parent, head);
	message(memory, id, user, "{\"role\":\"user\",\"created\":1260}");
	message(memory, id, answer, reply);
	part(memory, id, answer, "step", STEP);
	put(memory, RECORD_PART, id, answer, "task", link, "{\"type\":\"tool\",\"tool\":\"task\",\"status\":\"completed\",\"start\":1280,\"end\":1300}");
}

static void put_nested(struct memory *memory)
{
	put_two_steps(memory);
	put(memory, RECORD_PART, S, "a1", "ptask", "ses_2", "{\"type\":\"tool\",\"tool\":\"task\",\"call\":\"c9\",\"status\":\"completed\",\"start\":1250,\"end\":1390}");
	put_child(memory, "ses_2", S, "u21", "a21", "ses_3");
	put_child(memory, "ses_3", "ses_2", "u31", "a31", "");
}

static void test_nested(void **state)
{
	struct memory memory = { 0 };
	struct seen *root, *child, *grandchild;

	(void)state;
	put_nested(&memory);
	root = run(&memory, S);
	child = run(&memory, "ses_2");
	grandchild = run(&memory, "ses_3");
	assert_under(need(child, "turn", 0), need(root, "tool-task", 0));
	assert_under(need(grandchild, "turn", 0), need(child, "tool-task", 0));
	assert_slice(need(grandchild, "turn", 0)->session, S);
	assert_slice(need(grandchild, "turn", 0)->own_session, "ses_3");
	assert_slice(need(grandchild, "turn", 0)->title, "Demo");
	done(root);
	done(child);
	done(grandchild);
}

static void test_unit_turn(void **state)
{
	struct memory memory = { 0 };
	struct seen *root, *grandchild;
	uint8_t whole[16];

	(void)state;
	put_nested(&memory);
	root = run_unit(&memory, S, TRACE_UNIT_TURN);
	grandchild = run_unit(&memory, "ses_3", TRACE_UNIT_TURN);
	assert_memory_equal(need(grandchild, "turn", 0)->trace_id, need(root, "turn", 0)->trace_id, 16);
	assemble_trace_id(SLICE("opencode"), SLICE(S), SLICE_NONE, whole);
	assert_memory_not_equal(need(root, "turn", 0)->trace_id, whole, 16);
	done(root);
	done(grandchild);
}

/* A fork has copied the calling part: the child still hangs under its own parent. */
static void test_forked_link(void **state)
{
	struct memory memory = { 0 }, order = { 0 };
	struct seen *root, *child;

	(void)state;
	put(&memory, RECORD_PART, "ses_fork", "f1", "fork", "ses_2", "{\"type\":\"tool\",\"tool\":\"task\",\"status\":\"completed\"}");
	put_nested(&memory);
	root = run(&memory, S);
	child = run(&memory, "ses_2");
	assert_under(need(child, "turn", 0), need(root, "tool-task", 0));
	done(root);
	done(child);
	/* Without any call known, the turn that ran then. */
	for (size_t i = 0; i < memory.count; i++)
		if (!slice_is(memory.records[i].link, "ses_2"))
			order.records[order.count++] = memory.records[i];
	root = run(&order, S);
	child = run(&order, "ses_2");
	assert_under(need(child, "turn", 0), need(root, "turn", 0));
	done(root);
	done(child);
}

/* It waits for the call that started it, and then hangs under that, whatever parent it names. */
static void test_called(void **state)
{
	struct memory memory = { 0 };
	struct seen *seen;
	uint8_t span[8];

	(void)state;
	session(&memory, "ses_1", "", "{\"created\":1000}");
	session(&memory, "ses_a", "ses_1", "{\"created\":1100,\"parent\":\"ses_1\"}");
	session(&memory, "ses_b", "ses_1", "{\"created\":1200,\"parent\":\"ses_1\",\"called\":true}");
	message(&memory, "ses_b", "u", "{\"role\":\"user\",\"created\":1210}");
	message(&memory, "ses_b", "m", "{\"role\":\"assistant\",\"parent\":\"u\",\"created\":1220,\"completed\":1230,\"finish\":\"stop\"}");
	part(&memory, "ses_b", "m", "p", "{\"type\":\"step-start\"}");
	seen = run(&memory, "ses_b");
	assert_int_equal(seen->count, 0);
	assert_true(seen->result.open);
	done(seen);
	put(&memory, RECORD_PART, "ses_a", "ma", "task", "ses_b", "{\"type\":\"tool\",\"tool\":\"task\",\"status\":\"running\",\"start\":1190}");
	message(&memory, "ses_a", "ma", "{\"role\":\"assistant\",\"parent\":\"ua\",\"created\":1150}");
	seen = run(&memory, "ses_b");
	assemble_span_id(SLICE("opencode"), "tool", SLICE("ses_a"), SLICE("ma"), SLICE("task"), span);
	assert_memory_equal(need(seen, "turn", 0)->parent_id, span, sizeof span);
	assert_slice(need(seen, "turn", 0)->session, "ses_1");
	assert_false(seen->result.open);
	done(seen);
	/* when nothing comes any more it is shown all the same */
	memory.count -= 2;
	signal_(&memory, "ses_b", "stale", "{\"type\":\"stale\",\"time\":9000}");
	seen = run(&memory, "ses_b");
	need(seen, "assistant-response", 0);
	done(seen);
}

static void test_parent_cycle(void **state)
{
	struct memory memory = { 0 };
	struct seen *seen;

	(void)state;
	put_child(&memory, "ses_x", "ses_y", "ux", "ax", "");
	put_child(&memory, "ses_y", "ses_x", "uy", "ay", "");
	seen = run(&memory, "ses_x");
	assert_slice(need(seen, "turn", 0)->session, "ses_y");
	done(seen);
}

static void test_compaction_and_diff(void **state)
{
	struct memory memory = { 0 };
	struct seen *seen;

	(void)state;
	message(&memory, S, "u1", "{\"role\":\"user\",\"created\":1000,\"diffs\":[{\"file\":\"a\",\"additions\":2,\"deletions\":1},{\"file\":\"b\",\"additions\":1,\"deletions\":0}]}");
	part(&memory, S, "u1", "pc", "{\"type\":\"compaction\",\"auto\":true,\"overflow\":false}");
	message(&memory, S, "a1", "{\"role\":\"assistant\",\"parent\":\"u1\",\"created\":1100,\"completed\":1200,\"finish\":\"stop\",\"summary\":true,\"variant\":\"high\"}");
	part(&memory, S, "a1", "ps", STEP);
	seen = run(&memory, S);
	assert_slice(need(seen, "compaction", 0)->metadata, "{\"auto\":true,\"overflow\":false}");
	assert_slice(need(seen, "diff", 0)->metadata, "{\"files\":2,\"additions\":3,\"deletions\":1}");
	assert_int_equal(need(seen, "diff", 0)->start_ms, 1200);
	assert_true(has(need(seen, "assistant-response", 0)->metadata, "\"summary\":true"));
	assert_slice(need(seen, "assistant-response", 0)->model_parameters, "{\"variant\":\"high\"}");
	assert_string_equal(seen->turns[0], "u1");
	done(seen);
}

static void test_files(void **state)
{
	struct memory memory = { 0 };
	struct seen *seen;

	(void)state;
	message(&memory, S, "u1", USER_BODY);
	part(&memory, S, "u1", "p1", "{\"type\":\"text\",\"text\":\"look\"}");
	part(&memory, S, "u1", "p2", "{\"type\":\"file\",\"mime\":\"image/png\",\"filename\":\"a.png\",\"url\":\"data:xxx\"}");
	part(&memory, S, "u1", "p3", "{\"type\":\"agent\",\"name\":\"plan\"}");
	signal_(&memory, S, "stale:1", "{\"type\":\"stale\",\"time\":1000}");
	seen = run(&memory, S);
	assert_slice(need(seen, "user-message", 0)->input, "[{\"type\":\"text\",\"text\":\"look\"},{\"type\":\"file\",\"mime\":\"image/png\",\"filename\":\"a.png\"},"
	             "{\"type\":\"agent\",\"name\":\"plan\"}]");
	assert_int_equal(need(seen, "turn", 0)->level, OBS_DEFAULT);
	done(seen);
}

static void test_without_content(void **state)
{
	struct memory memory = { 0 };
	struct seen *seen;

	(void)state;
	message(&memory, S, "u1", USER_BODY);
	part(&memory, S, "u1", "p0", "{\"type\":\"text\",\"text_bytes\":5}");
	message(&memory, S, "a1", OK_BODY(1100, 1500, "stop"));
	part(&memory, S, "a1", "p1", STEP);
	part(&memory, S, "a1", "p2", "{\"type\":\"tool\",\"tool\":\"bash\",\"call\":\"c\",\"status\":\"error\",\"input_bytes\":9,\"error_bytes\":4,\"start\":1200,\"end\":1300}");
	seen = run(&memory, S);
	assert_int_equal(need(seen, "turn", 0)->input.len, 0);
	assert_int_equal(need(seen, "assistant-response", 0)->input.len, 0);
	assert_int_equal(need(seen, "tool-bash", 0)->level, OBS_ERROR);
	assert_true(has(need(seen, "tool-bash", 0)->metadata, "\"sizes\":{\"input_bytes\":9,\"error_bytes\":4}"));
	done(seen);
}

/* An answer whose question is not known, and one that names none. */
static void test_unknown_user(void **state)
{
	struct memory memory = { 0 };
	struct seen *seen;

	(void)state;
	message(&memory, S, "a1", OK_BODY(1100, 1500, "stop"));
	message(&memory, S, "a2", "{\"role\":\"assistant\",\"created\":2000,\"completed\":2100,\"finish\":\"stop\"}");
	seen = run(&memory, S);
	assert_int_equal(seen->count, 2);
	assert_string_equal(seen->turns[0], "u1");
	assert_string_equal(seen->turns[1], S);
	done(seen);
}

/* The share that was asked for, within what chance allows; what a smaller share takes, a larger one takes too. */
static void a_sample_is_a_share_and_stays_one(void **state)
{
	unsigned some = 0, more = 0, both = 0;
	char id[32];

	(void)state;
	for (int i = 0; i < 10000; i++) {
		bool a, b;
		snprintf(id, sizeof id, "ses_%d", i);
		a = assemble_is_sampled(SLICE("opencode"), slice_of(id), 0.25);
		b = assemble_is_sampled(SLICE("opencode"), slice_of(id), 0.75);
		some += a;
		more += b;
		both += a && b;
		assert_true(assemble_is_sampled(SLICE("opencode"), slice_of(id), 1));
		assert_false(assemble_is_sampled(SLICE("opencode"), slice_of(id), 0));
	}
	assert_in_range(some, 2300, 2700);
	assert_in_range(more, 7300, 7700);
	assert_int_equal(both, some);
	assert_true(assemble_is_sampled(SLICE("opencode"), SLICE("ses_1"), 0.5) || !assemble_is_sampled(SLICE("opencode"), SLICE("ses_1"), 0.25));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_steps), cmocka_unit_test(test_any_order), cmocka_unit_test(test_signals), cmocka_unit_test(test_error),
		cmocka_unit_test(test_stale), cmocka_unit_test(test_crash_continued), cmocka_unit_test(test_idle_closes_quietly),
		cmocka_unit_test(test_idle_before_the_end),
		cmocka_unit_test(test_fork_copies_are_left_out), cmocka_unit_test(test_removed), cmocka_unit_test(test_nested),
		cmocka_unit_test(test_unit_turn), cmocka_unit_test(test_forked_link), cmocka_unit_test(test_called), cmocka_unit_test(test_parent_cycle),
		cmocka_unit_test(test_compaction_and_diff), cmocka_unit_test(test_files), cmocka_unit_test(test_without_content),
		cmocka_unit_test(test_unknown_user),
		cmocka_unit_test(a_sample_is_a_share_and_stays_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
