/* What is remembered of a transcript; see src_claude.h. */
#include "ingest/src_claude.h"
#include "base/hash.h"
#include "base/mem.h"
#include <stdlib.h>

struct claude *claude_new(void)
{
	struct claude *state = xcalloc(1, sizeof *state);

	state->calls = xcalloc(CLAUDE_CALLS, sizeof *state->calls);
	buf_init(&state->text, 2 * INGEST_MAX_VALUE_BYTES);
	return state;
}

static void session_done(struct claude_session *session)
{
	char *texts[] = { session->id, session->parent, session->directory, session->version, session->branch, session->title,
	                  session->command, session->command_id, session->boundary };

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		free(texts[i]);
}

static void message_done(struct claude_message *message)
{
	char *texts[] = { message->id, message->parent, message->model, message->provider, message->stop, message->cost, message->directory };

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		free(texts[i]);
	*message = (struct claude_message){ .session = -1, .counts = { -1, -1, -1, -1 } };
}

void claude_free(struct claude *state)
{
	if (!state)
		return;
	for (size_t i = 0; i < state->session_count; i++)
		session_done(&state->sessions[i]);
	for (size_t i = 0; i < state->turn_count; i++)
		free(state->turns[i]);
	for (unsigned i = 0; i < CLAUDE_MESSAGES; i++)
		message_done(&state->messages[i]);
	while (state->call_count > 0)
		claude_call_remove(state, &state->calls[state->call_count - 1]);
	free(state->sessions);
	free(state->turns);
	free(state->calls);
	free(state->seen);
	buf_done(&state->text);
	free(state);
}

#define TEXTS_BYTES 512 /* of the texts of a session, an answer or a call, inputs apart */

size_t claude_bytes(const struct claude *state)
{
	return sizeof *state + CLAUDE_CALLS * sizeof *state->calls + state->call_bytes + state->text.cap_bytes + state->seen_cap * sizeof *state->seen +
	       state->session_cap * sizeof *state->sessions + state->turn_cap * 64 +
	       (state->session_count + state->call_count + CLAUDE_MESSAGES) * TEXTS_BYTES;
}

void claude_set(char **text, char *taken)
{
	free(*text);
	*text = taken;
}

uint64_t claude_hash(struct slice text)
{
	uint64_t hash = hash_64(text.ptr, text.len);

	return hash ? hash : 1;
}

/* ---- lines ---- */

static struct claude_seen *place_of(const struct claude *state, uint64_t id)
{
	size_t at = id & (state->seen_cap - 1);

	while (state->seen[at].id != 0 && state->seen[at].id != id)
		at = (at + 1) & (state->seen_cap - 1);
	return &state->seen[at];
}

const struct claude_seen *claude_find(const struct claude *state, uint64_t id)
{
	const struct claude_seen *seen = id && state->seen_cap ? place_of(state, id) : NULL;

	return seen && seen->id ? seen : NULL;
}

static void grow_seen(struct claude *state)
{
	struct claude_seen *old = state->seen;
	size_t n = state->seen_cap;

	state->seen_cap = n ? n * 2 : 64;
	state->seen = xcalloc(state->seen_cap, sizeof *state->seen);
	for (size_t i = 0; i < n; i++)
		if (old[i].id)
			*place_of(state, old[i].id) = old[i];
	free(old);
}

void claude_remember(struct claude *state, const struct claude_line *line)
{
	struct claude_seen *seen;

	if (line->id == 0)
		return;
	if (state->seen_count * 2 >= state->seen_cap) {
		if (state->seen_count >= CLAUDE_LINES)
			return;
		grow_seen(state);
	}
	seen = place_of(state, line->id);
	state->seen_count += seen->id == 0;
	*seen = (struct claude_seen){ line->id, line->time_ms, line->session, line->turn };
}

/* ---- sessions, turns ---- */

int32_t claude_session(struct claude *state, const char *id, bool *ret_new)
{
	*ret_new = false;
	for (size_t i = state->session_count; i-- > 0;)
		if (strcmp(state->sessions[i].id, id) == 0)
			return (int32_t)i;
	if (state->session_count == state->session_cap) {
		state->session_cap = state->session_cap ? state->session_cap * 2 : 4;
		state->sessions = xrealloc(state->sessions, state->session_cap * sizeof *state->sessions);
	}
	state->sessions[state->session_count] = (struct claude_session){ .id = xstrdup(id), .turn = -1 };
	*ret_new = true;
	return (int32_t)state->session_count++;
}

int32_t claude_turn(struct claude *state, const char *prompt)
{
	if (state->turn_count == state->turn_cap) {
		state->turn_cap = state->turn_cap ? state->turn_cap * 2 : 16;
		state->turns = xrealloc(state->turns, state->turn_cap * sizeof *state->turns);
	}
	state->turns[state->turn_count] = xstrdup(prompt);
	return (int32_t)state->turn_count++;
}

struct claude_message *claude_message(struct claude *state, const char *id)
{
	struct claude_message *message;

	for (unsigned i = 0; i < CLAUDE_MESSAGES; i++)
		if (state->messages[i].id && strcmp(state->messages[i].id, id) == 0)
			return &state->messages[i];
	message = &state->messages[state->next_message++ % CLAUDE_MESSAGES];
	message_done(message);
	message->id = xstrdup(id);
	return message;
}

/* ---- calls ---- */

struct claude_call *claude_call_find(struct claude *state, const char *id)
{
	for (size_t i = state->call_count; i-- > 0;)
		if (strcmp(state->calls[i].id, id) == 0)
			return &state->calls[i];
	return NULL;
}

void claude_call_remove(struct claude *state, struct claude_call *call)
{
	size_t after = (size_t)(state->calls + state->call_count - call) - 1;
	char *texts[] = { call->id, call->message, call->tool, call->input, call->child };

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		free(texts[i]);
	state->call_bytes -= call->input_len;
	memmove(call, call + 1, after * sizeof *call);
	state->call_count--;
}

struct claude_call *claude_call_add(struct claude *state, const char *id)
{
	struct claude_call *call;

	if (state->call_count == CLAUDE_CALLS)
		claude_call_remove(state, &state->calls[0]);
	call = &state->calls[state->call_count++];
	*call = (struct claude_call){ .id = xstrdup(id), .session = -1 };
	return call;
}

/* Frees room at the expense of older calls; one input always has room. */
void claude_call_set_input(struct claude *state, struct claude_call *call, struct slice input)
{
	for (size_t i = 0; state->call_bytes + input.len > CLAUDE_CALL_BYTES && i < state->call_count; i++) {
		state->call_bytes -= state->calls[i].input_len;
		claude_set(&state->calls[i].input, NULL);
		state->calls[i].input_len = 0;
	}
	state->call_bytes -= call->input_len;
	claude_set(&call->input, xmemdup0(input.ptr, input.len));
	call->input_len = input.len;
	state->call_bytes += input.len;
}
