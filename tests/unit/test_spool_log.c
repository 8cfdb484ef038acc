/* The log is written back on a thread beside: it stays short, and nothing is lost. */
#include "spool_fixture.h"
#include "base/file.h"
#include "base/mem.h"
#include "spool_internal.h"
#include <sys/stat.h>

#define LIMIT 8 /* pages, before it is written back */
#define TEXT 20000u
#define TRANSACTIONS 200u

static char *large_body(const char *word)
{
	char *body = xmalloc(TEXT + 64);

	snprintf(body, TEXT + 64, "{\"type\":\"text\",\"text\":\"%0*d %s\"}", (int)TEXT, 7, word);
	return body;
}

/* Of a session of its own, at once and with a log that is written back soon. */
static void append_one(struct fixture *f, const char *session, unsigned number, const char *word)
{
	char *body = large_body(word), key[16];
	struct err err = { 0 };

	snprintf(key, sizeof key, "k%06u", number);
	f->spool->log_pages = LIMIT;
	OK((number % 2 ? spool_begin_late : spool_begin)(f->spool, &err));
	append(f->spool, (struct entry){ RECORD_PART, session, "m", key, "", body, 0, 0, 1 });
	OK(spool_commit(f->spool, &err));
	free(body);
}

static off_t log_pages(const struct fixture *f)
{
	char path[160];
	struct stat st;

	snprintf(path, sizeof path, "%s/spool.db-wal", f->dir);
	assert_int_equal(stat(path, &st), 0);
	return st.st_size / SPOOL_PAGE_BYTES;
}

/* A reader comes and goes. */
static void it_stays_short(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };
	off_t longest = 0;

	spool_use_threads(f->spool, true);
	for (unsigned i = 0; i < TRANSACTIONS; i++) {
		append_one(f, "s", i, "");
		longest = log_pages(f) > longest ? log_pages(f) : longest;
		if (i % 20 == 0) {
			struct spool *reader = NULL;
			OK(spool_open_reader(f->dir, &reader, &err));
			assert_int_equal(count_records(reader, SLICE("s")), i + 1);
			spool_close(reader);
		}
	}
	assert_in_range(longest, LIMIT, 6 * LIMIT);
	OK(spool_check(f->spool, &err));
	assert_int_equal(count_records(f->spool, SLICE("s")), TRANSACTIONS);
	reopen(f);
	OK(spool_check(f->spool, &err));
	assert_int_equal(count_records(f->spool, SLICE("s")), TRANSACTIONS);
}

static bool stands_in(const struct fixture *f, const char *name, const char *word)
{
	char path[160];
	struct buf content;
	struct err err = { 0 };
	bool found;

	snprintf(path, sizeof path, "%s/%s", f->dir, name);
	buf_init(&content, 0);
	OK(file_read_all(path, 64u << 20, &content, &err));
	found = content.len > 0 && memmem(content.data, content.len, word, strlen(word)) != NULL;
	buf_done(&content);
	return found;
}

/* Whatever the thread was doing. */
static void what_is_purged_is_in_no_file(void **state)
{
	struct spool_purge purge = { .session = SLICE("gone"), .all = true };
	struct fixture *f = *state;
	struct err err = { 0 };

	for (unsigned round = 0; round < 20; round++) {
		struct spool_purged purged;

		spool_use_threads(f->spool, true);
		append_one(f, "gone", 1000 * round, "HEREITWAS");
		assert_true(stands_in(f, "spool.db", "HEREITWAS") || stands_in(f, "spool.db-wal", "HEREITWAS"));
		for (unsigned i = 1; i < LIMIT + round % 4; i++)
			append_one(f, "s", 1000 * round + i, "");
		OK(spool_purge(f->spool, &purge, &purged, &err));
		assert_int_equal(purged.records, 1);
		assert_false(stands_in(f, "spool.db", "HEREITWAS"));
		assert_false(stands_in(f, "spool.db-wal", "HEREITWAS"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_stays_short, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_purged_is_in_no_file, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
