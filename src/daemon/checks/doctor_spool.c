/* The spool's folder, its disk, and what waits in it. */
#include "base/clock.h"
#include "base/json.h"
#include "base/system.h"
#include "daemon/checks/doctor_private.h"
#include "daemon/request.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define OLD_MS (INT64_C(3600) * 1000)
#define NEARLY_FULL_PERCENT 90

void doctor_spool(const struct doctor *doctor)
{
	const char *dir = conf_string(doctor->conf, "spool_dir");
	struct spool *spool = NULL;
	struct stat info;
	struct err err = { 0 };
	int rc;

	if (lstat(dir, &info) != 0) {
		if (errno == ENOENT)
			doctor_say(doctor, DOCTOR_NOTE, "", "%s is not there yet", dir);
		else
			doctor_say(doctor, DOCTOR_BAD, "let the user into the folders above it", "%s: %s", dir, strerror(errno));
		return;
	}
	if (S_ISDIR(info.st_mode) && (info.st_mode & (S_IRWXG | S_IRWXO))) {
		doctor_say(doctor, DOCTOR_BAD, "chmod 700 it", "%s: others may look into it (mode %04o)", dir, (unsigned)(info.st_mode & 07777));
		return;
	}
	if (!S_ISDIR(info.st_mode) || info.st_uid != getuid()) {
		doctor_say(doctor, DOCTOR_BAD, "set spool_dir to a folder of your own", "%s is no folder of this user", dir);
		return;
	}
	rc = spool_open_reader(dir, &spool, &err);
	if (rc == 0)
		rc = spool_check(spool, &err);
	spool_close(spool);
	if (rc == 0)
		doctor_say(doctor, DOCTOR_OK, "", "%s is whole", dir);
	else if (rc == LF_ENOENT)
		doctor_say(doctor, DOCTOR_NOTE, "", "%s is empty", dir);
	else if (rc == LF_EVERSION)
		doctor_say(doctor, DOCTOR_BAD, "install that lfspool again, or move the folder away", "%s", err.text);
	else if (rc == LF_ECORRUPT)
		doctor_say(doctor, DOCTOR_BAD, "restart the daemon: it sets the file aside and takes out what can be read", "%s", err.text);
	else
		doctor_say(doctor, DOCTOR_BAD, "mend what is named", "%s", err.text);
}

/* On which nothing is safe, or SQLite's log does not work. */
static const struct {
	const char *type;
	enum doctor_level level;
	const char *name, *found;
} file_systems[] = {
	{ "nfs", DOCTOR_BAD, "NFS", "several machines would write to one file" },
	{ "cifs", DOCTOR_BAD, "CIFS", "several machines would write to one file" },
	{ "smb", DOCTOR_BAD, "SMB", "several machines would write to one file" },
	{ "tmpfs", DOCTOR_WARN, "tmpfs", "what is in memory is lost at the next start of the machine" },
	{ "ramfs", DOCTOR_WARN, "ramfs", "what is in memory is lost at the next start of the machine" },
};

static void judge_file_system(const struct doctor *doctor, const char *dir)
{
	const char *type = system_file_system(dir);

	for (size_t i = 0; type && i < sizeof file_systems / sizeof file_systems[0]; i++)
		if (strcmp(type, file_systems[i].type) == 0)
			doctor_say(doctor, file_systems[i].level, "set spool_dir to a folder on a local disk", "%s is on %s: %s", dir,
			           file_systems[i].name, file_systems[i].found);
}

void doctor_disk(const struct doctor *doctor)
{
	const char *dir = conf_string(doctor->conf, "spool_dir");
	uint64_t cap = (uint64_t)conf_int(doctor->conf, "max_spool_mb") << 20, room;
	struct statvfs fs;

	if (statvfs(dir, &fs) != 0)
		return;
	judge_file_system(doctor, dir);
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (room < WORK_RESERVE_INPUT)
		doctor_say(doctor, DOCTOR_BAD, "make room; until then nothing new is taken", "only %" PRIu64 " MB are free", room >> 20);
	else if (room < cap)
		doctor_say(doctor, DOCTOR_WARN, "make room, or lower max_spool_mb", "%" PRIu64 " MB are free, less than max_spool_mb (%" PRIu64 ")",
		           room >> 20, cap >> 20);
	else
		doctor_say(doctor, DOCTOR_OK, "", "%" PRIu64 " MB are free", room >> 20);
}

static void judge_sinks(const struct doctor *doctor, const struct json_doc *doc, int32_t sinks)
{
	for (int32_t i = sinks == JSON_NONE ? JSON_NONE : doc->nodes[sinks].first; i != JSON_NONE; i = doc->nodes[i].next) {
		char *reason = json_strdup(doc, json_get(doc, i, "reason"), 512);

		if (json_string_is(doc, json_get(doc, i, "state"), "paused"))
			doctor_say(doctor, DOCTOR_BAD, "mend it, then reload the daemon or wait for the next try", "sending is paused: %s", reason ? reason : "");
		if (json_string_is(doc, json_get(doc, i, "state"), "retrying"))
			doctor_say(doctor, DOCTOR_WARN, "", "sending is tried again: %s", reason ? reason : "");
		free(reason);
	}
}

static void judge_figures(const struct doctor *doctor, const struct json_doc *doc, int32_t spool)
{
	int64_t dead = json_int(doc, json_get(doc, spool, "dead"), 0), pending = json_int(doc, json_get(doc, spool, "pending"), 0);
	int64_t oldest_s = json_int(doc, json_get(doc, spool, "oldest_pending_s"), 0), bytes = json_int(doc, json_get(doc, spool, "bytes"), 0);
	int64_t max = json_int(doc, json_get(doc, spool, "max_bytes"), 0);
	char age[32];

	if (dead > 0)
		doctor_say(doctor, DOCTOR_WARN, "lfspool dead list; then retry or drop", "%" PRId64 " dead letters", dead);
	if (pending > 0 && oldest_s * 1000 > OLD_MS) {
		clock_format_duration(oldest_s * 1000, age);
		doctor_say(doctor, DOCTOR_WARN, "see server and login above", "%" PRId64 " observations wait, the oldest for %s", pending, age);
	}
	if (max > 0 && bytes > max / 100 * NEARLY_FULL_PERCENT)
		doctor_say(doctor, DOCTOR_WARN, "raise max_spool_mb, or see why nothing is delivered",
		           "the spool is nearly full (%" PRId64 " of %" PRId64 " MB): the oldest goes first", bytes >> 20, max >> 20);
	if (dead == 0 && oldest_s * 1000 <= OLD_MS)
		doctor_say(doctor, DOCTOR_OK, "", "%" PRId64 " observations wait, no dead letters", pending);
}

void doctor_backlog(const struct doctor *doctor)
{
	struct buf reply;
	struct json_doc doc;
	int32_t result;

	buf_init(&reply, 0);
	json_doc_init(&doc);
	if (request_perform(doctor->conf, true, SLICE("{\"cmd\":\"status\"}"), -1, &reply, NULL) == 0 &&
	    json_parse(&doc, buf_view(&reply), 0, NULL) == 0) {
		result = json_path(&doc, 0, "result.status");
		judge_sinks(doctor, &doc, json_get(&doc, result, "sinks"));
		judge_figures(doctor, &doc, json_get(&doc, result, "spool"));
	}
	json_doc_done(&doc);
	buf_done(&reply);
}
