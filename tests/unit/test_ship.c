/*
 * The flusher against a scripted Langfuse and a real spool: every verdict ends with each observation
 * delivered exactly once, pending, in doubt or dead, never lost. Times are given, not waited for.
 */
#include "base/hash.h"
#include "base/mem.h"
#include "script_server.h"
#include "ship/ship_private.h"
#include <ftw.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#define MAX_OBSERVATIONS 64
#define WALL_MS INT64_C(1795233553000)
#define LOOKUP_DELAY_MS 10000
#define PAUSE_MS 600000

/* What the server does with the next POSTs; then it takes everything. */
struct scripted {
	enum script_deed deed;
	int status;
	const char *headers, *body;
	unsigned store;           /* takes the first so many observations before it does that */
};

struct world {
	/* the server; guarded by lock */
	pthread_mutex_t lock;
	const char *version;
	int health_status, lookup_status;
	struct scripted script[8];
	unsigned scripted, played, posts, lookups;
	size_t max_bytes;
	unsigned page;            /* observations on a page of a lookup; 0: all */
	const char *poison;
	unsigned stored[MAX_OBSERVATIONS];
	char head[4096];
	atomic_bool cancel, cancel_at_post;
	/* the client */
	struct script_server *server;
	char host[64], dir[64];
	struct spool *spool;
	struct ship *ship;
	int64_t mono_ms, wall_ms;
	bool no_gzip;
};

/* ---- the server ---- */

static void make_ids(unsigned n, uint8_t trace[16], uint8_t span[8])
{
	memset(trace, 0, 16);
	memset(span, 0, 8);
	trace[0] = (uint8_t)(1 + n % 2);
	span[0] = 0xab;
	span[7] = (uint8_t)n;
}

static bool contains(struct slice text, const char *what)
{
	return memmem(text.ptr, text.len, what, strlen(what)) != NULL;
}

static bool has_observation(struct slice body, unsigned n)
{
	char name[16];

	snprintf(name, sizeof(name), "obs-%02u", n);
	return contains(body, name);
}

static void store(struct world *world, struct slice body, unsigned at_most)
{
	for (unsigned n = 0; n < MAX_OBSERVATIONS && at_most > 0; n++)
		if (has_observation(body, n)) {
			world->stored[n]++;
			at_most--;
		}
}

static void answer_lookup(struct world *world, const struct script_request *request, struct script_reply *reply)
{
	const char *cursor = strstr(request->target, "&cursor=%2B"); /* "+<number to begin with>" */
	unsigned from = cursor ? (unsigned)strtoul(cursor + 11, NULL, 10) : 0, shown = 0, n;

	world->lookups++;
	reply->status = world->lookup_status;
	buf_text(&reply->body, "{\"data\":[");
	for (n = from; n < MAX_OBSERVATIONS && (world->page == 0 || shown < world->page); n++) {
		uint8_t trace[16], span[8];
		char trace_hex[33], span_hex[17];

		make_ids(n, trace, span);
		hash_hex(trace, 16, trace_hex);
		hash_hex(span, 8, span_hex);
		if (world->stored[n] == 0 || !strstr(request->target, trace_hex))
			continue;
		buf_format(&reply->body, "%s{\"id\":\"%s\",\"traceId\":\"%s\"}", shown++ > 0 ? "," : "", span_hex, trace_hex);
	}
	if (n < MAX_OBSERVATIONS)
		buf_format(&reply->body, "],\"meta\":{\"cursor\":\"+%u\"}}", n);
	else
		buf_text(&reply->body, "],\"meta\":{\"cursor\":null}}");
}

static void answer_ingestion(struct world *world, struct slice body, struct script_reply *reply)
{
	bool first = true;

	reply->status = 207;
	buf_text(&reply->body, "{\"successes\":[");
	for (unsigned n = 0; n < MAX_OBSERVATIONS; n++) {
		uint8_t trace[16], span[8];
		char hex[17];

		if (!has_observation(body, n))
			continue;
		make_ids(n, trace, span);
		hash_hex(span, 8, hex);
		buf_format(&reply->body, "%s{\"id\":\"%s-%u\",\"status\":201}", first ? "" : ",", hex, world->stored[n]);
		first = false;
	}
	buf_text(&reply->body, "],\"errors\":[]}");
	store(world, body, MAX_OBSERVATIONS);
}

static void answer_post(struct world *world, const struct script_request *request, struct script_reply *reply)
{
	world->posts++;
	snprintf(world->head, sizeof(world->head), "%.*s", (int)request->head.len, request->head.ptr);
	if (atomic_load(&world->cancel_at_post))
		atomic_store(&world->cancel, true);
	if (world->played < world->scripted) {
		const struct scripted *scripted = &world->script[world->played++];

		reply->deed = scripted->deed;
		reply->status = scripted->status;
		reply->headers = scripted->headers;
		buf_text(&reply->body, scripted->body ? scripted->body : "{\"some\":\"answer\"}");
		store(world, request->body, scripted->store);
	} else if (world->poison && contains(request->body, world->poison)) {
		reply->status = 400;
	} else if (world->max_bytes > 0 && request->body.len > world->max_bytes) {
		reply->status = 413;
	} else if (strcmp(request->target, "/api/public/ingestion") == 0) {
		answer_ingestion(world, request->body, reply);
	} else if (strcmp(request->target, "/api/public/otel/v1/traces") == 0) {
		store(world, request->body, MAX_OBSERVATIONS);
		buf_text(&reply->body, "{\"name\":\"otel-ingestion-job\"}");
	} else {
		reply->status = 404;
	}
}

static void play(void *context, const struct script_request *request, bool early, struct script_reply *reply)
{
	struct world *world = context;

	if (early)
		return;
	pthread_mutex_lock(&world->lock);
	if (strcmp(request->target, "/api/public/health") == 0) {
		reply->status = world->health_status;
		buf_format(&reply->body, "{\"status\":\"OK\",\"version\":\"%s\"}", world->version);
	} else if (strcmp(request->method, "GET") == 0) {
		answer_lookup(world, request, reply);
	} else {
		answer_post(world, request, reply);
	}
	pthread_mutex_unlock(&world->lock);
}

/* ---- the client ---- */

static struct err err;

#define OK(call) do { if ((call) != 0) fail_msg("%s: %s", #call, err.text); } while (0)

static void open_spool(struct world *world)
{
	struct spool_options options = { .dir = world->dir };

	OK(spool_open(&options, &world->spool, &err));
}

static void open_ship(struct world *world, enum ship_api api)
{
	struct ship_options options = {
		.host = world->host, .public_key = "pk", .secret_key = "sk", .api = api, .no_gzip = world->no_gzip,
		.map = { .version = "1" }, .http = { .cancel = &world->cancel },
		.lookup_delay_ms = LOOKUP_DELAY_MS, .pause_retry_ms = PAUSE_MS,
	};

	ship_free(world->ship);
	OK(ship_new(&options, &world->ship, &err));
}

static struct world *new_world(const char *version)
{
	struct world *world = xcalloc(1, sizeof(*world));

	pthread_mutex_init(&world->lock, NULL);
	world->version = version;
	world->mono_ms = 1000;
	world->wall_ms = WALL_MS;
	world->server = script_server_start(play, world);
	snprintf(world->host, sizeof(world->host), "http://127.0.0.1:%u/", script_server_port(world->server));
	snprintf(world->dir, sizeof(world->dir), "/tmp/lfspool-test-XXXXXX");
	assert_non_null(mkdtemp(world->dir));
	open_spool(world);
	open_ship(world, SHIP_AUTO);
	return world;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *ftw)
{
	(void)status, (void)kind, (void)ftw;
	return remove(path);
}

static void end_world(struct world *world)
{
	ship_free(world->ship);
	spool_close(world->spool);
	script_server_stop(world->server);
	nftw(world->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	pthread_mutex_destroy(&world->lock);
	free(world);
}

static void script(struct world *world, struct scripted scripted)
{
	world->script[world->scripted++] = scripted;
}

/* Puts observations 0..count-1 into the outbox; the one with the number special has this input. */
static void put_observations(struct world *world, unsigned count, unsigned special, struct slice input)
{
	struct buf body;

	buf_init(&body, 0);
	OK(spool_begin(world->spool, &err));
	OK(spool_observations_begin(world->spool, SLICE("opencode"), SLICE("ses_1"), &err));
	for (unsigned n = 0; n < count; n++) {
		char name[16];
		struct observation observation = { .type = OBS_SPAN, .source = SLICE("opencode"), .session = SLICE("ses_1"),
			.own_session = SLICE("ses_1"), .title = SLICE("t"), .start_ms = WALL_MS + (int64_t)n,
			.end_ms = WALL_MS + 100, .input = SLICE("\"hello\""), .usage = { -1, -1, -1, -1, -1 } };
		struct spool_observation stored = { .source = SLICE("opencode"), .session = SLICE("ses_1"), .turn = SLICE("msg_1"),
			.start_ms = observation.start_ms };

		snprintf(name, sizeof(name), "obs-%02u", n);
		observation.name = slice_of(name);
		if (n == special)
			observation.input = input;
		make_ids(n, observation.trace_id, observation.span_id);
		memcpy(stored.trace_id, observation.trace_id, sizeof(stored.trace_id));
		memcpy(stored.span_id, observation.span_id, sizeof(stored.span_id));
		buf_clear(&body);
		OK(observation_json(&observation, &body));
		stored.body = buf_view(&body);
		OK(spool_observations_put(world->spool, &stored, &err));
	}
	OK(spool_observations_end(world->spool, &err));
	OK(spool_commit(world->spool, &err));
	buf_done(&body);
}

static void put_plain(struct world *world, unsigned count)
{
	put_observations(world, count, MAX_OBSERVATIONS, SLICE_NONE);
}

static void settle(struct world *world, struct ship_batch *batch)
{
	struct ship_settling how = { .mono_ms = world->mono_ms, .wall_ms = world->wall_ms };

	OK(ship_settle(world->ship, world->spool, batch, &how, NULL, &err));
}

/* One round; false when there was nothing to take. */
static bool round_once(struct world *world)
{
	struct ship_batch *batch = NULL;

	OK(ship_take(world->ship, world->spool, world->wall_ms, &batch, &err));
	if (!batch)
		return false;
	OK(ship_post(world->ship, batch, &err));
	settle(world, batch);
	return true;
}

static void pass_time(struct world *world, int64_t ms)
{
	world->mono_ms += ms;
	world->wall_ms += ms;
}

static void assert_figures(struct world *world, unsigned pending, unsigned in_doubt, unsigned dead, unsigned delivered)
{
	struct spool_figures figures;

	OK(spool_figures(world->spool, &figures, &err));
	assert_int_equal(figures.pending, pending);
	assert_int_equal(figures.in_doubt, in_doubt);
	assert_int_equal(figures.in_flight, 0);
	assert_int_equal(figures.dead, dead);
	assert_int_equal(figures.delivered, delivered);
}

static void assert_stored_once(struct world *world, unsigned count, unsigned but)
{
	pthread_mutex_lock(&world->lock);
	for (unsigned n = 0; n < MAX_OBSERVATIONS; n++)
		if (world->stored[n] != (n < count && n != but ? 1U : 0U))
			fail_msg("observation %u was stored %u times", n, world->stored[n]);
	pthread_mutex_unlock(&world->lock);
}

static void assert_state(struct world *world, enum ship_state state)
{
	const struct ship_status *status = ship_status(world->ship);

	if (status->state != state)
		fail_msg("state %s (%s), not %s", ship_state_name(status->state), status->reason, ship_state_name(state));
}

static void assert_meta(struct world *world, const char *name, const char *want)
{
	struct buf value;

	buf_init(&value, 0);
	OK(spool_meta_get(world->spool, name, &value, &err));
	if (!slice_is(buf_view(&value), want))
		fail_msg("%s is %s, not %s", name, value.data, want);
	buf_done(&value);
}

/* ---- tests ---- */

static void what_is_taken_is_delivered_once(void **state)
{
	struct world *world = new_world("4.16.0");

	(void)state;
	put_plain(world, 5);
	assert_true(ship_ready(world->ship, world->mono_ms));
	assert_true(round_once(world));
	assert_false(round_once(world));
	assert_figures(world, 0, 0, 0, 5);
	assert_stored_once(world, 5, MAX_OBSERVATIONS);
	assert_state(world, SHIP_OK);
	assert_string_equal(ship_status(world->ship)->api, "otlp v4");
	assert_string_equal(ship_status(world->ship)->server_version, "4.16.0");
	assert_int_equal(ship_status(world->ship)->delivered, 5);
	assert_meta(world, "api", "otlp v4");
	assert_non_null(strstr(world->head, "x-langfuse-ingestion-version: 4"));
	assert_non_null(strstr(world->head, "Content-Type: application/x-protobuf"));
	assert_non_null(strstr(world->head, "Content-Encoding: gzip"));
	assert_non_null(strstr(world->head, "Authorization: Basic cGs6c2s="));
	end_world(world);
}

static void nothing_is_packed_where_it_is_not_wanted(void **state)
{
	struct world *world = new_world("4.16.0");

	(void)state;
	world->no_gzip = true;
	open_ship(world, SHIP_AUTO);
	put_plain(world, 5);
	assert_true(round_once(world));
	assert_figures(world, 0, 0, 0, 5);
	assert_stored_once(world, 5, MAX_OBSERVATIONS);
	assert_null(strstr(world->head, "gzip"));
	end_world(world);
}

/* What was taken with the settling of another is posted and settled like any other; it is not taken while something is wrong. */
static void the_next_is_taken_with_the_settling(void **state)
{
	struct world *world = new_world("4.16.0");
	struct ship_settling how = { .mono_ms = world->mono_ms, .wall_ms = world->wall_ms, .take = true };
	struct ship_batch *batch = NULL, *next = NULL;

	(void)state;
	put_plain(world, 2);
	OK(ship_take(world->ship, world->spool, world->wall_ms, &batch, &err));
	put_plain(world, 5);
	OK(ship_post(world->ship, batch, &err));
	OK(ship_settle(world->ship, world->spool, batch, &how, &next, &err));
	assert_non_null(next);
	OK(ship_post(world->ship, next, &err));
	OK(ship_settle(world->ship, world->spool, next, &how, &batch, &err));
	assert_null(batch);
	assert_figures(world, 0, 0, 0, 5);
	assert_stored_once(world, 5, MAX_OBSERVATIONS);
	put_plain(world, 7);
	OK(ship_take(world->ship, world->spool, world->wall_ms, &batch, &err));
	put_plain(world, 9);
	script(world, (struct scripted){ .status = 503 });
	OK(ship_post(world->ship, batch, &err));
	OK(ship_settle(world->ship, world->spool, batch, &how, &next, &err));
	assert_null(next);
	assert_figures(world, 4, 0, 0, 5);
	end_world(world);
}

struct gate {
	unsigned asked;
	int rc;
};

static int ask_gate(void *context, struct err *e)
{
	struct gate *gate = context;

	gate->asked++;
	return gate->rc != 0 ? err_set(e, gate->rc, "not on the disk") : 0;
}

/* Nothing goes out before its gate lets it, and what was settled with it does not count before. */
static void what_is_late_waits_at_its_gate(void **state)
{
	struct world *world = new_world("4.16.0");
	struct ship_settling how = { .mono_ms = world->mono_ms, .wall_ms = world->wall_ms, .take = true, .late = true };
	struct ship_batch *batch = NULL, *next = NULL;
	struct gate gate = { .rc = LF_EIO };

	(void)state;
	put_plain(world, 2);
	OK(ship_take(world->ship, world->spool, world->wall_ms, &batch, &err));
	put_plain(world, 5);
	OK(ship_post(world->ship, batch, &err));
	OK(ship_settle(world->ship, world->spool, batch, &how, &next, &err));
	assert_non_null(next);
	assert_int_equal(ship_status(world->ship)->delivered, 0);
	ship_batch_gate(next, ask_gate, &gate);
	assert_int_equal(ship_post(world->ship, next, &err), LF_EIO);
	assert_int_equal(gate.asked, 1);
	assert_stored_once(world, 2, MAX_OBSERVATIONS);
	how.take = false;
	OK(ship_settle(world->ship, world->spool, next, &how, NULL, &err));
	assert_figures(world, 3, 0, 0, 2);
	assert_int_equal(ship_status(world->ship)->delivered, 2);
	pass_time(world, 3600000);
	OK(ship_take(world->ship, world->spool, world->wall_ms, &batch, &err));
	gate.rc = 0;
	ship_batch_gate(batch, ask_gate, &gate);
	OK(ship_post(world->ship, batch, &err));
	assert_int_equal(gate.asked, 2);
	OK(ship_settle(world->ship, world->spool, batch, &how, &next, &err));
	assert_null(next);
	assert_stored_once(world, 5, MAX_OBSERVATIONS);
	assert_int_equal(ship_status(world->ship)->delivered, 5);
	end_world(world);
}

static void older_servers_get_ingestion(void **state)
{
	struct world *world = new_world("2.95.12");

	(void)state;
	put_plain(world, 3);
	assert_true(round_once(world));
	assert_figures(world, 0, 0, 0, 3);
	assert_string_equal(ship_status(world->ship)->api, "ingestion v2");
	assert_null(strstr(world->head, "gzip"));
	assert_non_null(strstr(world->head, "POST /api/public/ingestion"));
	end_world(world);
}

static void the_bad_one_is_found(void **state)
{
	struct world *world = new_world("4.16.0");

	(void)state;
	world->poison = "POISON";
	put_observations(world, 10, 6, SLICE("\"POISON\""));
	assert_true(round_once(world));
	assert_figures(world, 0, 0, 1, 9);
	assert_stored_once(world, 10, 6);
	assert_state(world, SHIP_OK);
	assert_int_equal(ship_status(world->ship)->dead, 1);
	end_world(world);
}

static void a_server_that_refuses_all_condemns_nobody(void **state)
{
	struct world *world = new_world("4.16.0");

	(void)state;
	world->poison = "obs-";
	put_plain(world, 20);
	assert_true(round_once(world));
	assert_figures(world, 20, 0, 0, 0);
	assert_state(world, SHIP_PAUSED);
	world->poison = NULL;
	ship_resume(world->ship);
	assert_true(round_once(world));
	assert_figures(world, 0, 0, 0, 20);
	assert_stored_once(world, 20, MAX_OBSERVATIONS);
	end_world(world);
}

static void too_large_is_halved(void **state)
{
	struct world *world = new_world("4.16.0");

	(void)state;
	world->max_bytes = 4000;
	put_plain(world, 20);
	for (unsigned i = 0; i < 10 && round_once(world); i++)
		;
	assert_figures(world, 0, 0, 0, 20);
	assert_stored_once(world, 20, MAX_OBSERVATIONS);
	end_world(world);
}

static void one_too_large_is_shrunk_then_buried(void **state)
{
	static const size_t limits[] = { 150000, 5000, 50 };
	static const unsigned dead[] = { 0, 0, 1 };
	struct buf input;

	(void)state;
	buf_init(&input, 0);
	buf_char(&input, '"');
	for (unsigned i = 0; i < 300000; i++)
		buf_char(&input, 'y');
	buf_char(&input, '"');
	for (unsigned i = 0; i < 3; i++) {
		struct world *world = new_world("4.16.0");

		world->max_bytes = limits[i];
		put_observations(world, 1, 0, buf_view(&input));
		assert_true(round_once(world));
		assert_figures(world, 0, 0, dead[i], 1 - dead[i]);
		end_world(world);
	}
	buf_done(&input);
}

static void refused_keys_pause(void **state)
{
	struct world *world = new_world("4.16.0");

	(void)state;
	script(world, (struct scripted){ .status = 401 });
	put_plain(world, 3);
	assert_true(round_once(world));
	assert_figures(world, 3, 0, 0, 0);
	assert_state(world, SHIP_PAUSED);
	assert_non_null(strstr(ship_status(world->ship)->reason, "401"));
	assert_meta(world, "paused", ship_status(world->ship)->reason);
	assert_false(ship_ready(world->ship, world->mono_ms + PAUSE_MS - 1));
	assert_true(ship_ready(world->ship, world->mono_ms + PAUSE_MS));
	ship_resume(world->ship);
	assert_true(ship_ready(world->ship, world->mono_ms));
	assert_true(round_once(world));
	assert_figures(world, 0, 0, 0, 3);
	assert_int_equal(spool_meta_get(world->spool, "paused", &(struct buf){ 0 }, &err), LF_ENOENT);
	end_world(world);
}

static void a_wrong_place_holds(void **state)
{
	static const int statuses[] = { 404, 405, 302 };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct world *world = new_world("4.16.0");

		script(world, (struct scripted){ .status = statuses[i] });
		put_plain(world, 3);
		assert_true(round_once(world));
		assert_figures(world, 3, 0, 0, 0);
		assert_state(world, SHIP_PAUSED);
		end_world(world);
	}
}

static void a_busy_server_is_left_alone(void **state)
{
	struct world *world = new_world("4.16.0");
	int64_t wait_ms;

	(void)state;
	script(world, (struct scripted){ .status = 429, .headers = "Retry-After: 100\r\n" });
	script(world, (struct scripted){ .status = 503 });
	put_plain(world, 3);
	assert_true(round_once(world));
	assert_figures(world, 3, 0, 0, 0);
	assert_state(world, SHIP_RETRYING);
	wait_ms = ship_status(world->ship)->next_try_ms - world->mono_ms;
	assert_int_equal(wait_ms, 100000);
	pass_time(world, wait_ms);
	assert_true(ship_ready(world->ship, world->mono_ms));
	assert_true(round_once(world));
	assert_state(world, SHIP_RETRYING);
	assert_in_range(ship_status(world->ship)->next_try_ms, world->mono_ms, world->mono_ms + 2000);
	assert_true(round_once(world));
	assert_figures(world, 0, 0, 0, 3);
	assert_stored_once(world, 3, MAX_OBSERVATIONS);
	end_world(world);
}

static void a_server_that_is_away_is_asked_again(void **state)
{
	struct world *world = new_world("4.16.0");

	(void)state;
	world->health_status = 503;
	put_plain(world, 3);
	assert_true(round_once(world));
	assert_figures(world, 3, 0, 0, 0);
	assert_state(world, SHIP_RETRYING);
	assert_int_equal(world->posts, 0);
	world->health_status = 200;
	assert_true(round_once(world));
	assert_figures(world, 0, 0, 0, 3);
	end_world(world);
}

static void a_host_without_langfuse_holds(void **state)
{
	struct world *world = new_world("4.16.0");

	(void)state;
	world->health_status = 404;
	world->version = "?";
	put_plain(world, 2);
	assert_true(round_once(world));
	assert_figures(world, 2, 0, 0, 0);
	assert_state(world, SHIP_PAUSED);
	/* With the API given, any host that takes it will do. */
	open_ship(world, SHIP_OTLP);
	assert_true(round_once(world));
	assert_figures(world, 0, 0, 0, 2);
	assert_string_equal(ship_status(world->ship)->api, "otlp");
	end_world(world);
}

static void a_207_settles_each_event(void **state)
{
	struct world *world = new_world("3.10.0");

	(void)state;
	script(world, (struct scripted){ .status = 207, .body =
		"{\"successes\":[{\"id\":\"ab00000000000000-0\",\"status\":201}],\"errors\":["
		"{\"id\":\"ab00000000000001-0\",\"status\":400,\"message\":\"bad\"},"
		"{\"id\":\"ab00000000000002-0\",\"status\":500}]}" });
	put_plain(world, 4);
	assert_true(round_once(world));
	assert_figures(world, 1, 1, 1, 1);
	assert_state(world, SHIP_RETRYING);
	pass_time(world, LOOKUP_DELAY_MS);
	while (round_once(world))
		;
	assert_figures(world, 0, 0, 1, 3);
	assert_int_equal(world->lookups, 0);
	end_world(world);
}

static void an_api_that_takes_no_such_events_holds(void **state)
{
	struct world *world = new_world("4.16.0");

	(void)state;
	open_ship(world, SHIP_INGESTION);
	script(world, (struct scripted){ .status = 207, .body = "{\"successes\":[],\"errors\":["
		"{\"id\":\"ab00000000000000-0\",\"status\":400,\"error\":\"Event type not accepted\"},"
		"{\"id\":\"ab00000000000001-0\",\"status\":400,\"error\":\"Event type not accepted\"}]}" });
	put_plain(world, 2);
	assert_true(round_once(world));
	assert_figures(world, 2, 0, 0, 0);
	assert_state(world, SHIP_PAUSED);
	end_world(world);
}

static void a_send_in_doubt_is_looked_up(void **state)
{
	static const struct scripted doubts[] = {
		{ .deed = SCRIPT_RESET_LATE, .store = 2 },
		{ .deed = SCRIPT_CUT, .store = 2, .body = "{\"name\":\"otel-ingestion-job\"}" },
		{ .deed = SCRIPT_ANSWER, .store = 2, .body = "<html>welcome</html>" },
		{ .deed = SCRIPT_RESET_LATE, .store = 0 },
		{ .deed = SCRIPT_RESET_LATE, .store = MAX_OBSERVATIONS },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(doubts) / sizeof(doubts[0]); i++) {
		struct world *world = new_world("4.16.0");

		script(world, doubts[i]);
		put_plain(world, 4);
		assert_true(round_once(world));
		assert_figures(world, 0, 4, 0, 0);
		assert_state(world, SHIP_RETRYING);
		assert_false(ship_ready(world->ship, world->mono_ms + LOOKUP_DELAY_MS - 1));
		/* Asked too early, it only waits. */
		pass_time(world, 1);
		assert_true(round_once(world));
		assert_int_equal(world->lookups, 0);
		assert_int_equal(ship_status(world->ship)->next_try_ms, world->mono_ms + LOOKUP_DELAY_MS - 1);
		pass_time(world, LOOKUP_DELAY_MS);
		while (round_once(world))
			;
		assert_int_equal(world->lookups, 2); /* one a trace */
		assert_figures(world, 0, 0, 0, 4);
		assert_stored_once(world, 4, MAX_OBSERVATIONS);
		end_world(world);
	}
}

static void a_lookup_that_fails_is_made_again(void **state)
{
	struct world *world = new_world("4.16.0");

	(void)state;
	script(world, (struct scripted){ .deed = SCRIPT_RESET_LATE, .store = 3 });
	world->lookup_status = 500;
	put_plain(world, 4);
	assert_true(round_once(world));
	pass_time(world, LOOKUP_DELAY_MS);
	assert_true(round_once(world));
	assert_figures(world, 0, 4, 0, 0);
	assert_int_equal(world->posts, 1);
	world->lookup_status = 200;
	pass_time(world, LOOKUP_DELAY_MS);
	while (round_once(world))
		;
	assert_figures(world, 0, 0, 0, 4);
	assert_stored_once(world, 4, MAX_OBSERVATIONS);
	end_world(world);
}

static void a_lookup_reads_every_page(void **state)
{
	struct world *world = new_world("4.16.0");

	(void)state;
	script(world, (struct scripted){ .deed = SCRIPT_RESET_LATE, .store = 9 });
	world->page = 2;
	put_plain(world, 10);
	assert_true(round_once(world));
	pass_time(world, LOOKUP_DELAY_MS);
	while (round_once(world))
		;
	assert_true(world->lookups > 4);
	assert_figures(world, 0, 0, 0, 10);
	assert_stored_once(world, 10, MAX_OBSERVATIONS);
	end_world(world);
}

static void without_a_lookup_it_is_sent_again(void **state)
{
	struct world *world = new_world("4.16.0");

	(void)state;
	script(world, (struct scripted){ .deed = SCRIPT_RESET_LATE });
	world->lookup_status = 404;
	put_plain(world, 3);
	assert_true(round_once(world));
	pass_time(world, LOOKUP_DELAY_MS);
	assert_true(round_once(world));
	assert_figures(world, 0, 0, 0, 3);
	assert_stored_once(world, 3, MAX_OBSERVATIONS);
	end_world(world);
}

static void servers_that_merge_get_it_again(void **state)
{
	struct world *world = new_world("3.100.0");

	(void)state;
	script(world, (struct scripted){ .deed = SCRIPT_RESET_LATE, .store = 2 });
	put_plain(world, 4);
	assert_true(round_once(world));
	assert_figures(world, 0, 4, 0, 0);
	pass_time(world, LOOKUP_DELAY_MS);
	assert_true(round_once(world));
	assert_figures(world, 0, 0, 0, 4);
	assert_int_equal(world->lookups, 0);
	assert_int_equal(world->posts, 2);
	end_world(world);
}

static void what_a_crash_left_is_looked_up(void **state)
{
	struct world *world = new_world("4.16.0");
	struct ship_batch *batch = NULL;

	(void)state;
	put_plain(world, 4);
	OK(ship_take(world->ship, world->spool, world->wall_ms, &batch, &err));
	OK(ship_post(world->ship, batch, &err));
	batch_free(batch); /* killed before the outcome was written down */
	spool_close(world->spool);
	open_spool(world);
	open_ship(world, SHIP_AUTO);
	pass_time(world, LOOKUP_DELAY_MS);
	while (round_once(world))
		;
	assert_figures(world, 0, 0, 0, 4);
	assert_stored_once(world, 4, MAX_OBSERVATIONS);
	assert_int_equal(world->lookups, 2);
	OK(ship_take(world->ship, world->spool, world->wall_ms, &batch, &err));
	assert_null(batch);
	end_world(world);
}

static void cancelling_leaves_it_in_doubt(void **state)
{
	struct world *world = new_world("4.16.0");

	(void)state;
	script(world, (struct scripted){ .deed = SCRIPT_HANG, .store = 3 });
	atomic_store(&world->cancel_at_post, true);
	put_plain(world, 3);
	assert_true(round_once(world));
	assert_figures(world, 0, 3, 0, 0);
	atomic_store(&world->cancel_at_post, false);
	atomic_store(&world->cancel, false);
	pass_time(world, LOOKUP_DELAY_MS);
	while (round_once(world))
		;
	assert_figures(world, 0, 0, 0, 3);
	assert_stored_once(world, 3, MAX_OBSERVATIONS);
	end_world(world);
}

static void changes_go_only_to_servers_that_merge(void **state)
{
	static const char *const versions[] = { "4.16.0", "3.100.0" };

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct world *world = new_world(versions[i]);

		put_plain(world, 2);
		assert_true(round_once(world));
		put_observations(world, 2, 1, SLICE("\"changed\""));
		while (round_once(world))
			;
		assert_int_equal(world->stored[0], 1);
		assert_int_equal(world->stored[1], 1 + i);
		assert_figures(world, 0, 0, 0, 2);
		end_world(world);
	}
}

static void a_server_that_was_replaced_gets_no_changes(void **state)
{
	struct world *world = new_world("3.100.0");
	struct ship_batch *batch = NULL;

	(void)state;
	put_plain(world, 2);
	assert_true(round_once(world));
	put_observations(world, 2, 1, SLICE("\"changed\""));
	OK(ship_take(world->ship, world->spool, world->wall_ms, &batch, &err));
	assert_non_null(batch);
	world->version = "4.16.0";
	ship_resume(world->ship);
	OK(ship_post(world->ship, batch, &err));
	settle(world, batch);
	assert_stored_once(world, 2, MAX_OBSERVATIONS);
	assert_figures(world, 0, 0, 0, 2);
	assert_string_equal(ship_status(world->ship)->api, "otlp v4");
	end_world(world);
}

static void without_keys_it_is_off(void **state)
{
	struct ship_options options = { .host = "http://127.0.0.1:1" };
	struct ship *ship;

	(void)state;
	OK(ship_new(&options, &ship, &err));
	assert_false(ship_ready(ship, 0));
	ship_resume(ship);
	assert_false(ship_ready(ship, INT64_MAX));
	assert_int_equal(ship_status(ship)->state, SHIP_OFF);
	assert_non_null(strstr(ship_status(ship)->reason, "langfuse_public_key"));
	ship_free(ship);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_taken_is_delivered_once),
		cmocka_unit_test(nothing_is_packed_where_it_is_not_wanted),
		cmocka_unit_test(the_next_is_taken_with_the_settling),
		cmocka_unit_test(what_is_late_waits_at_its_gate),
		cmocka_unit_test(older_servers_get_ingestion),
		cmocka_unit_test(the_bad_one_is_found),
		cmocka_unit_test(a_server_that_refuses_all_condemns_nobody),
		cmocka_unit_test(too_large_is_halved),
		cmocka_unit_test(one_too_large_is_shrunk_then_buried),
		cmocka_unit_test(refused_keys_pause),
		cmocka_unit_test(a_wrong_place_holds),
		cmocka_unit_test(a_busy_server_is_left_alone),
		cmocka_unit_test(a_server_that_is_away_is_asked_again),
		cmocka_unit_test(a_host_without_langfuse_holds),
		cmocka_unit_test(a_207_settles_each_event),
		cmocka_unit_test(an_api_that_takes_no_such_events_holds),
		cmocka_unit_test(a_send_in_doubt_is_looked_up),
		cmocka_unit_test(a_lookup_that_fails_is_made_again),
		cmocka_unit_test(a_lookup_reads_every_page),
		cmocka_unit_test(without_a_lookup_it_is_sent_again),
		cmocka_unit_test(servers_that_merge_get_it_again),
		cmocka_unit_test(what_a_crash_left_is_looked_up),
		cmocka_unit_test(cancelling_leaves_it_in_doubt),
		cmocka_unit_test(changes_go_only_to_servers_that_merge),
		cmocka_unit_test(a_server_that_was_replaced_gets_no_changes),
		cmocka_unit_test(without_keys_it_is_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
