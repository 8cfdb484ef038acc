/*
 * OpenCode's database as a source: it gives what the stream of the same session gives, by its events and, where those are gone, by its
 * messages and parts; and nothing of it is made, locked or changed.
 */
#include "heads.h"
#include "base/clock.h"
#include "base/file.h"
#include "ingest/src_opencode_db.h"
#include "opencode_writer.h"
#include <dirent.h>
#include <glob.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[256], path[300];
static struct page page;

static const char *schema(void)
{
	static struct buf text;
	char name[700];

	if (!text.data) {
		snprintf(name, sizeof name, "%s/../opencode-db/schema.sql", fixtures());
		read_file(name, &text);
	}
	return text.data;
}

static int set_up(void **state)
{
	(void)state;
	snprintf(dir, sizeof dir, "%s/lfspool-db-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof path, "%s/opencode.db", dir);
	page_init(&page);
	return 0;
}

static int tear_down(void **state)
{
	char command[320];

	(void)state;
	page_done(&page);
	snprintf(command, sizeof command, "rm -rf '%s'", dir);
	return system(command);
}

static void unpack_real(void)
{
	struct buf bytes;
	struct err err;
	char name[700];

	buf_init(&bytes, 0);
	snprintf(name, sizeof name, "%s/../opencode-db/opencode.db.gz", fixtures());
	read_file(name, &bytes);
	assert_int_equal(file_replace(path, buf_view(&bytes), 0600, &err), 0);
	buf_done(&bytes);
}

static void exec_sql(const char *sql)
{
	struct opencode_writer writer = { 0 };

	writer_check(&writer, sqlite3_open(path, &writer.db), path);
	writer_exec(&writer, sql);
	writer_close(&writer);
}

/* What stands in the folder, with sizes: "opencode.db:4096 …" */
static void list(struct buf *out)
{
	struct dirent **names;
	int n = scandir(dir, &names, NULL, alphasort);

	buf_clear(out);
	for (int i = 0; i < n; i++) {
		char name[600];
		struct stat st;
		snprintf(name, sizeof name, "%s/%s", dir, names[i]->d_name);
		if (stat(name, &st) == 0 && S_ISREG(st.st_mode))
			buf_format(out, "%s:%lld:%lld ", names[i]->d_name, (long long)st.st_size, (long long)st.st_mtim.tv_nsec);
		free(names[i]);
	}
	free(names);
}

/* ---- reading ---- */

struct known {
	char id[80];
	struct opencode_position position;
};
struct reading {
	struct heads heads;
	struct ingest *ingest;
	struct known known[128];
	unsigned known_count, pages;
};

static void reading_init(struct reading *reading)
{
	struct ingest_options options = { .name = "opencode.db", .emit = take, .problem = say, .context = &reading->heads };

	memset(reading, 0, sizeof *reading);
	assert_int_equal(ingest_new(&options, &reading->ingest, NULL), 0);
}

static void reading_done(struct reading *reading)
{
	ingest_free(reading->ingest);
	heads_done(&reading->heads);
}

static int note_session(void *context, const struct opencode_db_session *session, struct err *err)
{
	struct reading *reading = context;
	struct known *known = reading->known, *end = known + reading->known_count;

	(void)err;
	for (; known < end; known++)
		if (slice_is(session->id, known->id))
			return 0;
	*known = (struct known){ .position = { .seq = -1 } };
	snprintf(known->id, sizeof known->id, "%.*s", (int)session->id.len, session->id.ptr);
	reading->known_count++;
	return 0;
}

static void read_session(struct reading *reading, struct opencode_db *db, struct known *known)
{
	struct err err = { 0 };
	bool more = true;

	while (more) {
		int rc = opencode_db_read(db, slice_of(known->id), &known->position, &page, &more, &err);
		if (rc != 0)
			fail_msg("%s", err.text);
		reading->pages++;
		for (unsigned i = 0; i < page.count; i++) {
			if (page.values[i].oversize_bytes)
				ingest_oversize(reading->ingest, page.values[i].oversize_bytes, page.values[i].line);
			else
				assert_int_equal(ingest_value(reading->ingest, page_text(&page, i), page.values[i].line, &err), 0);
		}
	}
}

static void read_round(struct reading *reading)
{
	struct opencode_db *db = NULL;
	struct err err = { 0 };

	if (opencode_db_open(path, &db, &err) != 0)
		fail_msg("%s", err.text);
	assert_int_equal(opencode_db_each_session(db, note_session, reading, &err), 0);
	assert_int_equal(opencode_db_each_unindexed(db, note_session, reading, &err), 0);
	for (unsigned i = 0; i < reading->known_count; i++)
		read_session(reading, db, &reading->known[i]);
	opencode_db_close(db);
}

/* ---- recordings ---- */

static void each_line(const char *file, void (*fn)(void *context, struct slice line), void *context)
{
	struct buf bytes;
	const char *p, *end;

	buf_init(&bytes, 0);
	read_file(file, &bytes);
	for (p = bytes.data, end = p + bytes.len; p < end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		struct slice line = { p, (size_t)((nl ? nl : end) - p) };
		if (line.len > 0)
			fn(context, line);
		p += line.len + 1;
	}
	buf_done(&bytes);
}

struct both {
	struct opencode_writer writer;
	struct ingest *ingest;
	unsigned durable;
};

/* Durable events go both ways. */
static void apply_line(void *context, struct slice line)
{
	struct both *both = context;

	if (!writer_apply(&both->writer, line))
		return;
	both->durable++;
	assert_int_equal(ingest_value(both->ingest, line, both->durable, NULL), 0);
}

static void assert_same(const struct heads *a, const struct heads *b, const char *scenario)
{
	for (size_t i = 0; i < a->count; i++) {
		const struct head *head = &a->items[i], *other = find(b, head->key);
		if (!other)
			fail_msg("%s: the database lacks %s", scenario, head->key);
		if (head->level != other->level || strcmp(head->body, other->body) != 0 || strcmp(head->link, other->link) != 0)
			fail_msg("%s: %s differs:\n%s\n%s", scenario, head->key, head->body, other->body);
	}
	assert_int_equal(a->count, b->count);
	assert_int_equal(a->kept, b->kept);
}

static void test_recording(const char *scenario, const char *file)
{
	struct heads stream = { 0 };
	struct both both = { .durable = 0 };
	struct reading events, state;
	struct ingest_options options = { .name = file, .emit = take, .problem = say, .context = &stream };

	unlink(path);
	writer_open(&both.writer, path, schema());
	assert_int_equal(ingest_new(&options, &both.ingest, NULL), 0);
	each_line(file, apply_line, &both);
	reading_init(&events);
	read_round(&events);
	if (events.heads.words)
		fail_msg("%s: %s", scenario, events.heads.words);
	assert_int_equal(ingest_counts(events.ingest)->values, both.durable);
	assert_same(&stream, &events.heads, scenario);

	/* the same through messages and parts */
	writer_exec(&both.writer, "DELETE FROM event");
	reading_init(&state);
	read_round(&state);
	if (both.durable > 0 && strncmp(scenario, "v2", 2) != 0)
		assert_true(compare(&stream, &state.heads, scenario, "state") > 0);
	assert_true(state.heads.count <= stream.count);
	writer_close(&both.writer);
	ingest_free(both.ingest);
	reading_done(&events);
	reading_done(&state);
	heads_done(&stream);
}

static void test_recordings(void **state)
{
	char pattern[600];
	glob_t found;

	(void)state;
	snprintf(pattern, sizeof pattern, "%s/*/sse.jsonl*", fixtures());
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_true(found.gl_pathc > 35);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char scenario[64];
		const char *at = found.gl_pathv[i] + strlen(fixtures()) + 1;
		snprintf(scenario, sizeof scenario, "%.*s", (int)strcspn(at, "/"), at);
		if (strcmp(scenario, "delete") != 0)
			test_recording(scenario, found.gl_pathv[i]);
	}
	globfree(&found);
}

/* ---- the real one ---- */

static void test_real(void **state)
{
	struct reading events, again, states;

	(void)state;
	unpack_real();
	reading_init(&events);
	read_round(&events);
	assert_null(events.heads.words);
	assert_int_equal(events.known_count, 12);
	assert_int_equal(ingest_counts(events.ingest)->values, 499);
	assert_int_equal(ingest_counts(events.ingest)->unknown, 0);

	/* messages and parts add nothing to what the events gave */
	exec_sql("DELETE FROM event");
	reading_init(&states);
	read_round(&states);
	assert_null(states.heads.words);
	assert_true(compare(&states.heads, &events.heads, "real", "events") > 150);

	/* and what was read once is not read again */
	reading_init(&again);
	memcpy(again.known, states.known, sizeof again.known);
	again.known_count = states.known_count;
	read_round(&again);
	assert_int_equal(ingest_counts(again.ingest)->values, 0);
	reading_done(&events);
	reading_done(&states);
	reading_done(&again);
}

/* Without events, what did not change since is not read again. */
static void test_state_once(void **state)
{
	struct reading reading;

	(void)state;
	unpack_real();
	exec_sql("DELETE FROM event WHERE aggregate_id LIKE '%WwG9'; UPDATE part SET time_updated=1795238487000");
	reading_init(&reading);
	read_round(&reading);
	exec_sql("UPDATE event_sequence SET seq=seq+1 WHERE aggregate_id LIKE '%WwG9';"
	         "UPDATE message SET time_updated=1795299999999 WHERE session_id LIKE '%WwG9' AND time_created=(SELECT min(time_created) FROM message WHERE session_id LIKE '%WwG9')");
	read_round(&reading);
	exec_sql("UPDATE event_sequence SET seq=seq+1 WHERE aggregate_id LIKE '%WwG9';"
	         "UPDATE part SET time_updated=1795999999999 WHERE id=(SELECT max(id) FROM part WHERE session_id LIKE '%WwG9')");
	ingest_free(reading.ingest);
	assert_int_equal(ingest_new(&(struct ingest_options){ .emit = take, .context = &reading.heads }, &reading.ingest, NULL), 0);
	read_round(&reading);
	/* the session, the message of the part, and the one that is as new as what was read last */
	assert_int_equal(ingest_counts(reading.ingest)->values, 3);
	reading_done(&reading);
}

static void test_pruned_in_part(void **state)
{
	struct reading whole, pruned;

	(void)state;
	unpack_real();
	reading_init(&whole);
	read_round(&whole);
	exec_sql("DELETE FROM event WHERE aggregate_id NOT LIKE 'ses_e0371e%' AND (seq % 7 = 3 OR (aggregate_id LIKE '%WwG9' AND seq < 60))");
	reading_init(&pruned);
	read_round(&pruned);
	assert_true(compare(&whole.heads, &pruned.heads, "real", "pruned") > 100);
	for (unsigned i = 0; i < pruned.known_count; i++)
		assert_false(pruned.known[i].position.gap);
	reading_done(&whole);
	reading_done(&pruned);
}

static void test_grows(void **state)
{
	struct both both = { .durable = 0 };
	struct heads stream = { 0 };
	struct reading reading;
	struct ingest_options options = { .name = "x", .emit = take, .problem = say, .context = &stream };
	struct buf bytes;
	char name[700];
	unsigned rounds = 0;

	(void)state;
	buf_init(&bytes, 0);
	snprintf(name, sizeof name, "%s/subagent/sse.jsonl", fixtures());
	read_file(name, &bytes);
	writer_open(&both.writer, path, schema());
	assert_int_equal(ingest_new(&options, &both.ingest, NULL), 0);
	reading_init(&reading);
	for (const char *p = bytes.data; *p;) {
		size_t n = strcspn(p, "\n");
		unsigned before = both.durable;
		apply_line(&both, (struct slice){ p, n });
		if (both.durable > before && both.durable % 3 == 0) {
			read_round(&reading);
			rounds++;
			assert_int_equal(ingest_counts(reading.ingest)->values, both.durable);
		}
		p += n + (p[n] == '\n');
	}
	read_round(&reading);
	assert_true(rounds > 20);
	assert_same(&stream, &reading.heads, "subagent");
	writer_close(&both.writer);
	ingest_free(both.ingest);
	reading_done(&reading);
	heads_done(&stream);
	buf_done(&bytes);
}

/* Without event rows, growing: messages and parts are looked at again and again. */
static void test_grows_without_events(void **state)
{
	struct both both = { .durable = 0 };
	struct heads stream = { 0 };
	struct reading reading;
	struct ingest_options options = { .name = "x", .emit = take, .problem = say, .context = &stream };
	struct buf bytes;
	char name[700];

	(void)state;
	buf_init(&bytes, 0);
	snprintf(name, sizeof name, "%s/tools/sse.jsonl", fixtures());
	read_file(name, &bytes);
	writer_open(&both.writer, path, schema());
	both.writer.no_events = true;
	assert_int_equal(ingest_new(&options, &both.ingest, NULL), 0);
	reading_init(&reading);
	for (const char *p = bytes.data; *p;) {
		size_t n = strcspn(p, "\n");
		unsigned before = both.durable;
		apply_line(&both, (struct slice){ p, n });
		if (both.durable > before && both.durable % 5 == 0)
			read_round(&reading);
		p += n + (p[n] == '\n');
	}
	read_round(&reading);
	assert_true(compare(&stream, &reading.heads, "tools", "growing state") > 40);
	writer_close(&both.writer);
	ingest_free(both.ingest);
	reading_done(&reading);
	heads_done(&stream);
	buf_done(&bytes);
}

/* ---- nothing of it is touched ---- */

/* A child that writes and is killed: -wal and -shm stay behind. */
static void write_and_die(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		struct opencode_writer writer;
		writer_open(&writer, path, NULL);
		writer_exec(&writer, "UPDATE session SET title=title || '!'");
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
}

static void assert_untouched(const char *what, unsigned sessions)
{
	struct buf before, after;
	struct reading reading;

	buf_init(&before, 0);
	buf_init(&after, 0);
	list(&before);
	reading_init(&reading);
	read_round(&reading);
	assert_int_equal(reading.known_count, sessions);
	list(&after);
	if (strcmp(before.data, after.data) != 0)
		fail_msg("%s: %s became %s", what, before.data, after.data);
	reading_done(&reading);
	buf_done(&before);
	buf_done(&after);
}

static void test_untouched(void **state)
{
	struct opencode_writer writer;

	(void)state;
	unpack_real();
	assert_untouched("rollback journal", 12);
	exec_sql("PRAGMA journal_mode=WAL");
	assert_untouched("WAL mode, closed", 12);
	writer_open(&writer, path, NULL);
	assert_untouched("WAL mode, open", 12);
	writer_exec(&writer, "UPDATE session SET title=title || '?'");
	assert_untouched("WAL mode, written", 12);
	writer_close(&writer);
	write_and_die();
	assert_untouched("WAL mode, killed", 12);
}

/* Even a connection that wanted to could make nothing: OpenCode may end between our look at the folder and SQLite's. */
static void test_makes_nothing(void **state)
{
	struct buf before, after;
	struct opencode_db *db;
	sqlite3 *raw = NULL;
	struct err err;
	char uri[400];

	(void)state;
	buf_init(&before, 0);
	buf_init(&after, 0);
	unpack_real();
	exec_sql("PRAGMA journal_mode=WAL");
	assert_int_equal(opencode_db_open(path, &db, &err), 0);
	opencode_db_close(db);
	list(&before);
	snprintf(uri, sizeof uri, "file:%s?readonly_shm=1", path);
	assert_int_equal(sqlite3_open_v2(uri, &raw, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI, "lfspool-readonly"), SQLITE_OK);
	assert_int_not_equal(sqlite3_exec(raw, "SELECT count(*) FROM session", NULL, NULL, NULL), SQLITE_OK);
	assert_int_not_equal(sqlite3_exec(raw, "DELETE FROM session", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(raw);
	list(&after);
	assert_string_equal(before.data, after.data);
	buf_done(&before);
	buf_done(&after);
}

/* After we were there OpenCode can still write, checkpoint and clean up. */
static void test_out_of_the_way(void **state)
{
	struct opencode_writer writer;
	struct opencode_db *db;
	struct err err;
	char wal[320];

	(void)state;
	unpack_real();
	writer_open(&writer, path, NULL);
	writer_exec(&writer, "UPDATE session SET title=title || '?'");
	assert_int_equal(opencode_db_open(path, &db, &err), 0);
	writer_exec(&writer, "UPDATE session SET title=title || '!'");
	assert_int_equal(sqlite3_wal_checkpoint_v2(writer.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL), SQLITE_OK);
	opencode_db_close(db);
	writer_close(&writer);
	snprintf(wal, sizeof wal, "%s-wal", path);
	assert_int_not_equal(access(wal, F_OK), 0);
}

/* Immutable reading is thrown away when OpenCode came meanwhile. */
static void test_came_meanwhile(void **state)
{
	struct opencode_position position = { .seq = -1 };
	struct opencode_writer writer;
	struct opencode_db *db;
	struct err err;
	bool more;

	(void)state;
	unpack_real();
	exec_sql("PRAGMA journal_mode=WAL");
	assert_int_equal(opencode_db_open(path, &db, &err), 0);
	writer_open(&writer, path, NULL);
	writer_exec(&writer, "UPDATE session SET title=title || '?'");
	assert_int_equal(opencode_db_read(db, SLICE("ses_e0372ac5bffeeMbO9Pykm3WwG9"), &position, &page, &more, &err), LF_EAGAIN);
	assert_int_equal(position.seq, -1);
	opencode_db_close(db);
	writer_close(&writer);
}

/* ---- what is no database of OpenCode ---- */

static void assert_refused(int code, const char *words)
{
	struct opencode_db *db = NULL;
	struct err err = { 0 };

	assert_int_equal(opencode_db_open(path, &db, &err), code);
	if (!strstr(err.text, words))
		fail_msg("'%s' does not say '%s'", err.text, words);
}

static void test_refused(void **state)
{
	struct buf bytes;
	struct err err;

	(void)state;
	assert_refused(LF_ENOENT, "there is none");
	assert_int_equal(file_replace(path, SLICE(""), 0600, &err), 0);
	assert_refused(LF_EAGAIN, "empty");
	assert_int_equal(file_replace(path, SLICE("no database"), 0600, &err), 0);
	assert_refused(LF_ECORRUPT, "not a database");
	buf_init(&bytes, 0);
	for (int i = 0; i < 1000; i++)
		buf_text(&bytes, "this is no database ");
	assert_int_equal(file_replace(path, buf_view(&bytes), 0600, &err), 0);
	assert_refused(LF_ECORRUPT, "not a database");
	buf_done(&bytes);
	unlink(path);
	exec_sql("PRAGMA user_version=3");
	assert_refused(LF_EAGAIN, "no tables yet");
	exec_sql("CREATE TABLE session(name TEXT)");
	assert_refused(LF_EVERSION, "not a database of OpenCode");
	unlink(path);
	exec_sql("CREATE TABLE credential(id, value); CREATE VIEW session AS SELECT id, value AS parent_id, value AS directory, value AS title,"
	         " value AS version, 0 AS time_created, 0 AS time_updated FROM credential");
	assert_refused(LF_EPERM, "prohibited");
}

static void test_damaged(void **state)
{
	struct reading reading;
	struct opencode_db *db = NULL;
	struct err err = { 0 };
	FILE *file;
	int rc = 0;

	(void)state;
	unpack_real();
	file = fopen(path, "r+");
	for (long at = 8192; at < 700000; at += 4096) {
		fseek(file, at, SEEK_SET);
		fputs("damage damage damage damage", file);
	}
	fclose(file);
	reading_init(&reading);
	rc = opencode_db_open(path, &db, &err);
	if (rc == 0)
		rc = opencode_db_each_session(db, note_session, &reading, &err);
	for (unsigned i = 0; rc == 0 && i < reading.known_count; i++) {
		bool more = true;
		while (rc == 0 && more)
			rc = opencode_db_read(db, slice_of(reading.known[i].id), &reading.known[i].position, &page, &more, &err);
	}
	assert_int_equal(rc, LF_ECORRUPT);
	opencode_db_close(db);
	reading_done(&reading);
}

static void test_older_schema(void **state)
{
	struct reading whole, reading;

	(void)state;
	unpack_real();
	reading_init(&whole);
	read_round(&whole);
	exec_sql("DROP TABLE event; DROP TABLE event_sequence; DROP TABLE session_message; ALTER TABLE session DROP COLUMN agent;"
	         "ALTER TABLE session DROP COLUMN metadata");
	reading_init(&reading);
	read_round(&reading);
	assert_int_equal(reading.known_count, 12);
	for (size_t i = 0; i < whole.heads.count; i++)
		if (whole.heads.items[i].kind == RECORD_PART && whole.heads.items[i].level == RECORD_FINAL && !strchr(whole.heads.items[i].key, '/'))
			assert_non_null(find(&reading.heads, whole.heads.items[i].key));
	reading_done(&whole);
	reading_done(&reading);
}

/* ---- the directory of before ---- */

static void put_file(const char *a, const char *b, char *name, struct slice content)
{
	char file[900];
	struct err err;

	snprintf(file, sizeof file, "%s/storage/%s", dir, a);
	(void)mkdir(file, 0700);
	snprintf(file, sizeof file, "%s/storage/%s/%s", dir, a, b);
	(void)mkdir(file, 0700);
	snprintf(file, sizeof file, "%s/storage/%s/%s/%s.json", dir, a, b, name);
	assert_int_equal(file_replace(file, content, 0600, &err), 0);
	free(name);
}

/* Takes an export apart into the files that OpenCode would have written. */
static void put_export(const char *file)
{
	struct buf text;
	struct json_doc doc;
	int32_t info, messages;
	char *session;

	buf_init(&text, 0);
	read_file(file, &text);
	json_doc_init(&doc);
	assert_int_equal(json_parse(&doc, buf_view(&text), 0, NULL), 0);
	info = json_get(&doc, 0, "info");
	session = json_strdup(&doc, json_get(&doc, info, "id"), 100);
	put_file("session", "project", xstrdup(session), json_raw(&doc, info));
	messages = json_get(&doc, 0, "messages");
	for (int32_t m = doc.nodes[messages].first; m != JSON_NONE; m = doc.nodes[m].next) {
		int32_t parts = json_get(&doc, m, "parts"), own = json_get(&doc, m, "info");
		char *message = json_strdup(&doc, json_get(&doc, own, "id"), 100);
		put_file("message", session, xstrdup(message), json_raw(&doc, own));
		for (int32_t p = doc.nodes[parts].first; p != JSON_NONE; p = doc.nodes[p].next)
			put_file("part", message, json_strdup(&doc, json_get(&doc, p, "id"), 100), json_raw(&doc, p));
		free(message);
	}
	free(session);
	json_doc_done(&doc);
	buf_done(&text);
}

static void read_export(struct heads *heads, const char *file)
{
	struct ingest_options options = { .name = file, .emit = take, .problem = say, .context = heads };
	struct ingest *ingest;
	struct buf text;

	buf_init(&text, 0);
	read_file(file, &text);
	assert_int_equal(ingest_new(&options, &ingest, NULL), 0);
	assert_int_equal(ingest_feed(ingest, buf_view(&text), NULL), 0);
	assert_int_equal(ingest_finish(ingest, NULL), 0);
	ingest_free(ingest);
	buf_done(&text);
}

static void test_storage(void **state)
{
	char pattern[600], storage[280];
	unsigned sessions = 0;
	glob_t found;

	(void)state;
	snprintf(pattern, sizeof pattern, "%s/*/export*.json", fixtures());
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *scenario = found.gl_pathv[i] + strlen(fixtures()) + 1;
		struct heads export = { 0 };
		struct reading reading;
		char folder[64];
		if (strncmp(scenario, "secrets/", 8) == 0)
			continue;
		snprintf(folder, sizeof folder, "%.*s", (int)strcspn(scenario, "/"), scenario);
		assert_int_equal(tear_down(NULL), 0);
		assert_int_equal(set_up(NULL), 0);
		snprintf(storage, sizeof storage, "%s/storage", dir);
		assert_int_equal(mkdir(storage, 0700), 0);
		snprintf(path, sizeof path, "%s", storage);
		put_export(found.gl_pathv[i]);
		read_export(&export, found.gl_pathv[i]);
		reading_init(&reading);
		read_round(&reading);
		assert_null(reading.heads.words);
		assert_int_equal(reading.known_count, 1);
		assert_same(&export, &reading.heads, folder);
		read_round(&reading); /* nothing is taken twice: what is near in time is looked at, and known */
		assert_same(&export, &reading.heads, folder);
		sessions++;
		reading_done(&reading);
		heads_done(&export);
	}
	assert_true(sessions > 30);
	globfree(&found);
}

static void test_storage_pages(void **state)
{
	struct reading reading;
	char name[700];

	(void)state;
	snprintf(path, sizeof path, "%s/storage", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(name, sizeof name, "%s/plain/export.json", fixtures());
	put_export(name);
	reading_init(&reading);
	read_round(&reading);
	for (int i = 0; i < 1300; i++) {
		FILE *file;
		snprintf(name, sizeof name, "%s/message/%s/msg_%04d.json", path, reading.known[0].id, i);
		file = fopen(name, "w");
		fprintf(file, "{\"id\":\"msg_%04d\",\"sessionID\":\"%s\",\"role\":\"user\",\"time\":{\"created\":1795238487000}}", i, reading.known[0].id);
		fclose(file);
	}
	reading.pages = 0;
	ingest_free(reading.ingest);
	assert_int_equal(ingest_new(&(struct ingest_options){ .emit = take, .context = &reading.heads }, &reading.ingest, NULL), 0);
	read_round(&reading);
	assert_int_equal(reading.pages, 3);
	assert_in_range(ingest_counts(reading.ingest)->values, 1301, 1303);
	reading_done(&reading);
}

static void test_storage_grows(void **state)
{
	struct reading reading;
	struct opencode_db *db;
	struct opencode_activity activity;
	struct err err = { 0 };
	char name[700], storage[280];
	uint64_t before, values;
	bool racy;

	(void)state;
	snprintf(storage, sizeof storage, "%s/storage", dir);
	assert_int_equal(mkdir(storage, 0700), 0);
	snprintf(path, sizeof path, "%s", storage);
	assert_int_equal(opencode_db_open(path, &db, &err), LF_ENOENT);
	snprintf(name, sizeof name, "%s/plain/export.json", fixtures());
	put_export(name);
	before = opencode_db_signature(path, &racy);
	reading_init(&reading);
	read_round(&reading);
	values = ingest_counts(reading.ingest)->values;
	snprintf(name, sizeof name, "%s/tools/export.json", fixtures());
	put_export(name);
	assert_true(before != opencode_db_signature(path, &racy));
	read_round(&reading);
	assert_int_equal(reading.known_count, 2);
	assert_true(ingest_counts(reading.ingest)->values > values + 11);
	assert_int_equal(opencode_db_open(path, &db, &err), 0);
	assert_int_equal(opencode_db_activity(db, slice_of(reading.known[0].id), &activity, &err), 0);
	assert_true(activity.last_ms > 0 && activity.seq == -1);
	assert_int_equal(opencode_db_activity(db, SLICE("ses_none"), &activity, &err), LF_ENOENT);
	assert_int_equal(opencode_db_activity(db, SLICE("../x"), &activity, &err), LF_ENOENT);
	opencode_db_close(db);
	reading_done(&reading);
}

/* ---- odd rows ---- */

static void test_huge(void **state)
{
	struct reading reading;

	(void)state;
	unpack_real();
	exec_sql("UPDATE event SET data='{\"x\":\"' || hex(zeroblob(9000000)) || '\"}' WHERE seq=4 AND aggregate_id LIKE '%WwG9';"
	         "UPDATE event SET data='{\"x\":\"' || hex(zeroblob(20000000)) || '\"}' WHERE seq=6 AND aggregate_id LIKE '%WwG9';"
	         "UPDATE event SET data='no JSON' WHERE seq=5 AND aggregate_id LIKE '%WwG9';"
	         "UPDATE event SET data=7 WHERE seq=8 AND aggregate_id LIKE '%WwG9'");
	reading_init(&reading);
	read_round(&reading);
	assert_int_equal(ingest_counts(reading.ingest)->oversize, 2);
	assert_int_equal(ingest_counts(reading.ingest)->values, 499);
	assert_int_equal(ingest_counts(reading.ingest)->bad, 2);
	assert_true(page.text.cap_bytes < PAGE_BYTES + 2 * (size_t)INGEST_MAX_VALUE_BYTES);
	reading_done(&reading);
}

static void test_huge_state(void **state)
{
	struct reading reading;

	(void)state;
	unpack_real();
	exec_sql("DELETE FROM event; UPDATE part SET data='{\"type\":\"text\",\"text\":\"' || hex(zeroblob(20000000)) || '\"}' WHERE rowid=3;"
	         "UPDATE part SET data='{}' WHERE rowid=5; UPDATE part SET data='no JSON' WHERE rowid=40;"
	         "UPDATE part SET data='{\"type\":\"text\",\"text\":\"' || hex(zeroblob(1500000)) || '\"}' WHERE rowid BETWEEN 10 AND 20");
	reading_init(&reading);
	read_round(&reading);
	assert_int_equal(ingest_counts(reading.ingest)->oversize, 1);
	assert_true(reading.heads.count > 150);
	reading_done(&reading);
}

/* One page is bounded, however long the session is. */
static void test_pages(void **state)
{
	struct reading reading;

	(void)state;
	unpack_real();
	exec_sql("WITH RECURSIVE n(i) AS (SELECT 122 UNION ALL SELECT i+1 FROM n WHERE i<5122)"
	         "INSERT INTO event SELECT 'evt_x' || i, aggregate_id, i+1, type, data FROM n, event WHERE aggregate_id LIKE '%WwG9' AND seq=1;"
	         "UPDATE event_sequence SET seq=5123 WHERE aggregate_id LIKE '%WwG9'");
	reading_init(&reading);
	read_round(&reading);
	assert_int_equal(ingest_counts(reading.ingest)->values, 499 + 5001);
	assert_in_range(reading.pages, 12 + 10, 12 + 12);
	reading_done(&reading);
}

static int count_event(void *context, const struct raw_event *event, struct err *err)
{
	(void)err;
	*(unsigned *)context += event->kind == RECORD_PART && event->level == RECORD_FINAL && memmem(event->body.ptr, event->body.len, "\"input\":{", 9) &&
	                         memmem(event->body.ptr, event->body.len, "\"call\":", 7);
	return 0;
}

/* The newer runtime's events make sense only with those before them. */
static void test_rewind(void **state)
{
	static const struct slice session = SLICE("ses_e0371e3d9ffeCrB43hKHYptEc1");
	struct opencode_position position = { .seq = 40 };
	struct ingest_options options = { .name = "x", .emit = count_event };
	struct opencode_db *db;
	struct ingest *ingest;
	struct err err;
	unsigned with_input = 0;
	bool more;

	(void)state;
	unpack_real();
	options.context = &with_input;
	assert_int_equal(opencode_db_open(path, &db, &err), 0);
	assert_int_equal(opencode_db_rewind(db, session, &position, &err), 0);
	assert_in_range(position.seq, 0, 3);
	assert_int_equal(ingest_new(&options, &ingest, &err), 0);
	assert_int_equal(opencode_db_read(db, session, &position, &page, &more, &err), 0);
	for (unsigned i = 0; i < page.count; i++)
		assert_int_equal(ingest_value(ingest, page_text(&page, i), 0, &err), 0);
	assert_int_equal(with_input, 11);
	position = (struct opencode_position){ .seq = 100 };
	assert_int_equal(opencode_db_rewind(db, SLICE("ses_e0372ac5bffeeMbO9Pykm3WwG9"), &position, &err), 0);
	assert_int_equal(position.seq, 100);
	ingest_free(ingest);
	opencode_db_close(db);
}

static void test_activity(void **state)
{
	struct opencode_activity activity;
	struct opencode_db *db;
	struct err err;

	(void)state;
	unpack_real();
	assert_int_equal(opencode_db_open(path, &db, &err), 0);
	assert_int_equal(opencode_db_activity(db, SLICE("ses_e0372ac5bffeeMbO9Pykm3WwG9"), &activity, &err), 0);
	assert_int_equal(activity.seq, 122);
	assert_true(activity.last_ms == 1795238487499);
	assert_int_equal(opencode_db_activity(db, SLICE("ses_e0371e3d9ffeCrB43hKHYptEc1"), &activity, &err), 0);
	assert_true(activity.last_ms > 1795238534215);
	assert_int_equal(opencode_db_activity(db, SLICE("ses_gone"), &activity, &err), LF_ENOENT);
	opencode_db_close(db);
}

static void test_signature(void **state)
{
	struct opencode_writer writer;
	uint64_t a, b;
	bool racy;

	(void)state;
	assert_true(opencode_db_signature(path, &racy) == 0);
	unpack_real();
	writer_open(&writer, path, NULL);
	a = opencode_db_signature(path, &racy);
	assert_true(racy);
	assert_true(a == opencode_db_signature(path, &racy));
	writer_exec(&writer, "UPDATE session SET title='x'");
	b = opencode_db_signature(path, &racy);
	assert_true(a != b);
	writer_close(&writer);
	assert_true(b != opencode_db_signature(path, &racy));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_recordings), CASE(test_real), CASE(test_pruned_in_part), CASE(test_grows), CASE(test_grows_without_events),
		CASE(test_untouched), CASE(test_out_of_the_way), CASE(test_came_meanwhile), CASE(test_refused), CASE(test_damaged),
		CASE(test_older_schema), CASE(test_huge), CASE(test_huge_state), CASE(test_pages), CASE(test_rewind), CASE(test_activity),
		CASE(test_signature), CASE(test_storage), CASE(test_storage_grows), CASE(test_storage_pages),
		CASE(test_makes_nothing), CASE(test_state_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
