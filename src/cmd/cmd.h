/* The commands: one row each in cmd.c; what they share stands here. */
#ifndef LF_CMD_CMD_H
#define LF_CMD_CMD_H
#include "base/json.h"
#include "conf/conf.h"
#include <stdio.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_NOTHING = 3, EXIT_LATER = 75 };

struct cmd_option {
	const char *name;  /* without dashes */
	const char *value; /* NULL: a flag; else what stands for its value in the help */
	const char *help;
};
#define CMD_MAX_OPTIONS 12

struct cmd_args {
	const struct command *command;
	const char *values[CMD_MAX_OPTIONS]; /* by row of the option table; "" for a flag that was given */
	char **rest;
	int rest_count;
	const char *config_file;      /* --config */
	const char *overrides[65];    /* --set, NULL-terminated */
	struct conf *conf;
};

struct command {
	const char *name;
	const char *operands; /* "[FILE…|-]" */
	const char *summary;
	const struct cmd_option *options; /* ended by a row without name */
	int (*run)(struct cmd_args *args);
	int max_rest;
};
extern const struct command commands[];
extern const unsigned command_count;
extern const struct cmd_option cmd_common_options[];

/* argv[0]. */
extern const char *cmd_program;
/* Finds the command in argv[1] and runs it. Returns the exit status. */
int cmd_main(int argc, char **argv);
/* The value of an option ("" for a given flag), NULL when it was not given. */
const char *cmd_value(const struct cmd_args *args, const char *name);
bool cmd_flag(const struct cmd_args *args, const char *name);
/* "lfspool: …" on standard error. Returns EXIT_USAGE. */
int cmd_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Says what failed; returns the exit status that fits the code. */
int cmd_fail(const struct err *err);
/* A whole number in a range; 0 or LF_EINVAL with words. */
int cmd_number(const char *option, const char *text, int64_t min, int64_t max, int64_t *ret, struct err *err);
/* Writes text that others wrote, line by line, with all that could steer a terminal made harmless (base/text.h). */
void cmd_print(FILE *out, struct slice text);
/* Writes our own output as it is. */
void cmd_write(const struct buf *out);
/* "1.2 MB". */
void cmd_format_bytes(uint64_t bytes, char out[32]);

/* Reads the request's result: parses reply into doc, returns the node of "result". */
int32_t cmd_result(struct json_doc *doc, const struct buf *reply);
/* Asks the daemon or does it here (daemon/request.h). */
int cmd_request(const struct cmd_args *args, bool read_only, struct slice request, int fd, struct buf *reply, struct err *err);

int cmd_run(struct cmd_args *args);
int cmd_ingest(struct cmd_args *args);
int cmd_backfill(struct cmd_args *args);
int cmd_flush(struct cmd_args *args);
int cmd_status(struct cmd_args *args);
int cmd_metrics(struct cmd_args *args);
int cmd_purge(struct cmd_args *args);
int cmd_show(struct cmd_args *args);
int cmd_export(struct cmd_args *args);
int cmd_redact(struct cmd_args *args);
int cmd_score(struct cmd_args *args);
int cmd_config(struct cmd_args *args);
int cmd_sink(struct cmd_args *args);
int cmd_demo(struct cmd_args *args);
int cmd_dead(struct cmd_args *args);
int cmd_verify(struct cmd_args *args);
int cmd_doctor(struct cmd_args *args);
int cmd_complete(struct cmd_args *args);

#endif
