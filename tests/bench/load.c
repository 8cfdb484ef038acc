/* Events in OpenCode's own words. */
#include "load.h"
#include "base/json.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define RECORDS_OF_A_SESSION 500
#define TURNS 50

void load_init(struct load *load, const char *folder)
{
	struct bench_corpus corpus;

	*load = (struct load){ .random = { 20261122 } };
	bench_corpus_make(&corpus, folder, 8000000, 20261121);
	load->text_bytes = corpus.bytes.len;
	load->text = mmap(NULL, load->text_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (load->text == MAP_FAILED)
		abort();
	memcpy(load->text, corpus.bytes.data, load->text_bytes);
	bench_corpus_free(&corpus);
}

void load_done(struct load *load)
{
	munmap(load->text, load->text_bytes);
}

/* A JSON string of about so many bytes. */
static void add_content(struct load *load, size_t bytes, struct buf *out)
{
	if (load->at + bytes > load->text_bytes)
		load->at = bench_below(&load->random, 4096);
	json_escape((struct slice){ load->text + load->at, bytes }, out);
	load->at += bytes;
}

/* A second an event, one session after another, over the month before. */
static int64_t time_of(unsigned session, unsigned event)
{
	static int64_t base_ms;

	if (base_ms == 0)
		base_ms = ((int64_t)time(NULL) - 30 * 86400) * 1000;
	return base_ms + (int64_t)(session % 5000) * 500000 + (int64_t)event * 1000;
}

/* As OpenCode makes its ids: 48 bits of the time in ms, times 4096, in hexadecimal digits, and what makes it unique. */
void load_session_id(unsigned session, char ret[LOAD_ID_BYTES])
{
	uint64_t stamp = ~((uint64_t)time_of(session, 0) * 4096);

	snprintf(ret, LOAD_ID_BYTES, "ses_%012" PRIx64 "%014u", stamp & UINT64_C(0xffffffffffff), session);
}

static void add_session_id(struct buf *out, unsigned session)
{
	char id[LOAD_ID_BYTES];

	load_session_id(session, id);
	buf_format(out, "\"%s\"", id);
}

static void add_id(struct buf *out, const char *kind, unsigned session, unsigned message, unsigned part)
{
	uint64_t stamp = (uint64_t)(time_of(session, 0) + (int64_t)message * 1000) * 4096 + part;

	buf_format(out, "\"%s_%012" PRIx64 "%08u%06u\"", kind, stamp & UINT64_C(0xffffffffffff), session, message);
}

static void open_event(struct buf *out, const char *type, unsigned session, unsigned event)
{
	buf_text(out, "{\"id\":");
	add_id(out, "evt", session, event, 1);
	buf_format(out, ",\"type\":\"%s\",\"properties\":{\"sessionID\":", type);
	add_session_id(out, session);
}

static void add_session(struct buf *out, unsigned session)
{
	int64_t now_ms = time_of(session, 0);

	open_event(out, "session.created", session, 0);
	buf_text(out, ",\"info\":{\"id\":");
	add_session_id(out, session);
	buf_format(out, ",\"slug\":\"swift-cabin\",\"version\":\"1.18.33\",\"projectID\":\"p\",\"directory\":"
	           "\"/home/dev/src/demo\",\"path\":\"\",\"title\":\"Session %u\",\"cost\":0,\"time\":{\"created\":%" PRId64 ",\"updated\":%" PRId64 "}}}}\n",
	           session, now_ms, now_ms);
}

static void open_part(struct buf *out, unsigned session, unsigned event, unsigned message, unsigned part, const char *type)
{
	open_event(out, "message.part.updated", session, event);
	buf_text(out, ",\"part\":{\"id\":");
	add_id(out, "prt", session, message, part + 1);
	buf_text(out, ",\"messageID\":");
	add_id(out, "msg", session, message, 0);
	buf_text(out, ",\"sessionID\":");
	add_session_id(out, session);
	buf_format(out, ",\"type\":\"%s\"", type);
}

static void close_part(struct buf *out, unsigned session, unsigned event)
{
	buf_format(out, "},\"time\":%" PRId64 "}}\n", time_of(session, event));
}

static void add_text(struct load *load, struct buf *out, unsigned session, unsigned event, unsigned message, unsigned part, size_t bytes)
{
	open_part(out, session, event, message, part, "text");
	buf_text(out, ",\"text\":");
	add_content(load, bytes, out);
	buf_format(out, ",\"time\":{\"start\":%" PRId64 ",\"end\":%" PRId64 "}", time_of(session, event), time_of(session, event) + 900);
	close_part(out, session, event);
}

void load_records(struct load *load, unsigned first, unsigned count, size_t bytes, struct buf *out)
{
	for (unsigned i = 0; i < count; i++) {
		unsigned session = first + i / RECORDS_OF_A_SESSION, at = i % RECORDS_OF_A_SESSION;

		add_text(load, out, session, at, at / 10, at, bytes);
	}
}

/* ---- whole turns ---- */

static void add_user(struct buf *out, unsigned session, unsigned event, unsigned message)
{
	open_event(out, "message.updated", session, event);
	buf_text(out, ",\"info\":{\"id\":");
	add_id(out, "msg", session, message, 0);
	buf_text(out, ",\"role\":\"user\",\"sessionID\":");
	add_session_id(out, session);
	buf_format(out, ",\"time\":{\"created\":%" PRId64
	           "},\"agent\":\"build\",\"model\":{\"providerID\":\"fake\",\"modelID\":\"fake-model\"}}}}\n", time_of(session, event));
}

static void add_assistant(struct buf *out, unsigned session, unsigned event, unsigned message, bool completed)
{
	open_event(out, "message.updated", session, event);
	buf_text(out, ",\"info\":{\"id\":");
	add_id(out, "msg", session, message, 0);
	buf_text(out, ",\"parentID\":");
	add_id(out, "msg", session, message - 1, 0);
	buf_format(out, ",\"role\":\"assistant\",\"mode\":\"build\",\"agent\":\"build\","
	           "\"path\":{\"cwd\":\"/home/dev/src/demo\",\"root\":\"/home/dev/src/demo\"},\"cost\":%s,\"tokens\":{\"input\":%u,\"output\":%u,"
	           "\"reasoning\":0,\"cache\":{\"read\":0,\"write\":0}},\"modelID\":\"fake-model\",\"providerID\":\"fake\",\"sessionID\":",
	           completed ? "0.0069" : "0", completed ? 2000u : 0u, completed ? 50u : 0u);
	add_session_id(out, session);
	buf_format(out, ",\"time\":{\"created\":%" PRId64, time_of(session, completed ? event - 5 : event));
	if (completed)
		buf_format(out, ",\"completed\":%" PRId64 "},\"finish\":\"stop\"}}}\n", time_of(session, event));
	else
		buf_text(out, "}}}}\n");
}

static void add_tool(struct load *load, struct buf *out, unsigned session, unsigned event, unsigned message, bool completed, size_t bytes)
{
	open_part(out, session, event, message, 2, "tool");
	buf_format(out, ",\"tool\":\"bash\",\"callID\":\"call_%u\",\"state\":{\"status\":\"%s\",\"input\":{\"command\":\"ls -a && echo done\","
	           "\"description\":\"List files\"}", message, completed ? "completed" : "running");
	if (completed) {
		buf_text(out, ",\"output\":");
		add_content(load, bytes, out);
		buf_format(out, ",\"title\":\"List files\",\"metadata\":{\"exit\":0},\"time\":{\"start\":%" PRId64 ",\"end\":%" PRId64 "}}",
		           time_of(session, event - 1), time_of(session, event));
	} else {
		buf_format(out, ",\"time\":{\"start\":%" PRId64 "}}", time_of(session, event));
	}
	close_part(out, session, event);
}

static void add_finish(struct buf *out, unsigned session, unsigned event, unsigned message)
{
	open_part(out, session, event, message, 4, "step-finish");
	buf_text(out, ",\"reason\":\"stop\",\"tokens\":{\"total\":2050,\"input\":2000,\"output\":50,\"reasoning\":0,\"cache\":{\"write\":0,\"read\":0}},\"cost\":0.0069");
	close_part(out, session, event);
}

static void add_turn(struct load *load, struct buf *out, unsigned session, unsigned turn, size_t bytes)
{
	unsigned event = 1 + turn * 9, user = turn * 2, assistant = user + 1;

	add_user(out, session, event, user);
	add_text(load, out, session, event + 1, user, 0, bytes / 8);
	add_assistant(out, session, event + 2, assistant, false);
	open_part(out, session, event + 3, assistant, 1, "step-start");
	close_part(out, session, event + 3);
	add_tool(load, out, session, event + 4, assistant, false, bytes);
	add_tool(load, out, session, event + 5, assistant, true, bytes);
	add_text(load, out, session, event + 6, assistant, 3, bytes);
	add_finish(out, session, event + 7, assistant);
	add_assistant(out, session, event + 8, assistant, true);
}

void load_sessions(struct load *load, unsigned first, unsigned sessions, size_t bytes, struct buf *out)
{
	for (unsigned session = first; session < first + sessions; session++) {
		add_session(out, session);
		for (unsigned turn = 0; turn < TURNS; turn++)
			add_turn(load, out, session, turn, bytes);
		open_event(out, "session.idle", session, 1 + TURNS * 9);
		buf_text(out, "}}\n");
	}
}
