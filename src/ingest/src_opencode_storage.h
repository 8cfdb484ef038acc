/*
 * What OpenCode kept before it had a database: storage/session/<project>/<session>.json, storage/message/<session>/<message>.json,
 * storage/part/<message>/<part>.json. Read through opencode_db_…, which calls these when its path is a directory. Times of change are
 * those of the files.
 */
#ifndef LF_INGEST_SRC_OPENCODE_STORAGE_H
#define LF_INGEST_SRC_OPENCODE_STORAGE_H
#include "ingest/src_opencode_db.h"

/* LF_ENOENT: there is no such directory. */
int opencode_storage_check(const char *path, struct err *err);
uint64_t opencode_storage_signature(const char *path, bool *ret_racy);
int opencode_storage_each_session(const char *path, opencode_db_session_fn *fn, void *context, struct err *err);
int opencode_storage_activity(const char *path, struct slice session, struct opencode_activity *ret, struct err *err);
int opencode_storage_read(const char *path, struct slice session, struct opencode_position *position, struct page *page,
                          bool *ret_more, struct err *err);

#endif
