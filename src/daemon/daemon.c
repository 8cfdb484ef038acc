/*
 * Start order: signals blocked, rules, spool (lock), writer, flushers, /metrics, exporter, sources, control socket, "ready". Stop is its reverse: the
 * control socket first, so that nothing new is asked; the sources, so that nothing new comes in; the flushers, which cut hanging requests; the writer, which does
 * what is queued; the spool. Threads: main (signals), writer, flushers, sources, control and its connections.
 */
#include "daemon/daemon.h"
#include "base/log.h"
#include "base/system.h"
#include "daemon/control.h"
#include "daemon/meters/exporter.h"
#include "daemon/flusher/flush.h"
#include "daemon/meters/listener.h"
#include "daemon/otlp.h"
#include "daemon/sources/server.h"
#include "daemon/sources/sources.h"
#include "daemon/writer.h"
#include "map/map.h"
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#define REOPEN_SIGNAL SIGUSR1 /* to this process; blocked */
#define REOPEN_PAUSE_MS 1000
#define REOPEN_LONGEST_MS 60000

static void notify_service(const char *state)
{
#ifdef HAVE_SYSTEMD
	(void)sd_notify(0, state);
#else
	(void)state;
#endif
}

static int64_t watchdog_ms(void)
{
#ifdef HAVE_SYSTEMD
	uint64_t usec = 0;
	if (sd_watchdog_enabled(0, &usec) > 0)
		return (int64_t)(usec / 2000);
#endif
	return 0;
}

struct running {
	struct work work;
	struct control *control;
	struct listener *listener;
	struct exporter *exporter;
};

static void set_log(const struct conf *conf)
{
	log_set_level((enum log_level)conf_int(conf, "log_level"));
	log_set_files(conf_string(conf, "log_dir"), (unsigned)conf_int(conf, "log_keep_days"), (uint64_t)conf_int(conf, "log_max_mb") << 20);
}

/* On the writer's thread: main closes the spool and opens it anew. */
static void ask_to_reopen(void)
{
	kill(getpid(), REOPEN_SIGNAL);
}

static void stop(struct running *running)
{
	struct work *work = &running->work;

	atomic_store(&work->stopping, true);
	for (int sink = 0; sink < SINK_COUNT; sink++)
		if (work->flushers[sink])
			flusher_cancel(work->flushers[sink]);
	exporter_cancel(running->exporter);
	if (running->control)
		control_stop(running->control);
	exporter_stop(running->exporter); /* it and the listener ask the servers and sources for figures */
	running->exporter = NULL;
	if (running->listener)
		listener_stop(running->listener);
	servers_stop(work->servers);
	work->servers = NULL;
	if (work->sources)
		sources_stop(work->sources);
	for (int sink = SINK_COUNT - 1; sink >= 0; sink--)
		if (work->flushers[sink])
			flusher_stop(work->flushers[sink]);
	memset(work->flushers, 0, sizeof work->flushers);
	if (work->writer)
		writer_stop(work->writer);
	work->sources = NULL;
	work->writer = NULL;
	running->control = NULL;
	running->listener = NULL;
	work_done(work);
}

static int start(struct running *running, const struct conf *conf, struct err *err)
{
	struct work *work = &running->work;
	int rc;

	set_log(conf);
	rc = work_init(work, conf, err);
	if (rc == 0)
		rc = work_open_spool(work, err);
	if (rc == 0)
		rc = writer_start(work->spool, true, ask_to_reopen, &work->writer, err);
	for (int sink = 0; rc == 0 && sink < SINK_COUNT; sink++)
		if (sink == SINK_LANGFUSE || (work->sinks & SPOOL_SINK_BIT(sink)))
			rc = flusher_start(work, (enum spool_sink)sink, &work->flushers[sink], err);
	if (rc == 0)
		rc = sources_start(work, &work->sources, err);
	if (rc == 0)
		rc = servers_start(work, &work->servers, err);
	if (rc == 0)
		rc = listener_start(work, &running->listener, err);
	if (rc == 0)
		rc = exporter_start(work, &running->exporter, err);
	if (rc == 0)
		rc = control_start(work, conf_string(conf, "spool_dir"), &running->control, err);
	if (rc != 0)
		stop(running);
	return rc;
}

/* Traces and logs for a collector that is not named, or that others can listen to. */
static void say_collectors(const struct conf *conf)
{
	static const struct { enum spool_sink sink; const char *option; enum collector_signal signal; } rows[] = {
		{ SINK_TRACES, "otlp_traces", COLLECTOR_TRACES }, { SINK_LOGS, "otlp_logs", COLLECTOR_LOGS },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *endpoint = otlp_string(conf, rows[i].signal, "endpoint");
		if (strcmp(conf_string(conf, rows[i].option), "otlp") != 0)
			continue;
		if (!(work_sinks(conf) & SPOOL_SINK_BIT(rows[i].sink)))
			log_event(LOG_LEVEL_WARN, "daemon.noendpoint", "option=%s note=\"no otlp_endpoint: nothing goes to a collector\"", rows[i].option);
		else if (work_plain_text(endpoint))
			log_event(LOG_LEVEL_WARN, "daemon.plaintext", "option=%s note=\"http:// to a host that is not this machine: it can be read on the way\"", rows[i].option);
	}
}

static void say_hello(const struct conf *conf)
{
	const char *host = conf_string(conf, "langfuse_host");
	struct map_parent parent;
	bool keys = conf_string(conf, "langfuse_public_key") && conf_string(conf, "langfuse_secret_key");

	log_event(LOG_LEVEL_INFO, "daemon.start", "version=%s pid=%d mode=%s host=\"%s\"", PACKAGE_VERSION, (int)getpid(),
	          conf_string(conf, "mode"), host ? host : "");
	if (host && work_plain_text(host))
		log_event(LOG_LEVEL_WARN, "daemon.plaintext", "note=\"http:// to a host that is not this machine: keys and traces can be read on the way\"");
	if (!keys && work_sinks(conf) == SPOOL_SINK_BIT(SINK_LANGFUSE))
		log_event(LOG_LEVEL_WARN, "daemon.nokeys", "note=\"no Langfuse keys: spooling only\"");
	say_collectors(conf);
	if (conf_string(conf, "traceparent") && map_traceparent(conf_string(conf, "traceparent"), &parent) != 0)
		log_event(LOG_LEVEL_WARN, "daemon.traceparent", "note=\"not of the form 00-<trace>-<span>-<flags>: it counts as none\"");
}

/* Waits for a signal; 0 when only the watchdog was due. */
static int wait_signal(const sigset_t *signals)
{
	int64_t every_ms = watchdog_ms();
	int signal = system_wait_signal(signals, every_ms > 0 ? every_ms : -1);

	if (signal == 0 && every_ms > 0)
		notify_service("WATCHDOG=1");
	return signal;
}

/* With a configuration that does not load, or does not start, the old one goes on. */
static int restart(struct running *running, struct conf **conf, daemon_reload_fn *reload, void *context, struct err *err)
{
	struct conf *fresh = NULL;
	int rc = reload(context, &fresh, err);

	if (rc != 0) {
		log_event(LOG_LEVEL_ERROR, "daemon.reload", "error=\"%s\" note=\"the old configuration stays\"", err->text);
		return 0;
	}
	notify_service("RELOADING=1");
	stop(running);
	rc = start(running, fresh, err);
	if (rc != 0) {
		log_event(LOG_LEVEL_ERROR, "daemon.reload", "error=\"%s\" note=\"the old configuration stays\"", err->text);
		conf_free(fresh);
		rc = start(running, *conf, err);
	} else {
		conf_free(*conf);
		*conf = fresh;
	}
	notify_service("READY=1");
	if (rc == 0)
		log_event(LOG_LEVEL_INFO, "daemon.reload", NULL);
	return rc;
}

/* A spool that broke under us is opened again, which recovers it; until that works nothing is acknowledged. */
static int reopen(struct running *running, const struct conf *conf, const sigset_t *signals, struct err *err)
{
	int64_t pause_ms = REOPEN_PAUSE_MS;
	int signal;

	log_event(LOG_LEVEL_ERROR, "spool.broken", "note=\"closing it and opening it again\"");
	stop(running);
	for (;;) {
		signal = system_wait_signal(signals, pause_ms);
		if (signal == SIGTERM || signal == SIGINT)
			return signal;
		if (start(running, conf, err) == 0)
			return 0;
		log_event(LOG_LEVEL_ERROR, "spool.broken", "error=\"%s\"", err->text);
		pause_ms = pause_ms < REOPEN_LONGEST_MS ? pause_ms * 2 : REOPEN_LONGEST_MS;
	}
}

int daemon_run(struct conf **conf, daemon_reload_fn *reload, void *context, struct err *err)
{
	static struct running running;
	sigset_t signals;
	int rc, signal = 0;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, REOPEN_SIGNAL);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	(void)!sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	rc = start(&running, *conf, err);
	if (rc != 0)
		return rc;
	say_hello(*conf);
	notify_service("READY=1");
	while (rc == 0 && signal != SIGTERM && signal != SIGINT) {
		signal = wait_signal(&signals);
		if (signal == SIGHUP)
			rc = restart(&running, conf, reload, context, err);
		else if (signal == REOPEN_SIGNAL)
			signal = reopen(&running, *conf, &signals, err);
	}
	notify_service("STOPPING=1");
	if (rc == 0 && running.control)
		stop(&running);
	log_event(LOG_LEVEL_INFO, "daemon.stop", "signal=%d", signal);
	return rc;
}
