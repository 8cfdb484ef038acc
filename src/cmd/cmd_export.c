/* lfspool export: the records as JSON lines, as `lfspool ingest` reads them back. */
#include "cmd/cmd.h"
#include "spool.h"

static int print_record(void *context, const struct clean_record_view *record, struct err *err)
{
	struct buf *line = context;

	buf_clear(line);
	if (clean_record_json(record, line) != 0 || buf_char(line, '\n') != 0)
		return err_set(err, line->failed, "record %lld is too large", (long long)record->seq);
	if (fwrite(line->data, 1, line->len, stdout) != line->len)
		return err_set(err, LF_EIO, "standard output cannot be written");
	return 0;
}

int cmd_export(struct cmd_args *args)
{
	struct spool *spool = NULL;
	struct err err = { 0 };
	struct buf line;
	int rc = spool_open_reader(conf_string(args->conf, "spool_dir"), &spool, &err);

	buf_init(&line, 0);
	if (rc == 0)
		rc = spool_each_record(spool, slice_of(cmd_value(args, "session")), print_record, &line, &err);
	buf_done(&line);
	spool_close(spool);
	return rc == 0 ? EXIT_DONE : cmd_fail(&err);
}
