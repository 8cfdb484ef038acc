/* See src_opencode_storage.h. Every file holds one object whole; a session with its messages and parts is read in pages. */
#include "ingest/src_opencode_storage.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define PATH_BYTES 4096
#define CHUNK_BYTES (2u << 20)
#define SLACK_MS 5000
#define RACY_MS 100

static int64_t changed_ms(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_mtim.tv_sec * INT64_C(1000) + st.st_mtim.tv_nsec / 1000000 : 0;
}

static bool is_plain(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int keep_plain(const struct dirent *entry)
{
	return is_plain(entry);
}

static int keep_json(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);

	return is_plain(entry) && n > 5 && n < 120 && strcmp(entry->d_name + n - 5, ".json") == 0;
}

/* The entries in order of their names; -1: there is no such directory. */
static int entries(const char *dir, int (*keep)(const struct dirent *entry), struct dirent ***ret)
{
	*ret = NULL;
	return scandir(dir, ret, keep, alphasort);
}

static void entries_free(struct dirent **names, int count)
{
	for (int i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

int opencode_storage_check(const char *path, struct err *err)
{
	char dir[PATH_BYTES];
	struct stat st;

	snprintf(dir, sizeof dir, "%s/session", path);
	if (stat(dir, &st) == 0)
		return 0;
	return err_set(err, errno == ENOENT || errno == ENOTDIR ? LF_ENOENT : LF_EPERM, "%s: %s", dir, strerror(errno));
}

/* The session's own file, or the directory of its messages: whichever changed last. */
static int64_t session_changed_ms(const char *path, const char *file, const char *id)
{
	char dir[PATH_BYTES];
	int64_t own_ms = changed_ms(file), messages_ms;

	snprintf(dir, sizeof dir, "%s/message/%s", path, id);
	messages_ms = changed_ms(dir);
	return own_ms > messages_ms ? own_ms : messages_ms;
}

static int each_of_project(const char *path, const char *project, opencode_db_session_fn *fn, void *context, struct err *err)
{
	char dir[PATH_BYTES], file[PATH_BYTES + 300], id[300];
	struct dirent **names;
	int n, rc = 0;

	snprintf(dir, sizeof dir, "%s/session/%s", path, project);
	n = entries(dir, keep_json, &names);
	for (int i = 0; rc == 0 && i < n; i++) {
		snprintf(id, sizeof id, "%.*s", (int)strlen(names[i]->d_name) - 5, names[i]->d_name);
		snprintf(file, sizeof file, "%s/%s", dir, names[i]->d_name);
		rc = fn(context, &(struct opencode_db_session){ slice_of(id), -1, session_changed_ms(path, file, id) }, err);
	}
	entries_free(names, n);
	return rc;
}

int opencode_storage_each_session(const char *path, opencode_db_session_fn *fn, void *context, struct err *err)
{
	char dir[PATH_BYTES];
	struct dirent **names;
	int n, rc = 0;

	snprintf(dir, sizeof dir, "%s/session", path);
	n = entries(dir, keep_plain, &names);
	for (int i = 0; rc == 0 && i < n; i++)
		rc = each_of_project(path, names[i]->d_name, fn, context, err);
	entries_free(names, n);
	return rc;
}

struct signature {
	uint64_t hash;
	int64_t newest_ms;
};

static int add_to_signature(void *context, const struct opencode_db_session *session, struct err *err)
{
	struct signature *signature = context;
	const uint64_t facts[3] = { signature->hash, hash_64(session->id.ptr, session->id.len), (uint64_t)session->updated_ms };

	(void)err;
	signature->hash = hash_64(facts, sizeof facts);
	if (session->updated_ms > signature->newest_ms)
		signature->newest_ms = session->updated_ms;
	return 0;
}

uint64_t opencode_storage_signature(const char *path, bool *ret_racy)
{
	struct signature signature = { .hash = 1 };

	(void)opencode_storage_each_session(path, add_to_signature, &signature, NULL);
	*ret_racy = clock_wall_ms() - signature.newest_ms < RACY_MS;
	return signature.hash ? signature.hash : 1;
}

/* The file of a session: its project is not known. False: there is none. */
static bool find_session(const char *path, const char *id, char file[PATH_BYTES])
{
	char dir[PATH_BYTES];
	struct dirent **names;
	bool found = false;
	int n;

	snprintf(dir, sizeof dir, "%s/session", path);
	n = entries(dir, keep_plain, &names);
	for (int i = 0; !found && i < n; i++) {
		snprintf(file, PATH_BYTES, "%s/session/%s/%s.json", path, names[i]->d_name, id);
		found = changed_ms(file) != 0;
	}
	entries_free(names, n);
	return found;
}

int opencode_storage_activity(const char *path, struct slice session, struct opencode_activity *ret, struct err *err)
{
	char id[128], file[PATH_BYTES];

	*ret = (struct opencode_activity){ .seq = -1 };
	snprintf(id, sizeof id, "%.*s", (int)session.len, session.ptr);
	if (strchr(id, '/') || !find_session(path, id, file))
		return err_set(err, LF_ENOENT, "%s: the session is gone", path);
	ret->last_ms = session_changed_ms(path, file, id);
	return 0;
}

/* ---- one session ---- */

struct reading {
	const char *path;
	struct opencode_position *position;
	struct page *page;
};

static void note_high(struct opencode_position *position, int64_t ms)
{
	if (ms > position->high_ms)
		position->high_ms = ms;
}

static bool is_new(const struct reading *r, int64_t ms)
{
	return ms >= r->position->state_ms - SLACK_MS;
}

/* A file that went meanwhile counts as empty; one that is too large is left out, and said. */
static int add_file(struct reading *r, const char *file, bool *ret_added, struct err *err)
{
	struct buf *text = &r->page->text;
	size_t before = text->len;
	struct buf content;
	struct stat st;
	int rc;

	*ret_added = false;
	if (stat(file, &st) != 0 || st.st_size == 0)
		return 0;
	if ((uint64_t)st.st_size > INGEST_MAX_VALUE_BYTES - CHUNK_BYTES) {
		r->page->values[r->page->count++] = (struct page_value){ .oversize_bytes = (uint64_t)st.st_size };
		return 0;
	}
	buf_init(&content, INGEST_MAX_VALUE_BYTES);
	rc = file_read_all(file, INGEST_MAX_VALUE_BYTES, &content, err);
	if (rc == 0)
		rc = buf_slice(text, buf_view(&content));
	buf_done(&content);
	*ret_added = rc == 0;
	if (rc != 0)
		text->len = before;
	return rc == LF_ENOENT ? 0 : rc;
}

static void end_value(struct reading *r, size_t start)
{
	r->page->values[r->page->count++] = (struct page_value){ .start = start, .end = r->page->text.len };
}

/* Two places are kept free: for a value that is too large, and the one that is being written. */
static bool page_ends(const struct reading *r, size_t start)
{
	return r->page->count >= PAGE_VALUES - 2 || r->page->text.len - start >= CHUNK_BYTES;
}

static int add_part(struct reading *r, const char *file, bool *ret_any, struct err *err)
{
	size_t before = r->page->text.len;
	bool added;
	int rc;

	if (*ret_any)
		buf_char(&r->page->text, ',');
	rc = add_file(r, file, &added, err);
	if (!added)
		r->page->text.len = before;
	*ret_any = *ret_any || added;
	return rc;
}

/* The parts of a message behind position->after_part that changed. *ret_done: these were the last. */
static int add_parts(struct reading *r, const char *message, size_t start, bool *ret_any, bool *ret_done, struct err *err)
{
	struct opencode_position *position = r->position;
	char dir[PATH_BYTES], file[PATH_BYTES + 300];
	struct dirent **names;
	int n, i, rc = 0;

	snprintf(dir, sizeof dir, "%s/part/%s", r->path, message);
	n = entries(dir, keep_json, &names);
	for (i = 0; rc == 0 && i < n && !page_ends(r, start); i++) {
		int64_t ms;
		if (strcmp(names[i]->d_name, position->after_part) <= 0)
			continue;
		snprintf(file, sizeof file, "%s/%s", dir, names[i]->d_name);
		ms = changed_ms(file);
		note_high(position, ms);
		if (is_new(r, ms))
			rc = add_part(r, file, ret_any, err);
		memcpy(position->after_part, names[i]->d_name, strlen(names[i]->d_name) + 1); /* keep_json() bounds it */
	}
	*ret_done = i >= n;
	entries_free(names, n);
	return rc;
}

static int add_message(struct reading *r, const char *dir, const char *name, bool *ret_done, struct err *err)
{
	char file[PATH_BYTES + 300], id[300];
	size_t start = r->page->text.len;
	bool added, any = false;
	int64_t ms;
	int rc;

	snprintf(file, sizeof file, "%s/%s", dir, name);
	snprintf(id, sizeof id, "%.*s", (int)strlen(name) - 5, name);
	ms = changed_ms(file);
	note_high(r->position, ms);
	*ret_done = true;
	buf_text(&r->page->text, "{\"info\":");
	rc = add_file(r, file, &added, err);
	if (rc == 0 && added) {
		buf_text(&r->page->text, ",\"parts\":[");
		rc = add_parts(r, id, start, &any, ret_done, err);
		buf_text(&r->page->text, "]}");
	}
	if (rc == 0 && added && (any || is_new(r, ms)))
		end_value(r, start);
	else
		r->page->text.len = start;
	return rc != 0 ? rc : r->page->text.failed;
}

static int add_messages(struct reading *r, const char *session, bool *ret_done, struct err *err)
{
	struct opencode_position *position = r->position;
	struct dirent **names;
	char dir[PATH_BYTES];
	int n, i, rc = 0;

	snprintf(dir, sizeof dir, "%s/message/%s", r->path, session);
	n = entries(dir, keep_json, &names);
	for (i = 0; rc == 0 && i < n && r->page->count < PAGE_VALUES - 2 && r->page->text.len < PAGE_BYTES; i++) {
		bool done = true;
		if (strcmp(names[i]->d_name, position->after_message) <= 0)
			continue;
		rc = add_message(r, dir, names[i]->d_name, &done, err);
		if (rc != 0 || !done)
			break;
		memcpy(position->after_message, names[i]->d_name, strlen(names[i]->d_name) + 1);
		position->after_part[0] = '\0';
	}
	*ret_done = rc == 0 && i >= n;
	entries_free(names, n);
	return rc;
}

static int begin_pass(struct reading *r, const char *session, struct err *err)
{
	size_t start = r->page->text.len;
	char file[PATH_BYTES];
	bool added;
	int rc;

	r->position->passing = true;
	r->position->high_ms = r->position->state_ms;
	r->position->after_message[0] = r->position->after_part[0] = '\0';
	if (!find_session(r->path, session, file))
		return 0;
	note_high(r->position, session_changed_ms(r->path, file, session));
	rc = add_file(r, file, &added, err);
	if (rc == 0 && added)
		end_value(r, start);
	return rc;
}

int opencode_storage_read(const char *path, struct slice session, struct opencode_position *position, struct page *page,
                          bool *ret_more, struct err *err)
{
	struct opencode_position moved = *position;
	struct reading r = { path, &moved, page };
	bool done = false;
	char id[128];
	int rc = 0;

	snprintf(id, sizeof id, "%.*s", (int)session.len, session.ptr);
	page->count = 0;
	buf_clear(&page->text);
	if (strchr(id, '/'))
		return err_set(err, LF_ELIMIT, "%s: not the name of a session", path);
	if (!moved.passing)
		rc = begin_pass(&r, id, err);
	if (rc == 0)
		rc = add_messages(&r, id, &done, err);
	if (rc != 0)
		return rc;
	if (done) {
		moved.passing = moved.gap = false;
		moved.state_ms = moved.high_ms;
	}
	*ret_more = moved.passing;
	*position = moved;
	return 0;
}
