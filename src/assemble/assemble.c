/* One session from its records to its observations: load the heads, find its place, then turn by turn. */
#include "assemble/emit.h"

static void assembly_init(struct assembly *assembly)
{
	struct buf *all[] = { &assembly->input, &assembly->output, &assembly->metadata, &assembly->status, &assembly->name,
	                      &assembly->parameters, &assembly->cost, &assembly->prompt, &assembly->log_text };

	view_init(&assembly->view);
	view_parts_init(&assembly->parts);
	place_init(&assembly->place);
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		buf_init(all[i], 0);
}

static void assembly_done(struct assembly *assembly)
{
	struct buf *all[] = { &assembly->input, &assembly->output, &assembly->metadata, &assembly->status, &assembly->name,
	                      &assembly->parameters, &assembly->cost, &assembly->prompt, &assembly->log_text };

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		buf_done(all[i]);
	place_done(&assembly->place);
	view_parts_done(&assembly->parts);
	view_done(&assembly->view);
}

static int emit_turns(struct assembly *assembly, struct assemble_result *ret, struct err *err)
{
	int rc = log_session(assembly, err);

	if (rc == 0)
		rc = signals_emit(assembly, NULL, -1, err);
	for (size_t i = 0; rc == 0 && i < assembly->view.turn_count; i++) {
		bool open = false;
		int64_t newest_ms = 0;
		rc = turn_emit(assembly, i, &open, &newest_ms, err);
		ret->open = ret->open || open;
		if (newest_ms > ret->last_ms)
			ret->last_ms = newest_ms;
	}
	return rc;
}

int assemble_session(const struct assemble_store *store, struct slice source, struct slice session,
                     enum trace_unit unit, assemble_emit_fn *emit, assemble_emit_fn *log, void *context,
                     struct assemble_result *ret, struct err *err)
{
	struct assembly assembly = { .store = store, .source = source, .unit = unit, .emit = emit, .log = log, .context = context };
	int rc;

	*ret = (struct assemble_result){ 0 };
	assembly_init(&assembly);
	rc = view_load(&assembly.view, store, source, session, err);
	ret->last_ms = assembly.view.last_ms;
	if (rc == 0)
		rc = place_find(&assembly.place, store, source, &assembly.view.session, err);
	/* under which call it stands cannot be changed later: it waits for that, but not for ever */
	if (rc == 0 && assembly.place.waiting && assembly.view.stale_ms < assembly.view.last_ms)
		ret->open = true;
	else if (rc == 0)
		rc = emit_turns(&assembly, ret, err);
	assembly_done(&assembly);
	return rc;
}
