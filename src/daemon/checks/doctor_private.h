/* What the parts of the doctor share. */
#ifndef LF_DAEMON_DOCTOR_PRIVATE_H
#define LF_DAEMON_DOCTOR_PRIVATE_H
#include "daemon/checks/doctor.h"
#include "daemon/work.h"

struct doctor {
	const struct conf *conf;
	const char *check; /* the one that runs */
	doctor_fn *say;
	void *context;
};

/* mend may be ""; what follows makes found. */
void doctor_say(const struct doctor *doctor, enum doctor_level level, const char *mend, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* ---- doctor_server.c: host, server, login ---- */
void doctor_host(const struct doctor *doctor);
void doctor_server(const struct doctor *doctor);
void doctor_login(const struct doctor *doctor);
/* ---- doctor_spool.c: spool, disk, backlog ---- */
void doctor_spool(const struct doctor *doctor);
void doctor_disk(const struct doctor *doctor);
void doctor_backlog(const struct doctor *doctor);
/* ---- doctor_agent.c: sources, plugin, exporters ---- */
void doctor_sources(const struct doctor *doctor);
void doctor_plugin(const struct doctor *doctor);
void doctor_exporters(const struct doctor *doctor);
/* ---- doctor_claude.c ---- */
void doctor_claude(const struct doctor *doctor);

#endif
