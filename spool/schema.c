/* The schema and its migrations: a new file is one that is migrated from version 0. */
#include "spool_internal.h"
#include <inttypes.h>
#include <stdio.h>

static const char *const steps[] = SPOOL_SCHEMA_STEPS;

/* The version of an lfspool file, 0 for an empty one; LF_EPERM when the file is somebody else's. */
int schema_version(struct spool *spool, int64_t *ret_version, struct err *err)
{
	int64_t application = 0, tables = 0;
	int rc = sql_int(spool, SQL_USER_VERSION, ret_version, err, "");

	if (rc == 0)
		rc = sql_int(spool, SQL_APPLICATION_ID, &application, err, "");
	if (rc == 0)
		rc = sql_int(spool, SQL_TABLE_COUNT, &tables, err, "");
	if (rc != 0)
		return rc;
	if (application != SPOOL_APPLICATION_ID && (application != 0 || tables != 0 || *ret_version != 0))
		return err_set(err, LF_EPERM, "%s: is not a spool of lfspool", spool->path);
	if (*ret_version > SPOOL_SCHEMA_VERSION)
		return err_set(err, LF_EVERSION, "%s: was made by a newer lfspool (format %" PRId64 ", this one knows %d)", spool->path, *ret_version, SPOOL_SCHEMA_VERSION);
	return 0;
}

int schema_migrate(struct spool *spool, struct err *err)
{
	int64_t version;
	char text[96];
	bool own;
	int rc = spool_enter(spool, &own, err);

	if (rc != 0)
		return rc;
	rc = schema_version(spool, &version, err);
	if (rc == 0 && version < SPOOL_SCHEMA_VERSION) {
		while (rc == 0 && version < SPOOL_SCHEMA_VERSION)
			rc = sql_text(spool, steps[version++], err);
		snprintf(text, sizeof text, SPOOL_SET_VERSION, SPOOL_APPLICATION_ID, SPOOL_SCHEMA_VERSION);
		if (rc == 0)
			rc = sql_text(spool, text, err);
	}
	return spool_leave(spool, own, rc, err);
}
