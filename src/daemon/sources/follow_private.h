/* What the parts of a follower share. */
#ifndef LF_DAEMON_FOLLOW_PRIVATE_H
#define LF_DAEMON_FOLLOW_PRIVATE_H
#include "daemon/sources/follow.h"
#include "daemon/sources/patience.h"
#include "daemon/sources/pipeline.h"
#include "daemon/sources/session_map.h"
#include "ingest/src_opencode_db.h"

#define MAX_OTHERS 16

struct todo {
	uint32_t place;
	int64_t last_ms;
};

struct follow {
	struct work *work;
	char *path;
	char prefix[20];           /* of its cursors: "<16 hex>/" */
	struct follow_status status;
	struct session_map *map;
	bool loaded;               /* the cursors were read */
	char identity[64], stored_identity[64]; /* of the file; stored "": it was never looked at */
	uint32_t generation, life; /* of scans; of the pipeline */
	struct pipeline *pipeline;
	struct pipeline_result result;
	struct page page;
	uint64_t signature;
	bool racy, pending;
	struct patience patience;
	int64_t unindexed_mono_ms;
	bool unindexed;            /* this scan saw what is not in the change index too */
	struct follow *others[MAX_OTHERS];
	unsigned other_count;
	uint64_t problems;         /* that were logged */
	struct todo *todo;
	size_t todo_count, todo_cap;
};

/* Reads the cursors once. */
int follow_load(struct follow *follow, struct err *err);
/* Writes down marks that are known and take nothing: sessions that are left out for their age; and that this file was looked at. */
int follow_leave_out(struct follow *follow, const uint32_t *places, size_t count, struct err *err);
/*
 * Takes one session to its end. whole: from its beginning, whatever was taken before. LF_ECORRUPT, LF_ELIMIT: this session
 * cannot be read, others may.
 */
int follow_take(struct follow *follow, struct opencode_db *db, struct session_mark *mark, bool whole, struct err *err);
/* A session is gone: its cursor goes, and with say a signal is stored. */
int follow_take_deleted(struct follow *follow, struct session_mark *mark, bool say, struct err *err);

#endif
