/* What the transcripts must count; see transcripts.h. */
#include "transcripts.h"

const char *const truth_tools[TRUTH_TOOLS] = { "Bash", "Read", "Grep", "Edit", "WebFetch", "Agent" };
const char *const truth_models[TRUTH_MODELS] = { "claude-sonnet-4-6", "claude-haiku-4-5-20251001", "claude-opus-4-1" };

static void add_up(struct truth *total, const struct truth *truth)
{
	total->prompts += truth->prompts;
	total->generations += truth->generations;
	for (int i = 0; i < TOKENS_COUNT; i++)
		total->tokens[i] += truth->tokens[i];
}

static void write_tokens(FILE *out, const struct truth *truth)
{
	fprintf(out, "\"tokens\":{\"input\":%" PRIu64 ",\"output\":%" PRIu64 ",\"cacheCreation\":%" PRIu64 ",\"cacheRead\":%" PRIu64 "}", truth->tokens[TOKENS_INPUT],
	        truth->tokens[TOKENS_OUTPUT], truth->tokens[TOKENS_WRITE], truth->tokens[TOKENS_READ]);
}

static void write_models(FILE *out, const struct truth *truth)
{
	const char *before = "";

	fprintf(out, "\"generationsByModel\":{");
	for (int i = 0; i < TRUTH_MODELS; i++) {
		if (truth->by_model[i] == 0)
			continue;
		fprintf(out, "%s\"%s\":%u", before, truth_models[i], truth->by_model[i]);
		before = ",";
	}
	fprintf(out, "}");
}

static void write_tools(FILE *out, const struct truth *truth)
{
	fprintf(out, "\"toolCalls\":{");
	for (int i = 0; i < TRUTH_TOOLS; i++)
		fprintf(out, "%s\"%s\":{\"ok\":%u,\"error\":%u,\"unanswered\":%u}", i ? "," : "", truth_tools[i], truth->ok[i], truth->failed[i], truth->unanswered[i]);
	fprintf(out, "}");
}

void truth_add(struct truth_file *file, const char *path, const char *session, const char *agent, const struct truth *truth)
{
	FILE *out = file->out;

	if (!path) { /* the end */
		fprintf(out, "},\n\"totals\":{\"userPrompts\":%u,\"generations\":%u,", file->total.prompts, file->total.generations);
		write_tokens(out, &file->total);
		fprintf(out, "}}\n");
		return;
	}
	fprintf(out, "%s\"%s\":{\"sessionId\":\"%s\",\"agentId\":", file->first ? "{\"files\":{\n" : ",\n", path, session);
	fprintf(out, agent ? "\"%s\"," : "null,", agent);
	fprintf(out, "\"userPrompts\":%u,\"generations\":%u,\"apiErrorMessages\":%u,\"compactions\":%u,\"costUSD\":%" PRIu64 ".%04u,", truth->prompts,
	        truth->generations, truth->api_errors, truth->compactions, truth->cost / 10000, (unsigned)(truth->cost % 10000));
	write_models(out, truth);
	fprintf(out, ",");
	write_tools(out, truth);
	fprintf(out, ",");
	write_tokens(out, truth);
	fprintf(out, "}");
	file->first = false;
	add_up(&file->total, truth);
}
