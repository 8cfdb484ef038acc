/* The file: durability, the lock, rights, versions, damage, query plans. */
#include "spool_fixture.h"
#include "base/file.h"
#include "spool_internal.h"
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static bool disk_fails;
static int syncs;

/* Stands before libc's: SQLite calls this one. */
int fdatasync(int fd)
{
	syncs++;
	if (disk_fails) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

static void one(struct spool *spool, const char *key)
{
	append(spool, (struct entry){ RECORD_MESSAGE, "s", "m", key, "", "{\"a\":1}", 0, 0, 1 });
}

static const char *file_in(const struct fixture *f, const char *name)
{
	static char path[2][256];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof path[turn], "%s/%s", f->dir, name);
	return path[turn];
}

static void read_file(const char *path, struct buf *ret)
{
	struct err err = { 0 };

	buf_init(ret, 0);
	OK(file_read_all(path, 64u << 20, ret, &err));
}

/* ---- durability and the lock ---- */

/* A child writes and is killed: what was committed is there, and nothing else. */
static void kill_keeps_what_was_committed(void **state)
{
	struct fixture *f = *state;
	struct text text = { 0 };
	struct err err = { 0 };
	int status;
	pid_t pid;

	spool_close(f->spool);
	f->spool = NULL;
	pid = fork();
	if (pid == 0) {
		reopen(f);
		OK(spool_begin(f->spool, &err));
		one(f->spool, "kept");
		OK(spool_commit(f->spool, &err));
		OK(spool_begin(f->spool, &err));
		one(f->spool, "lost");
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	reopen(f);
	OK(spool_each_record(f->spool, SLICE_NONE, add_record, &text, &err));
	text_is(&text, "kept={\"a\":1};");
}

/* The kernel forgets a failed write-back: another try on the same descriptor would lie. */
static void after_a_failed_sync_nothing_is_written(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	one(f->spool, "before");
	OK(spool_begin(f->spool, &err));
	one(f->spool, "a");
	disk_fails = true;
	assert_int_equal(spool_commit(f->spool, &err), LF_EIO);
	disk_fails = false;
	assert_int_equal(spool_begin(f->spool, &err), LF_EIO);
	assert_non_null(strstr(err.text, "open the spool again"));
	assert_int_equal(spool_count(f->spool, "x", "", 1, &err), LF_EIO);
	reopen(f);
	assert_in_range(figures(f->spool).records, 1, 2);
	one(f->spool, "after");
	reopen(f);
	OK(spool_check(f->spool, &err));
}

static void commit_derived(struct spool *spool, const char *key)
{
	struct err err = { 0 };

	OK(spool_begin_derived(spool, &err));
	one(spool, key);
	OK(spool_commit(spool, &err));
}

/* What can be made again waits for the disk with what cannot, or when it is asked to. */
static void a_derived_commit_waits_for_another(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	int before;

	one(f->spool, "a");
	before = syncs;
	commit_derived(f->spool, "b");
	commit_derived(f->spool, "c");
	OK(spool_begin_derived(f->spool, &err));
	one(f->spool, "d");
	spool_rollback(f->spool);
	assert_int_equal(syncs, before);
	OK(spool_begin(f->spool, &err)); /* one without a change waits for nothing */
	OK(spool_commit(f->spool, &err));
	assert_int_equal(syncs, before);
	OK(spool_sync(f->spool, &err));
	assert_int_equal(syncs, before + 1);
	OK(spool_sync(f->spool, &err)); /* nothing is left to do */
	assert_int_equal(syncs, before + 1);
	commit_derived(f->spool, "e");
	one(f->spool, "f");
	assert_int_equal(syncs, before + 2);
	OK(spool_sync(f->spool, &err));
	assert_int_equal(syncs, before + 2);
	assert_int_equal(spool_begin_derived(f->spool, &err), 0);
	assert_int_equal(spool_begin_derived(f->spool, &err), LF_EINVAL);
	one(f->spool, "g");
	OK(spool_commit(f->spool, &err));
	disk_fails = true;
	assert_int_equal(spool_sync(f->spool, &err), LF_EIO);
	disk_fails = false;
	assert_int_equal(spool_begin(f->spool, &err), LF_EIO);
	reopen(f);
	assert_int_equal(figures(f->spool).records, 6);
}

static void a_second_writer_is_told_who_has_it(void **state)
{
	struct fixture *f = *state;
	struct spool *second = NULL;
	struct err err = { 0 };
	char pid[32];

	assert_int_equal(spool_open(&f->options, &second, &err), LF_EBUSY);
	snprintf(pid, sizeof pid, "process %ld", (long)getpid());
	assert_non_null(strstr(err.text, pid));
	spool_close(f->spool);
	f->spool = NULL;
	OK(spool_open(&f->options, &second, &err));
	spool_close(second);
}

static void a_reader_reads_beside_the_writer_and_writes_nothing(void **state)
{
	struct fixture *f = *state;
	struct spool *reader = NULL;
	struct err err = { 0 };

	one(f->spool, "a");
	OK(spool_open_reader(f->dir, &reader, &err));
	assert_int_equal(figures(reader).records, 1);
	one(f->spool, "b");
	assert_int_equal(figures(reader).records, 2);
	OK(spool_begin(reader, &err)); /* a snapshot */
	assert_int_equal(figures(reader).records, 2);
	one(f->spool, "c");
	assert_int_equal(figures(reader).records, 2);
	OK(spool_commit(reader, &err));
	assert_int_equal(figures(reader).records, 3);
	assert_int_equal(spool_count(reader, "a", "b", 1, &err), LF_EPERM);
	spool_close(f->spool);
	f->spool = NULL;
	assert_int_equal(figures(reader).records, 3);
	spool_close(reader);
}

static int64_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
}

/* It keeps the log from starting over: the log has an end, the writer says why, and goes on when the reader has gone. */
static void a_reader_that_stays_does_not_fill_the_disk(void **state)
{
	struct fixture *f = *state;
	struct spool *reader = NULL;
	struct err err = { 0 };
	char *body = xmalloc(1000016), key[16];
	int i, rc = 0;

	snprintf(body, 1000016, "{\"a\":\"%01000000d\"}", 1);
	one(f->spool, "a");
	OK(spool_open_reader(f->dir, &reader, &err));
	OK(spool_begin(reader, &err));
	assert_int_equal(figures(reader).records, 1);
	for (i = 0; i < 200 && (rc = spool_begin(f->spool, &err)) == 0; i++) {
		snprintf(key, sizeof key, "k%d", i);
		append(f->spool, (struct entry){ RECORD_MESSAGE, "s", "m", key, "", body, 0, 0, 1 });
		OK(spool_commit(f->spool, &err));
	}
	assert_int_equal(rc, LF_EFULL);
	assert_non_null(strstr(err.text, "reading"));
	assert_in_range(i, 40, 80);
	assert_in_range(size_of(file_in(f, "spool.db-wal")), 1, 72 << 20);
	assert_int_equal(figures(reader).records, 1);
	spool_close(reader);
	OK(spool_begin(f->spool, &err));
	one(f->spool, "b");
	OK(spool_commit(f->spool, &err));
	assert_in_range(size_of(file_in(f, "spool.db-wal")), 0, 1 << 20);
	assert_int_equal(figures(f->spool).records, i + 2);
	free(body);
}

static void a_reader_wants_a_spool(void **state)
{
	struct fixture *f = *state;
	struct spool *reader = NULL;
	struct err err = { 0 };

	assert_int_equal(spool_open_reader("/nonexistent/spool", &reader, &err), LF_ENOENT);
	assert_int_equal(spool_open_reader(f->root, &reader, &err), LF_ENOENT);
	assert_int_not_equal(access(file_in(f, "../spool.db"), F_OK), 0);
}

/* ---- rights ---- */

static void files_are_private(void **state)
{
	static const char *const names[] = { "spool.db", "spool.db-wal", "spool.db-shm", "lfspool.lock" };
	struct fixture *f = *state;
	struct stat st;

	one(f->spool, "a");
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		assert_int_equal(stat(file_in(f, names[i]), &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
}

static void refuse(struct fixture *f, const char *words)
{
	struct err err = { 0 };

	assert_int_equal(spool_open(&f->options, &f->spool, &err), LF_EPERM);
	if (words && !strstr(err.text, words))
		fail_msg("%s", err.text);
}

static void links_are_refused(void **state)
{
	struct fixture *f = *state;
	char real[128], link_name[128];

	spool_close(f->spool);
	f->spool = NULL;
	snprintf(real, sizeof real, "%s/elsewhere.db", f->root);
	assert_int_equal(link(file_in(f, "spool.db"), real), 0);
	refuse(f, "hard link");
	assert_int_equal(unlink(file_in(f, "spool.db")), 0);
	assert_int_equal(symlink(real, file_in(f, "spool.db")), 0);
	refuse(f, "not a plain file");
	assert_int_equal(unlink(file_in(f, "spool.db")), 0);
	assert_int_equal(mkfifo(file_in(f, "spool.db-wal"), 0600), 0);
	refuse(f, "not a plain file");
	assert_int_equal(unlink(file_in(f, "spool.db-wal")), 0);
	assert_int_equal(unlink(file_in(f, "lfspool.lock")), 0);
	assert_int_equal(symlink(real, file_in(f, "lfspool.lock")), 0);
	refuse(f, NULL);
	assert_int_equal(unlink(file_in(f, "lfspool.lock")), 0);
	assert_int_equal(mkfifo(file_in(f, "lfspool.lock"), 0600), 0);
	refuse(f, "not a plain file of ours");
	assert_int_equal(unlink(file_in(f, "lfspool.lock")), 0);
	assert_int_equal(mkfifo(file_in(f, "spool.db"), 0600), 0);
	refuse(f, "not a plain file");
	snprintf(link_name, sizeof link_name, "%s/link", f->root);
	assert_int_equal(symlink(f->dir, link_name), 0);
	f->options.dir = link_name;
	refuse(f, NULL);
	f->options.dir = f->dir;
	assert_int_equal(chmod(f->dir, 0755), 0);
	refuse(f, NULL);
	assert_int_equal(chmod(f->dir, 0777), 0);
	refuse(f, NULL);
	assert_int_equal(chmod(f->dir, 0700), 0);
}

/* Of a directory that is not ours nothing is made ours; one without rights is refused to all but root. */
static void foreign_directories_are_refused(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	int rc;

	spool_close(f->spool);
	f->spool = NULL;
	if (chown(f->dir, 12345, (gid_t)-1) == 0) {
		refuse(f, NULL);
		assert_int_equal(chown(f->dir, geteuid(), (gid_t)-1), 0);
		assert_int_equal(chown(file_in(f, "spool.db"), 12345, (gid_t)-1), 0);
		refuse(f, "belongs to somebody else");
		assert_int_equal(chown(file_in(f, "spool.db"), geteuid(), (gid_t)-1), 0);
	}
	assert_int_equal(chmod(f->dir, 0), 0);
	rc = spool_open(&f->options, &f->spool, &err);
	assert_int_equal(rc, geteuid() == 0 ? 0 : LF_EPERM);
	assert_int_equal(chmod(f->dir, 0700), 0);
}

/* ---- versions ---- */

static void run_sql(const char *path, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void a_newer_version_is_refused_untouched(void **state)
{
	struct fixture *f = *state;
	struct spool *reader = NULL;
	struct buf before, after;
	struct err err = { 0 };

	one(f->spool, "a");
	spool_close(f->spool);
	f->spool = NULL;
	run_sql(file_in(f, "spool.db"), "PRAGMA user_version=1000");
	read_file(file_in(f, "spool.db"), &before);
	assert_int_equal(spool_open(&f->options, &f->spool, &err), LF_EVERSION);
	assert_non_null(strstr(err.text, "newer lfspool"));
	assert_int_equal(spool_open_reader(f->dir, &reader, &err), LF_EVERSION);
	read_file(file_in(f, "spool.db"), &after);
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.data, after.data, before.len);
	buf_done(&before);
	buf_done(&after);
}

static void this_version_opens_and_a_foreign_file_does_not(void **state)
{
	struct fixture *f = *state;

	one(f->spool, "a");
	reopen(f);
	assert_int_equal(figures(f->spool).records, 1);
	spool_close(f->spool);
	f->spool = NULL;
	run_sql(file_in(f, "spool.db"), "PRAGMA application_id=7");
	refuse(f, "is not a spool");
}

/* ---- damage ---- */

static bool has_aside(const struct fixture *f)
{
	DIR *dir = opendir(f->dir);
	struct dirent *e;
	bool found = false;

	while ((e = readdir(dir)))
		found |= strncmp(e->d_name, "spool.db.corrupt-", 17) == 0;
	closedir(dir);
	return found;
}

static void scribble(const char *path, off_t at, size_t n)
{
	char junk[16384];
	int fd = open(path, O_WRONLY);

	memset(junk, 0xa5, sizeof junk);
	assert_true(fd >= 0 && n <= sizeof junk);
	assert_int_equal(pwrite(fd, junk, n, at), n);
	close(fd);
}

static void fill(struct spool *spool, int count)
{
	char key[32], body[2200];
	struct err err = { 0 };

	OK(spool_begin(spool, &err));
	for (int i = 0; i < count; i++) {
		snprintf(key, sizeof key, "k%04d", i);
		snprintf(body, sizeof body, "{\"n\":\"%0*d\"}", 2000, i);
		append(spool, (struct entry){ RECORD_MESSAGE, "s", "m", key, "", body, 0, 0, 1 });
	}
	OK(spool_commit(spool, &err));
}

static off_t page_of(const char *path, const char *needle)
{
	struct buf content;
	char *hit;
	off_t page;

	read_file(path, &content);
	hit = memmem(content.data, content.len, needle, strlen(needle));
	assert_non_null(hit);
	page = (hit - content.data) / 16384;
	buf_done(&content);
	return page;
}

/* One leaf of the log is gone: the file is set aside, all other rows are there, and it goes on. */
static void a_broken_page_costs_its_rows_only(void **state)
{
	struct fixture *f = *state;
	struct spool_observation o[2] = { observation(1, "s", 10, "a"), observation(2, "s", 20, "b") };
	struct rows rows;
	struct err err = { 0 };
	uint64_t left;

	fill(f->spool, 300);
	put(f->spool, "s", o, 1);
	settle_all(f->spool, send_pending(f->spool, false, &rows), &rows, SETTLE_DELIVERED, NULL);
	put(f->spool, "s", o, 2);
	OK(spool_count(f->spool, "mine", "", 7, &err));
	OK(spool_cursor_set(f->spool, SLICE("opencode"), SLICE("db"), SLICE("17"), &err));
	spool_close(f->spool);
	f->spool = NULL;
	/* a file that was of another version has its counters of rows anywhere */
	run_sql(file_in(f, "spool.db"), "UPDATE counter SET id=id+100; UPDATE counter SET id=1 WHERE name='mine'");
	scribble(file_in(f, "spool.db"), 16384 * page_of(file_in(f, "spool.db"), "0000000150\"}"), 4096);
	reopen(f);
	assert_true(has_aside(f));
	counters_are(f->spool, "mine", "mine/=7;");
	left = figures(f->spool).records;
	assert_in_range(left, 280, 299);
	assert_int_equal(figures(f->spool).delivered, 1);
	observations_are(f->spool, "a:D;b:P;");
	assert_int_equal(figures(f->spool).pending, 1);
	dirty_is(f->spool, "s;");
	counters_are(f->spool, "spool", "spool/set_aside=1;");
	OK(spool_check(f->spool, &err));
	one(f->spool, "fresh");
	reopen(f);
	assert_int_equal(figures(f->spool).records, left + 1);
}

static void a_broken_head_costs_nothing_new(void **state)
{
	static const size_t sizes[] = { 0, 100, 16384, 40000 };
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		fill(f->spool, 100);
		spool_close(f->spool);
		f->spool = NULL;
		assert_int_equal(truncate(file_in(f, "spool.db"), (off_t)sizes[i]), 0);
		reopen(f);
		assert_true(has_aside(f));
		one(f->spool, "fresh");
	}
	spool_close(f->spool);
	f->spool = NULL;
	scribble(file_in(f, "spool.db"), 0, 100);
	reopen(f);
	one(f->spool, "again");
	assert_int_equal(figures(f->spool).records, 1);
}

/* A large file that was closed in good order is not checked again, unless somebody has written to it: whatever its date says. */
static void a_large_file_is_checked_when_it_was_touched(void **state)
{
	struct fixture *f = *state;
	struct timespec times[2];
	struct spool *reader = NULL;
	struct err err = { 0 };
	struct stat st;

	fill(f->spool, 16000);
	reopen(f);
	assert_int_not_equal(access(file_in(f, "spool.db.closed"), F_OK), 0);
	spool_close(f->spool);
	f->spool = NULL;
	assert_int_equal(access(file_in(f, "spool.db.closed"), F_OK), 0);
	OK(spool_open_reader(f->dir, &reader, &err)); /* who only looked has not touched it */
	assert_int_equal(figures(reader).records, 16000);
	spool_close(reader);
	assert_true(closed_well(file_in(f, "spool.db")));
	assert_int_equal(stat(file_in(f, "spool.db"), &st), 0);
	scribble(file_in(f, "spool.db"), 16384 * page_of(file_in(f, "spool.db"), "0000000150\"}"), 4096);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	assert_int_equal(utimensat(AT_FDCWD, file_in(f, "spool.db"), times, 0), 0);
	reopen(f);
	assert_true(has_aside(f));
	assert_in_range(figures(f->spool).records, 15980, 15999);
}

/* Stopped between the two renames: the salvaged file takes the place. */
static void an_interrupted_salvage_is_finished(void **state)
{
	struct fixture *f = *state;

	one(f->spool, "a");
	spool_close(f->spool);
	f->spool = NULL;
	assert_int_equal(rename(file_in(f, "spool.db"), file_in(f, "spool.db.salvaged")), 0);
	reopen(f);
	assert_int_equal(figures(f->spool).records, 1);
	assert_int_not_equal(access(file_in(f, "spool.db.salvaged"), F_OK), 0);
}

/* A bit flipped in a text breaks no page: the hash of the record finds it. */
static void a_changed_record_becomes_a_dead_letter(void **state)
{
	struct fixture *f = *state;
	struct text text = { 0 };
	struct spool *reader = NULL;
	struct err err = { 0 };

	append(f->spool, (struct entry){ RECORD_MESSAGE, "s", "m", "k", "", "{\"a\":1}", 0, 1, 1 });
	append(f->spool, (struct entry){ RECORD_MESSAGE, "s", "m", "k", "", "{\"a\":2}", 0, 2, 1 });
	append(f->spool, (struct entry){ RECORD_MESSAGE, "s", "m", "l", "", "{\"a\":3}", 0, 2, 1 });
	clean(f->spool, "s");
	spool_close(f->spool);
	f->spool = NULL;
	run_sql(file_in(f, "spool.db"), "UPDATE record SET body='{\"a\":9}' WHERE seq=2");
	OK(spool_open_reader(f->dir, &reader, &err));
	OK(spool_each_record(reader, SLICE_NONE, add_record, &text, &err));
	text_is(&text, "k={\"a\":1};l={\"a\":3};");
	assert_int_equal(spool_check(reader, &err), LF_ECORRUPT);
	spool_close(reader);
	reopen(f);
	OK(spool_begin(f->spool, &err));
	OK(spool_each_head(f->spool, SLICE("opencode"), SLICE("s"), add_record, &text, &err));
	text_is(&text, "l={\"a\":3};");
	clean(f->spool, "s"); /* what was assembled just now lacked the earlier revision */
	OK(spool_commit(f->spool, &err));
	dirty_is(f->spool, "s;");
	OK(spool_each_head(f->spool, SLICE("opencode"), SLICE("s"), add_record, &text, &err));
	text_is(&text, "k={\"a\":1};l={\"a\":3};");
	clean(f->spool, "s");
	dirty_is(f->spool, "");
	counters_are(f->spool, "dropped", "dropped/corrupt=1;");
	assert_int_equal(figures(f->spool).dead, 1);
	OK(spool_check(f->spool, &err));
}

/* ---- query plans ---- */

static const struct {
	const char *name, *text;
} hot[] = {
#define X(id, text) { #id, text },
	SPOOL_SQL_HOT(X)
#undef X
};

/* What the writer's connection has; a plan does not call it. */
static void no_function(sqlite3_context *context, int count, sqlite3_value **values)
{
	(void)context, (void)count, (void)values;
}

static void read_plan(sqlite3 *db, const char *name, const char *text)
{
	sqlite3_stmt *stmt = NULL;
	char explain[2048];

	snprintf(explain, sizeof explain, "EXPLAIN QUERY PLAN %s", text);
	assert_int_equal(sqlite3_prepare_v2(db, explain, -1, &stmt, NULL), SQLITE_OK);
	while (sqlite3_step(stmt) == SQLITE_ROW) {
		const char *step = (const char *)sqlite3_column_text(stmt, 3);
		bool table = !strstr(step, "CONSTANT ROW") && !strcasestr(step, "subquery"); /* whose steps follow */
		bool scans = (strncmp(step, "SCAN", 4) == 0 && table && !strstr(step, "USING")) ||
		             strstr(step, "PRIMARY KEY (source=?)") || /* all that an agent ever left */
		             (strstr(name, "PENDING_OF") && strstr(step, "observation_pending"));
		if (scans || strstr(step, "TEMP B-TREE") || strstr(step, "AUTOMATIC"))
			fail_msg("%s: %s", name, step);
	}
	sqlite3_finalize(stmt);
}

static void hot_statements_use_indexes(void **state)
{
	struct fixture *f = *state;
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open_v2(file_in(f, "spool.db"), &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_create_function(db, "moved", 3, SQLITE_UTF8, NULL, no_function, NULL, NULL), SQLITE_OK);
	for (size_t i = 0; i < sizeof hot / sizeof hot[0]; i++)
		read_plan(db, hot[i].name, hot[i].text);
	sqlite3_close(db);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(kill_keeps_what_was_committed), T(after_a_failed_sync_nothing_is_written), T(a_derived_commit_waits_for_another), T(a_second_writer_is_told_who_has_it), T(a_reader_reads_beside_the_writer_and_writes_nothing),
		T(a_reader_that_stays_does_not_fill_the_disk), T(a_reader_wants_a_spool), T(files_are_private), T(links_are_refused), T(foreign_directories_are_refused), T(a_newer_version_is_refused_untouched),
		T(this_version_opens_and_a_foreign_file_does_not), T(a_broken_page_costs_its_rows_only), T(a_broken_head_costs_nothing_new),
		T(a_large_file_is_checked_when_it_was_touched),
		T(an_interrupted_salvage_is_finished), T(a_changed_record_becomes_a_dead_letter), T(hot_statements_use_indexes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
