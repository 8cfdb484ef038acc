/*
 * lfspool complete: what may stand where the last word is; the shells' completions ask this (contrib/completion). A line is
 * "candidate TAB help"; ":file" or ":dir" says that such a name may stand there too. A candidate that ends in = goes on.
 */
#include "cmd/cmd.h"
#include <ctype.h>
#include <stdlib.h>

struct typed {
	const char *lead; /* put before each candidate: "--profile=" */
	const char *word; /* what candidates begin with */
};

static void offer(const struct typed *typed, const char *before, struct slice name, const char *after, const char *help)
{
	struct buf line;

	buf_init(&line, 0);
	buf_format(&line, "%s%.*s%s", before, (int)name.len, name.ptr, after);
	if (strncmp(line.data, typed->word, strlen(typed->word)) == 0)
		printf("%s%s%s%s\n", typed->lead, line.data, help ? "\t" : "", help ? help : "");
	buf_done(&line);
}

/* The words of "a|b|c"; in "[list|show ID|-]" those that are meant as they stand. */
static void offer_choices(const struct typed *typed, const char *before, const char *choices)
{
	for (const char *at = choices + strspn(choices, "["); *at;) {
		size_t len = strcspn(at, "| []"), whole = strcspn(at, "|");
		if (len && (islower((unsigned char)*at) || isdigit((unsigned char)*at)))
			offer(typed, before, (struct slice){ at, len }, "", NULL);
		at += whole + (at[whole] == '|');
	}
}

/* NAME=VALUE of the configuration; of a list, its last item. */
static void offer_setting(const struct typed *typed)
{
	const char *eq = strchr(typed->word, '=');

	for (unsigned i = 0; i < conf_option_count; i++) {
		const struct conf_option *option = &conf_options[i];
		size_t len = strlen(option->name);
		if (!eq) {
			offer(typed, "", slice_of(option->name), "=", option->help);
		} else if (strncmp(typed->word, option->name, len) == 0 && typed->word + len == eq) {
			const char *comma = option->type == CONF_LIST ? strrchr(eq, ',') : NULL;
			char *before = strndup(typed->word, (size_t)((comma ? comma : eq) + 1 - typed->word));
			if (before && (option->choices || option->type == CONF_BOOL))
				offer_choices(typed, before, option->choices ? option->choices : "true|false");
			if (option->type == CONF_PATH)
				puts(":file");
			free(before);
		}
	}
}

static void offer_value(const struct typed *typed, const char *value)
{
	if (strcmp(value, "NAME=VALUE") == 0)
		offer_setting(typed);
	else if (strcmp(value, "FILE") == 0)
		puts(":file");
	else if (strcmp(value, "DIR") == 0)
		puts(":dir");
	else if (strchr(value, '|'))
		offer_choices(typed, "", value);
}

static void offer_options(const struct typed *typed, const struct cmd_option *table)
{
	for (; table->name; table++)
		offer(typed, "--", slice_of(table->name), "", table->help);
}

static void offer_operands(const struct typed *typed, const struct command *command, bool first)
{
	if (first)
		offer_choices(typed, "", command->operands);
	if (strstr(command->operands, "FILE"))
		puts(":file");
}

static void offer_commands(const struct typed *typed)
{
	for (unsigned i = 0; i < command_count; i++)
		offer(typed, "", slice_of(commands[i].name), "", commands[i].summary);
	offer(typed, "", slice_of("--help"), "", "the commands");
	offer(typed, "", slice_of("--version"), "", "the version");
}

static const struct cmd_option *option_of(const struct command *command, const char *word)
{
	const struct cmd_option *const tables[] = { command->options, cmd_common_options };
	size_t len = strcspn(word, "=");

	for (size_t t = 0; strncmp(word, "--", 2) == 0 && t < 2; t++)
		for (const struct cmd_option *row = tables[t]; row->name; row++)
			if (strlen(row->name) == len - 2 && strncmp(row->name, word + 2, len - 2) == 0)
				return row;
	return NULL;
}

/* words: those behind the command, the last is the one that is being typed. */
static void complete(const struct command *command, char **words, int count)
{
	char *last = words[count - 1], *eq = strchr(last, '=');
	const struct cmd_option *option, *awaiting = NULL;
	bool only_operands = false, first = true;

	for (int i = 0; i < count - 1; i++) {
		option = awaiting || only_operands ? NULL : option_of(command, words[i]);
		only_operands |= !awaiting && strcmp(words[i], "--") == 0;
		first &= awaiting || option || only_operands;
		awaiting = option && option->value && !strchr(words[i], '=') ? option : NULL;
	}
	option = option_of(command, last);
	if (awaiting) {
		offer_value(&(struct typed){ "", last }, awaiting->value);
	} else if (!only_operands && eq && option && option->value) {
		char *lead = strndup(last, (size_t)(eq + 1 - last));
		offer_value(&(struct typed){ lead ? lead : "", eq + 1 }, option->value);
		free(lead);
	} else if (!only_operands && *last == '-') {
		offer_options(&(struct typed){ "", last }, command->options);
		offer_options(&(struct typed){ "", last }, cmd_common_options);
	} else {
		offer_operands(&(struct typed){ "", last }, command, first);
	}
}

int cmd_complete(struct cmd_args *args)
{
	if (args->rest_count < 2) {
		offer_commands(&(struct typed){ "", args->rest_count ? args->rest[0] : "" });
		return EXIT_DONE;
	}
	for (unsigned i = 0; i < command_count; i++)
		if (strcmp(commands[i].name, args->rest[0]) == 0)
			complete(&commands[i], args->rest + 1, args->rest_count - 1);
	return EXIT_DONE;
}
