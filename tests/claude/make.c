/* Random sessions; see transcripts.h. A line is made as text: what it holds needs no escapes but those that stand here. */
#include "transcripts.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define MAX_DEPTH 2 /* of sub-agents */

struct maker {
	struct dice dice;
	const char *dir;
	struct truth_file truth;
	int64_t base_ms;
	uint64_t ids;       /* that were given out */
	uint64_t seed;
	unsigned agent_in;  /* one call of so many starts a sub-agent */
};

/* One chain of lines: a session's or a sub-agent's. */
struct chain {
	struct maker *maker;
	FILE *out;
	char session[40], agent[24], last[40]; /* agent "": the session's own; last: id of the line before */
	char branch[16];
	int64_t now_ms;
	bool priced, sidechain; /* an old version, which said what an answer cost; inside another file */
	unsigned depth;
	char *path;
	struct truth truth;
};

struct answer {
	char id[40], request[40];
	unsigned model, tool, calls;
	uint64_t counts[TOKENS_COUNT];
	unsigned cost, lines;
};

static void id_next(struct maker *maker, const char *start, char *out, size_t n)
{
	snprintf(out, n, "%s%08" PRIx64 "%08" PRIx64, start, maker->seed & 0xffffffff, ++maker->ids);
}

static void uuid_next(struct maker *maker, char out[40])
{
	uint64_t a = ++maker->ids, b = maker->seed;

	snprintf(out, 40, "%08" PRIx64 "-%04" PRIx64 "-4abc-8def-%012" PRIx64, b & 0xffffffff, (b >> 32) & 0xffff, a);
}

static FILE *create(const char *path)
{
	FILE *out = fopen(path, "w");

	if (!out) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(1);
	}
	return out;
}

static char *format(const char *text, ...) __attribute__((format(printf, 1, 2)));
static char *format(const char *text, ...)
{
	char *out = NULL;
	va_list ap;

	va_start(ap, text);
	if (vasprintf(&out, text, ap) < 0)
		abort();
	va_end(ap);
	return out;
}

static void words(struct chain *chain, unsigned bytes)
{
	static const char *const list[] = { "the", "parser", "reads", "each", "line", "once", "and", "w\\u00e4hlt", "\\\"quoted\\\"", "caf\xc3\xa9", "a\\\\b",
		                                "src/main.c:17", "returns", "0;", "\\n", "\\t", "\xf0\x9f\x8d\xa3" };
	unsigned written = 0;

	while (written < bytes)
		written += (unsigned)fprintf(chain->out, "%s ", list[dice_below(&chain->maker->dice, sizeof list / sizeof list[0])]);
}

/* ---- lines ---- */

static void iso(int64_t ms, char out[40])
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;

	gmtime_r(&s, &tm);
	snprintf(out + strftime(out, 32, "%Y-%m-%dT%H:%M:%S", &tm), 8, ".%03uZ", (unsigned)(ms % 1000) % 1000);
}

/* The envelope; what is particular follows, and then line_end(). */
static void line_begin(struct chain *chain, const char *type)
{
	char id[40], time[40];
	FILE *out = chain->out;

	uuid_next(chain->maker, id);
	chain->now_ms += 100 + dice_below(&chain->maker->dice, 1500);
	iso(chain->now_ms, time);
	fprintf(out, chain->last[0] ? "{\"parentUuid\":\"%s\"" : "{\"parentUuid\":null", chain->last);
	fprintf(out, ",\"isSidechain\":%s", chain->agent[0] || chain->sidechain ? "true" : "false");
	if (chain->agent[0] && !chain->sidechain)
		fprintf(out, ",\"agentId\":\"%s\"", chain->agent);
	fprintf(out, ",\"userType\":\"external\",\"cwd\":\"/home/dev/src/gen\",\"sessionId\":\"%s\",\"version\":\"2.1.0\",\"gitBranch\":\"%s\",\"type\":\"%s\",\"uuid\":\"%s\",\"timestamp\":\"%s\"",
	        chain->session, chain->branch, type, id, time);
	memcpy(chain->last, id, sizeof id);
}

static void line_end(struct chain *chain)
{
	fputs(dice_percent(&chain->maker->dice, 2) ? "}\r\n" : "}\n", chain->out);
}

/* What stands between, and means nothing. */
static void noise(struct chain *chain)
{
	static const char *const rows[] = {
		"{\"type\":\"file-history-snapshot\",\"snapshot\":{\"trackedFileBackups\":{}},\"isSnapshotUpdate\":false,\"messageId\":",
		"{\"type\":\"queue-operation\",\"operation\":\"enqueue\",\"sessionId\":", "{\"type\":\"tag\",\"sessionId\":",
		"{\"type\":\"last-prompt\",\"sessionId\":", "{\"type\":\"of-tomorrow\",\"x\":[{}],\"sessionId\":",
	};

	if (!dice_percent(&chain->maker->dice, 10))
		return;
	fprintf(chain->out, "%s\"%s\"}\n", rows[dice_below(&chain->maker->dice, sizeof rows / sizeof rows[0])], chain->session);
}

static void prompt(struct chain *chain, const char *text)
{
	noise(chain);
	line_begin(chain, "user");
	if (dice_percent(&chain->maker->dice, 50))
		fprintf(chain->out, ",\"message\":{\"role\":\"user\",\"content\":\"%s\"}", text);
	else
		fprintf(chain->out, ",\"message\":{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"%s\"}]}", text);
	line_end(chain);
	chain->truth.prompts++;
}

/* ---- answers ---- */

/* One line of an answer: the block is written by the caller. The usage grows from line to line; the last has all of it. */
static void answer_begin(struct chain *chain, struct answer *answer)
{
	line_begin(chain, "assistant");
	if (answer->request[0])
		fprintf(chain->out, ",\"requestId\":\"%s\"", answer->request);
	if (chain->priced)
		fprintf(chain->out, ",\"costUSD\":0.%04u", answer->cost);
	fprintf(chain->out, ",\"message\":{\"id\":\"%s\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"%s\",\"content\":[", answer->id, truth_models[answer->model]);
	answer->lines++;
}

static void answer_end(struct chain *chain, const struct answer *answer, const char *stop, bool last)
{
	FILE *out = chain->out;
	uint64_t output = last ? answer->counts[TOKENS_OUTPUT] : 1 + dice_below(&chain->maker->dice, (unsigned)answer->counts[TOKENS_OUTPUT]);

	fprintf(out, "],\"stop_reason\":");
	fprintf(out, last || dice_percent(&chain->maker->dice, 50) ? "\"%s\"" : "null", stop);
	fprintf(out, ",\"usage\":{\"input_tokens\":%" PRIu64 ",\"output_tokens\":%" PRIu64 ",\"cache_creation_input_tokens\":%" PRIu64
	             ",\"cache_read_input_tokens\":%" PRIu64 ",\"service_tier\":\"standard\"}}",
	        answer->counts[TOKENS_INPUT], output, answer->counts[TOKENS_WRITE], answer->counts[TOKENS_READ]);
	line_end(chain);
}

static void text_line(struct chain *chain, struct answer *answer, const char *type, const char *field, unsigned bytes, const char *stop, bool last)
{
	answer_begin(chain, answer);
	fprintf(chain->out, "{\"type\":\"%s\",\"%s\":\"", type, field);
	words(chain, bytes);
	fprintf(chain->out, "\"}");
	answer_end(chain, answer, stop, last);
}

static void count_answer(struct chain *chain, const struct answer *answer)
{
	chain->truth.generations++;
	chain->truth.by_model[answer->model]++;
	for (int i = 0; i < TOKENS_COUNT; i++)
		chain->truth.tokens[i] += answer->counts[i];
	if (chain->priced)
		chain->truth.cost += answer->cost;
}

static void answer_new(struct chain *chain, struct answer *answer)
{
	struct dice *dice = &chain->maker->dice;

	*answer = (struct answer){ .model = dice_below(dice, TRUTH_MODELS), .cost = 1 + dice_below(dice, 900) };
	id_next(chain->maker, "msg_01GEN", answer->id, sizeof answer->id);
	if (dice_percent(dice, 80))
		id_next(chain->maker, "req_01GEN", answer->request, sizeof answer->request);
	answer->counts[TOKENS_INPUT] = 1 + dice_below(dice, 50);
	answer->counts[TOKENS_OUTPUT] = 1 + dice_below(dice, 3000);
	answer->counts[TOKENS_WRITE] = dice_percent(dice, 30) ? 0 : dice_below(dice, 9000);
	answer->counts[TOKENS_READ] = dice_percent(dice, 20) ? 0 : dice_below(dice, 100000);
}

static void sub_agent(struct chain *parent, const char *agent, const char *text, bool inside);

/* agent: that the call started, "" for none; its lines stand in a file of their own unless inside. */
static void result_line(struct chain *chain, const char *call, unsigned tool, const char *agent, bool inside)
{
	struct dice *dice = &chain->maker->dice;
	bool failed = dice_percent(dice, 15);

	if (!agent[0] && dice_percent(dice, 3)) { /* which call started a sub-agent is known from its result */
		chain->truth.unanswered[tool]++;
		return;
	}
	line_begin(chain, "user");
	fprintf(chain->out, ",\"message\":{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"%s\",\"is_error\":%s,\"content\":\"", call, failed ? "true" : "false");
	words(chain, 20 + dice_below(dice, dice_percent(dice, 5) ? 60000 : 3000));
	fprintf(chain->out, "\"}]},\"toolUseResult\":{\"status\":\"completed\"");
	if (agent[0] && !inside)
		fprintf(chain->out, ",\"agentId\":\"%s\"", agent);
	fprintf(chain->out, "}");
	line_end(chain);
	if (failed)
		chain->truth.failed[tool]++;
	else
		chain->truth.ok[tool]++;
}

struct call {
	char id[40], agent[24], text[64];
	unsigned tool;
	bool inside;
};

static void call_line(struct chain *chain, struct answer *answer, struct call *call, bool last)
{
	struct dice *dice = &chain->maker->dice;

	*call = (struct call){ .tool = dice_below(dice, TRUTH_TOOLS - 1) };
	if (chain->depth < MAX_DEPTH && dice_below(dice, chain->maker->agent_in) == 0)
		call->tool = TRUTH_TOOLS - 1;
	id_next(chain->maker, "toolu_01GEN", call->id, sizeof call->id);
	answer_begin(chain, answer);
	fprintf(chain->out, "{\"type\":\"tool_use\",\"id\":\"%s\",\"name\":\"%s\",\"input\":{", call->id, truth_tools[call->tool]);
	if (call->tool == TRUTH_TOOLS - 1) {
		/* the old way, lines in the same file, knew no sub-agents of sub-agents */
		call->inside = chain->depth == 0 && dice_percent(dice, 25);
		snprintf(call->text, sizeof call->text, "Look into task %" PRIu64, ++chain->maker->ids);
		id_next(chain->maker, "a", call->agent, sizeof call->agent);
		fprintf(chain->out, "\"description\":\"a task\",\"prompt\":\"%s\",\"subagent_type\":\"Explore\"}}", call->text);
	} else {
		fprintf(chain->out, "\"command\":\"");
		words(chain, 10 + dice_below(dice, 200));
		fprintf(chain->out, "\"}}");
	}
	answer_end(chain, answer, "tool_use", last);
}

/* A step that calls tools, and their results. */
static void working_step(struct chain *chain)
{
	struct dice *dice = &chain->maker->dice;
	struct answer answer;
	struct call calls[3];
	unsigned count = 1 + dice_below(dice, 3);

	answer_new(chain, &answer);
	if (dice_percent(dice, 30))
		text_line(chain, &answer, "thinking", "thinking", 20 + dice_below(dice, 800), "tool_use", false);
	if (dice_percent(dice, 40))
		text_line(chain, &answer, "text", "text", 20 + dice_below(dice, 300), "tool_use", false);
	for (unsigned i = 0; i < count; i++)
		call_line(chain, &answer, &calls[i], i + 1 == count);
	count_answer(chain, &answer);
	for (unsigned i = 0; i < count; i++) {
		if (calls[i].agent[0])
			sub_agent(chain, calls[i].agent, calls[i].text, calls[i].inside);
		result_line(chain, calls[i].id, calls[i].tool, calls[i].agent, calls[i].inside);
		noise(chain);
	}
}

static void last_step(struct chain *chain)
{
	struct dice *dice = &chain->maker->dice;
	struct answer answer;

	answer_new(chain, &answer);
	if (dice_percent(dice, 30))
		text_line(chain, &answer, "thinking", "thinking", 20 + dice_below(dice, 800), "end_turn", false);
	text_line(chain, &answer, "text", "text", 20 + dice_below(dice, 1500), "end_turn", true);
	count_answer(chain, &answer);
}

static void api_error(struct chain *chain)
{
	line_begin(chain, "assistant");
	fprintf(chain->out, ",\"isApiErrorMessage\":true,\"message\":{\"id\":\"x\",\"role\":\"assistant\",\"model\":\"<synthetic>\",\"content\":[{\"type\":\"text\",\"text\":\"API Error: 529 "
	                    "Overloaded\"}],\"usage\":{\"input_tokens\":0,\"output_tokens\":0}}");
	line_end(chain);
	chain->truth.api_errors++;
}

static void compaction(struct chain *chain)
{
	line_begin(chain, "system");
	fprintf(chain->out, ",\"subtype\":\"compact_boundary\",\"compactMetadata\":{\"trigger\":\"auto\",\"preTokens\":155000}");
	line_end(chain);
	line_begin(chain, "user");
	fprintf(chain->out, ",\"isCompactSummary\":true,\"message\":{\"role\":\"user\",\"content\":\"This session goes on from another.\"}");
	line_end(chain);
	chain->truth.compactions++;
}

static void turn(struct chain *chain, const char *text)
{
	struct dice *dice = &chain->maker->dice;

	prompt(chain, text);
	for (unsigned steps = dice_below(dice, chain->depth ? 2 : 4); steps > 0; steps--)
		working_step(chain);
	if (chain->depth == 0 && dice_percent(dice, 8))
		api_error(chain);
	else
		last_step(chain);
	if (chain->depth == 0 && dice_percent(dice, 8))
		compaction(chain);
	if (chain->depth == 0 && dice_percent(dice, 50)) {
		line_begin(chain, "system");
		fprintf(chain->out, ",\"subtype\":\"turn_duration\",\"durationMs\":1000");
		line_end(chain);
	}
}

/* ---- sub-agents ---- */

static void sub_agent(struct chain *parent, const char *agent, const char *text, bool inside)
{
	struct chain chain = *parent;
	char *root = strstr(parent->path, "/subagents/") ? strndup(parent->path, (size_t)(strstr(parent->path, "/subagents/") - parent->path))
	                                                 : strndup(parent->path, strlen(parent->path) - 6);
	char *dir = format("%s/subagents", root);

	chain.depth++;
	chain.truth = (struct truth){ 0 };
	chain.sidechain = inside;
	chain.last[0] = '\0';
	snprintf(chain.agent, sizeof chain.agent, "%s", agent);
	chain.path = inside ? format("%s#%s", parent->path, agent) : format("%s/agent-%s.jsonl", dir, agent);
	if (!inside) {
		mkdir(root, 0755);
		mkdir(dir, 0755);
		chain.out = create(chain.path);
	}
	turn(&chain, text);
	chain.truth.prompts = 0; /* a sub-agent's is none of the user's */
	if (!inside)
		fclose(chain.out);
	parent->now_ms = chain.now_ms;
	truth_add(&chain.maker->truth, chain.path + strlen(chain.maker->dir) + 1, chain.session, agent, &chain.truth);
	free(chain.path);
	free(dir);
	free(root);
}

/* ---- sessions ---- */

/* The lines of from again under another id: as a resume of old versions writes them, or as a fork does. Whole lines only. */
static void copy_lines(struct chain *chain, const char *from, const char *session, bool fork, unsigned lines)
{
	FILE *in = fopen(from, "r");
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while (in && lines-- > 0 && (n = getline(&line, &cap, in)) > 0) {
		char *at = strstr(line, session), *uuid = strstr(line, "\"uuid\":\"");
		if (!at || !uuid || !strstr(line, "\"parentUuid\"")) {
			fputs(line, chain->out);
			continue;
		}
		fprintf(chain->out, "%.*s%s", (int)(at - line), line, chain->session);
		if (fork)
			fprintf(chain->out, "\",\"forkedFrom\":{\"sessionId\":\"%s\",\"messageUuid\":\"%.36s\"}", session, uuid + 8);
		fputs(at + strlen(session) + (fork ? 1 : 0), chain->out);
		snprintf(chain->last, sizeof chain->last, "%.36s", uuid + 8);
	}
	free(line);
	if (in)
		fclose(in);
}

static void begin(struct chain *chain, struct maker *maker, const char *project)
{
	struct dice *dice = &maker->dice;

	*chain = (struct chain){ .maker = maker, .priced = dice_percent(dice, 20), .now_ms = maker->base_ms + dice_below(dice, 3600000) };
	uuid_next(maker, chain->session);
	snprintf(chain->branch, sizeof chain->branch, "topic-%u", dice_below(dice, 100));
	chain->path = format("%s/projects/%s/%s.jsonl", maker->dir, project, chain->session);
	chain->out = create(chain->path);
}

static void end(struct chain *chain)
{
	fclose(chain->out);
	truth_add(&chain->maker->truth, chain->path + strlen(chain->maker->dir) + 1, chain->session, NULL, &chain->truth);
	free(chain->path);
}

static void session(struct maker *maker, unsigned number, uint64_t bytes)
{
	char project[32], text[64], first[1024], session_id[40];
	struct chain chain, derived;
	unsigned turns = 0, way = dice_below(&maker->dice, 4);

	snprintf(project, sizeof project, "-home-dev-src-%u", number % 20);
	begin(&chain, maker, project);
	do {
		snprintf(text, sizeof text, "Task %u.%u: mend it", number, ++turns);
		turn(&chain, text);
		fflush(chain.out);
	} while ((uint64_t)ftell(chain.out) < bytes);
	snprintf(first, sizeof first, "%s", chain.path);
	memcpy(session_id, chain.session, sizeof session_id);
	end(&chain);
	if (way < 2)
		return;
	begin(&derived, maker, "derived");
	derived.now_ms = chain.now_ms + 1000;
	derived.priced = chain.priced;
	copy_lines(&derived, first, session_id, way == 3, way == 3 ? UINT32_MAX : 3 + dice_below(&maker->dice, 30));
	turn(&derived, "And now the rest");
	end(&derived);
}

int transcripts_make(const char *dir, uint64_t seed, unsigned sessions, uint64_t bytes)
{
	struct maker maker = { .dice = { seed }, .dir = dir, .seed = seed, .base_ms = ((int64_t)time(NULL) - 8 * 3600) * 1000 };
	char *path = format("%s/projects", dir), *truth = format("%s/truth.json", dir), *project;

	mkdir(dir, 0755);
	mkdir(path, 0755);
	for (unsigned i = 0; i < 21; i++) {
		project = i == 20 ? format("%s/derived", path) : format("%s/-home-dev-src-%u", path, i);
		if (i == 20 || i < sessions)
			mkdir(project, 0755);
		free(project);
	}
	maker.agent_in = bytes < 100000 ? 6 : 200;
	maker.truth = (struct truth_file){ .out = create(truth), .first = true };
	for (unsigned i = 0; i < sessions; i++)
		session(&maker, i, bytes);
	truth_add(&maker.truth, NULL, NULL, NULL, NULL);
	free(path);
	free(truth);
	return fclose(maker.truth.out) == 0 ? 0 : 1;
}
