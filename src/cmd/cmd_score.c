/* lfspool score: what a person says of a trace or a session. */
#include "cmd/cmd.h"
#include "daemon/flusher/score.h"

static void print_json(const struct score *score, const struct score_sent *sent)
{
	const struct { const char *key, *value; } texts[] = {
		{ "id", sent->id }, { "on", sent->on }, { "target", sent->target }, { "name", score->name }, { "type", sent->type },
	};
	struct json_writer out;
	struct buf text;

	buf_init(&text, 0);
	json_writer_init(&out, &text);
	jw_object(&out);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		jw_key(&out, texts[i].key);
		jw_text(&out, texts[i].value);
	}
	jw_key(&out, "redacted");
	jw_bool(&out, sent->redacted);
	jw_object_close(&out);
	puts(text.data);
	buf_done(&text);
}

int cmd_score(struct cmd_args *args)
{
	struct score score = { .name = cmd_flag(args, "name") ? cmd_value(args, "name") : "user-feedback", .comment = cmd_value(args, "comment") };
	struct score_sent sent;
	struct err err = { 0 };

	if (args->rest_count != 2)
		return cmd_usage("score: which trace or session, and what value?");
	score.target = args->rest[0];
	score.value = args->rest[1];
	if (score_send(args->conf, &score, &sent, &err) != 0)
		return cmd_fail(&err);
	if (sent.redacted)
		fputs("lfspool: secrets were taken out of the score's words\n", stderr);
	if (cmd_flag(args, "json")) {
		print_json(&score, &sent);
	} else {
		printf("scored %s ", sent.on);
		cmd_print(stdout, slice_of(sent.target));
		fputs(": ", stdout);
		cmd_print(stdout, slice_of(score.name));
		printf(" (%s)\n", sent.type);
	}
	return EXIT_DONE;
}
