/*
 * Turns of a session. Everything is put in an order of the agent's own times and ids, so that the
 * order in which records came does not matter. A fork's copies (older than their session) and
 * removed messages are dropped here, so that nothing later can count them.
 */
#include "assemble/turns.h"
#include <stdlib.h>

static int compare_times(int64_t a, int64_t b)
{
	return (a > b) - (a < b);
}

static int compare_messages(const void *a, const void *b)
{
	const struct view_message *x = a, *y = b;
	int order = slice_compare(x->turn, y->turn);

	if (order == 0)
		order = (int)x->assistant - (int)y->assistant;
	if (order == 0)
		order = compare_times(x->created_ms, y->created_ms);
	return order ? order : slice_compare(x->id, y->id);
}

static int compare_turns(const void *a, const void *b)
{
	const struct view_turn *x = a, *y = b;
	int order = compare_times(x->created_ms, y->created_ms);

	return order ? order : slice_compare(x->id, y->id);
}

static int compare_signals(const void *a, const void *b)
{
	const struct view_signal *x = a, *y = b;
	int order = (x->turn > y->turn) - (x->turn < y->turn);

	if (order == 0)
		order = compare_times(x->time_ms, y->time_ms);
	return order ? order : slice_compare(x->key, y->key);
}

static bool is_removed(const struct view *view, struct slice id)
{
	for (size_t i = 0; i < view->signal_count; i++)
		if (slice_is(view->signals[i].type, "removed") && slice_equal(view->signals[i].message, id))
			return true;
	return false;
}

static void drop_messages(struct view *view)
{
	size_t kept = 0;

	for (size_t i = 0; i < view->message_count; i++) {
		const struct view_message *message = &view->messages[i];
		if (message->created_ms < view->session.created_ms || is_removed(view, message->id))
			continue;
		view->messages[kept++] = *message;
	}
	view->message_count = kept;
}

static size_t group_end(const struct view *view, size_t first)
{
	size_t end = first + 1;

	while (end < view->message_count && slice_equal(view->messages[end].turn, view->messages[first].turn))
		end++;
	return end;
}

static void add_turn(struct view *view, size_t first, size_t end)
{
	const struct view_message *message = &view->messages[first];
	struct view_turn *turn;

	if (!pool_grow(&view->pool, (void **)&view->turns, view->turn_count, &view->turn_cap, sizeof *turn))
		return;
	turn = &view->turns[view->turn_count++];
	*turn = (struct view_turn){ .id = message->turn, .created_ms = message->created_ms, .answers = message, .count = end - first };
	if (!message->assistant) {
		turn->user = message;
		turn->answers++;
		turn->count--;
	}
}

/* A prompt may wait while the turn before it still runs: only an answer shows that the agent went on. */
static void mark_overtaken(struct view *view)
{
	bool answered = false;

	for (size_t i = view->turn_count; i-- > 0;) {
		view->turns[i].overtaken = answered;
		answered = answered || view->turns[i].count > 0;
	}
}

static void place_signal(const struct view *view, struct view_signal *signal)
{
	bool asks = slice_is(signal->type, "permission") || slice_is(signal->type, "question");
	const struct view_message *message = asks ? view_find_message(view, signal->message) : NULL;

	signal->turn = message ? view_turn_find(view, message->turn) : view_turn_at(view, signal->time_ms);
}

int turns_build(struct view *view, struct err *err)
{
	size_t end;

	drop_messages(view);
	if (view->message_count)
		qsort(view->messages, view->message_count, sizeof *view->messages, compare_messages);
	for (size_t first = 0; first < view->message_count; first = end) {
		end = group_end(view, first);
		add_turn(view, first, end);
	}
	if (view->turn_count)
		qsort(view->turns, view->turn_count, sizeof *view->turns, compare_turns);
	mark_overtaken(view);
	for (size_t i = 0; i < view->signal_count; i++)
		place_signal(view, &view->signals[i]);
	if (view->signal_count)
		qsort(view->signals, view->signal_count, sizeof *view->signals, compare_signals);
	return view->pool.failed ? err_set(err, LF_ENOMEM, "no memory for a session's turns") : 0;
}

ptrdiff_t view_turn_at(const struct view *view, int64_t time_ms)
{
	ptrdiff_t found = -1;

	for (size_t i = 0; i < view->turn_count && view->turns[i].created_ms <= time_ms; i++)
		found = (ptrdiff_t)i;
	return found;
}

ptrdiff_t view_turn_find(const struct view *view, struct slice id)
{
	for (size_t i = 0; i < view->turn_count; i++)
		if (slice_equal(view->turns[i].id, id))
			return (ptrdiff_t)i;
	return -1;
}
