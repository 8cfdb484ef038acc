/* See figures.h. */
#include "daemon/meters/figures.h"

/* What cannot be decided is removed. */
static void clean(struct redactor *redactor, char *name, size_t size)
{
	struct buf out;
	struct err ignored;

	buf_init(&out, size - 1);
	if (redact_text(redactor, slice_of(name), &out, &ignored) != 0 || out.failed)
		buf_clear(&out);
	memcpy(name, out.len ? out.data : "", out.len);
	name[out.len] = '\0';
	buf_done(&out);
}

void figures_read(const struct work *work, const char *dir, int64_t now_ms, struct claude_stats *ret)
{
	struct redactor *redactor = redactor_new(work->rules);

	claude_stats_read(dir, now_ms, ret);
	for (unsigned i = 0; i < ret->model_count; i++)
		clean(redactor, ret->models[i].model, sizeof ret->models[i].model);
	for (unsigned i = 0; i < ret->recent_count; i++)
		clean(redactor, ret->recent[i].id, sizeof ret->recent[i].id);
	redactor_free(redactor);
}
