/* lfspool redact: text or JSON through the rules, to see what they do. */
#include "cmd/cmd.h"
#include "base/file.h"
#include "daemon/work.h"
#include <unistd.h>

#define MAX_INPUT_BYTES (256u << 20)

static int read_input(const char *name, struct buf *input, struct err *err)
{
	bool standard_input = strcmp(name, "-") == 0;
	int fd = standard_input ? STDIN_FILENO : file_open_read(name, err);
	ssize_t n = 0;

	if (fd < 0)
		return fd;
	for (char *room; (room = buf_reserve(input, 65536)) != NULL && (n = read(fd, room, 65536)) > 0;)
		input->len += (size_t)n;
	if (!standard_input)
		close(fd);
	if (input->failed)
		return err_set(err, LF_ELIMIT, "%s: larger than %u MiB", name, MAX_INPUT_BYTES >> 20);
	return n < 0 ? err_set(err, LF_EIO, "%s: cannot be read", name) : 0;
}

static bool is_json(struct json_doc *doc, struct slice text)
{
	struct err ignored;

	return text.len > 0 && (text.ptr[0] == '{' || text.ptr[0] == '[') && json_parse(doc, text, 0, &ignored) == 0;
}

static struct slice next_line(struct slice *rest)
{
	const char *nl = memchr(rest->ptr, '\n', rest->len);
	struct slice line = { rest->ptr, nl ? (size_t)(nl - rest->ptr) : rest->len };
	size_t used = line.len + (nl != NULL);

	rest->ptr += used;
	rest->len -= used;
	return line;
}

static bool all_lines_json(struct json_doc *doc, struct slice rest)
{
	while (rest.len > 0) {
		struct slice line = next_line(&rest);
		if (line.len > 0 && !is_json(doc, line))
			return false;
	}
	return true;
}

static int filter_lines(struct redactor *redactor, struct slice rest, struct buf *out, struct err *err)
{
	int rc = 0;

	while (rc == 0 && rest.len > 0) {
		struct slice line = next_line(&rest);
		if (line.len > 0)
			rc = redact_json(redactor, line, out, err);
		buf_char(out, '\n');
	}
	return rc;
}

/* Lines of JSON one by one, a document of JSON as one, everything else as one text: a key can span lines. */
static int filter(struct redactor *redactor, struct slice input, struct buf *out, struct err *err)
{
	struct json_doc doc;
	int rc;

	json_doc_init(&doc);
	if (all_lines_json(&doc, input))
		rc = filter_lines(redactor, input, out, err);
	else if (is_json(&doc, input))
		rc = redact_json(redactor, input, out, err);
	else
		rc = redact_text(redactor, input, out, err);
	json_doc_done(&doc);
	return rc;
}

static void explain(void *context, const char *rule, size_t offset, size_t length)
{
	(void)context;
	printf("%s offset %zu length %zu\n", rule, offset, length);
}

static int run(struct cmd_args *args, struct work *work, struct err *err)
{
	struct redactor *redactor = redactor_new(work->rules);
	struct buf input, out;
	int rc;

	buf_init(&input, MAX_INPUT_BYTES);
	buf_init(&out, 0);
	rc = read_input(args->rest_count ? args->rest[0] : "-", &input, err);
	if (cmd_flag(args, "explain"))
		redactor_explain(redactor, explain, NULL);
	if (rc == 0)
		rc = filter(redactor, buf_view(&input), &out, err);
	if (rc == 0 && !cmd_flag(args, "explain") && out.len > 0)
		fwrite(out.data, 1, out.len, stdout);
	buf_done(&input);
	buf_done(&out);
	redactor_free(redactor);
	return rc;
}

int cmd_redact(struct cmd_args *args)
{
	struct err err = { 0 };
	struct work work;
	int rc = work_init(&work, args->conf, &err);

	if (rc == 0)
		rc = run(args, &work, &err);
	work_done(&work);
	return rc == 0 ? EXIT_DONE : cmd_fail(&err);
}
