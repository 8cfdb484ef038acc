/* The configuration: order of the layers, types and ranges, names, keys from files, and what errors say and hide. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above first */
#include <cmocka.h>

#include "conf/conf.h"
#include <ctype.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *source_dir; /* taken before the tests clear the environment */

#define SECRET "sk-lf-11111111-2222-3333-4444-555555555555"

struct fixture {
	char dir[64];   /* HOME */
	char file[128]; /* lfspool.conf in it */
	struct conf *conf;
	struct err err;
};

static void path_in(const struct fixture *f, const char *name, char out[192])
{
	snprintf(out, 192, "%s/%s", f->dir, name);
}

static void write_path(const char *path, const char *text, mode_t mode)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_int_equal(fwrite(text, 1, strlen(text), out), strlen(text));
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	clearenv();
	snprintf(f->dir, sizeof f->dir, "/tmp/test_conf.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->file, sizeof f->file, "%s/lfspool.conf", f->dir);
	setenv("HOME", f->dir, 1);
	*state = f;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
	(void)st, (void)kind, (void)walk;
	return remove(path);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	conf_free(f->conf);
	nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

static int load(struct fixture *f, const char *text, const char *override)
{
	const char *overrides[] = { override, NULL };

	conf_free(f->conf);
	f->conf = NULL;
	memset(&f->err, 0, sizeof f->err);
	if (text)
		write_path(f->file, text, 0600);
	return conf_load(text ? f->file : NULL, overrides, &f->conf, &f->err);
}

static void expect_error(struct fixture *f, const char *text, const char *override, const char *words)
{
	int rc = load(f, text, override);

	if (rc == 0 || !strstr(f->err.text, words))
		fail_msg("wanted \"%s\", got %d \"%s\"", words, rc, f->err.text);
	assert_null(f->conf);
}

static void expect_ok(struct fixture *f, const char *text, const char *override)
{
	int rc = load(f, text, override);

	if (rc != 0)
		fail_msg("%d \"%s\"", rc, f->err.text);
}

static unsigned index_of(const char *name)
{
	for (unsigned i = 0; i < conf_option_count; i++)
		if (strcmp(conf_options[i].name, name) == 0)
			return i;
	fail_msg("no option %s", name);
	return 0;
}

static void expect_origin(struct fixture *f, const char *name, enum conf_origin origin, const char *where_end)
{
	const char *where = NULL;

	assert_int_equal(conf_origin(f->conf, index_of(name), &where), origin);
	assert_int_equal(where == NULL, where_end == NULL);
	if (where && where_end) {
		assert_true(strlen(where) >= strlen(where_end));
		assert_string_equal(where + strlen(where) - strlen(where_end), where_end);
	}
}

static void table_is_sound(void **state)
{
	(void)state;
	for (unsigned i = 0; i < conf_option_count; i++) {
		const struct conf_option *option = &conf_options[i];
		assert_true(option->help && *option->help);
		for (const char *p = option->name; *p; p++)
			assert_true(islower((unsigned char)*p) || *p == '_');
		if (option->type == CONF_INT || option->type == CONF_DURATION)
			assert_true(option->min < option->max);
		if (option->type == CONF_ENUM)
			assert_non_null(option->choices);
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(option->name, conf_options[j].name);
	}
}

static void defaults_without_file(void **state)
{
	struct fixture *f = *state;
	char path[192];

	expect_ok(f, NULL, NULL);
	assert_true(conf_bool(f->conf, "enabled"));
	assert_string_equal(conf_string(f->conf, "mode"), "full");
	assert_int_equal(conf_int(f->conf, "max_spool_mb"), 100);
	assert_int_equal(conf_int(f->conf, "retention_days"), 7);
	assert_int_equal(conf_int(f->conf, "flush_interval"), 5000);
	assert_int_equal(conf_int(f->conf, "stale_after"), 3600000);
	assert_null(conf_string(f->conf, "langfuse_host"));
	assert_null(conf_string(f->conf, "langfuse_secret_key"));
	assert_null(conf_value_text(f->conf, index_of("langfuse_secret_key")));
	path_in(f, ".local/state/lfspool", path);
	assert_string_equal(conf_string(f->conf, "spool_dir"), path);
	expect_origin(f, "spool_dir", CONF_FROM_DEFAULT, NULL);
}

static void order_of_layers(void **state)
{
	struct fixture *f = *state;

	expect_ok(f, "# comment\nmax_spool_mb = 20\n", NULL);
	assert_int_equal(conf_int(f->conf, "max_spool_mb"), 20);
	expect_origin(f, "max_spool_mb", CONF_FROM_FILE, "lfspool.conf:2");
	setenv("OPENCODE_LANGFUSE_MAX_SPOOL_MB", "30", 1);
	expect_ok(f, "max_spool_mb = 20\n", NULL);
	assert_int_equal(conf_int(f->conf, "max_spool_mb"), 30);
	setenv("LFSPOOL_MAX_SPOOL_MB", "40", 1);
	expect_ok(f, "max_spool_mb = 20\n", NULL);
	assert_int_equal(conf_int(f->conf, "max_spool_mb"), 40);
	expect_origin(f, "max_spool_mb", CONF_FROM_ENV, "LFSPOOL_MAX_SPOOL_MB");
	expect_ok(f, "max_spool_mb = 20\n", "max-spool-mb=50");
	assert_int_equal(conf_int(f->conf, "max_spool_mb"), 50);
	expect_origin(f, "max_spool_mb", CONF_FROM_COMMAND, "--set");
	setenv("LFSPOOL_MAX_SPOOL_MB", "", 1); /* empty: not set */
	expect_ok(f, "max_spool_mb = 20\n", NULL);
	assert_int_equal(conf_int(f->conf, "max_spool_mb"), 30);
}

static void default_file_is_found(void **state)
{
	struct fixture *f = *state;
	char path[192];

	path_in(f, ".config", path);
	assert_int_equal(mkdir(path, 0700), 0);
	path_in(f, ".config/lfspool", path);
	assert_int_equal(mkdir(path, 0700), 0);
	path_in(f, ".config/lfspool/lfspool.conf", path);
	write_path(path, "mode = off\n", 0600);
	expect_ok(f, NULL, NULL);
	assert_string_equal(conf_string(f->conf, "mode"), "off");
	setenv("XDG_CONFIG_HOME", "relative", 1); /* ignored, by the XDG rules */
	expect_ok(f, NULL, NULL);
	assert_string_equal(conf_string(f->conf, "mode"), "off");
	setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	expect_ok(f, NULL, NULL);
	assert_string_equal(conf_string(f->conf, "mode"), "full");
}

static void named_file_must_exist(void **state)
{
	struct fixture *f = *state;

	assert_int_not_equal(conf_load("/nonexistent/lfspool.conf", NULL, &f->conf, &f->err), 0);
	assert_null(f->conf);
	assert_non_null(strstr(f->err.text, "/nonexistent/lfspool.conf"));
	assert_int_not_equal(conf_load(f->dir, NULL, &f->conf, &f->err), 0);
}

static void file_errors(void **state)
{
	struct fixture *f = *state;

	expect_error(f, "\n\nmax_spool_mb = 5\n", NULL, "lfspool.conf:3: max_spool_mb = 5: must be 10 to 1000000");
	expect_error(f, "max_spool_mb = ten\n", NULL, "lfspool.conf:1: max_spool_mb = ten: must be a whole number, 10 to 1000000");
	expect_error(f, "max_spool_mb = 99999999999999999999\n", NULL, "must be 10 to 1000000");
	expect_error(f, "max_spool_mb = -20\n", NULL, "must be 10 to 1000000");
	expect_error(f, "max_spool_mb =\n", NULL, "must be a whole number");
	expect_error(f, "max_spool = 50\n", NULL, "lfspool.conf:1: unknown option \"max_spool\": did you mean \"max_spool_mb\"?");
	expect_error(f, "LANGFUSE_HOST = x\n", NULL, "did you mean \"langfuse_host\"?");
	expect_error(f, "zzzzzzzzzz = 50\n", NULL, "lfspool.conf:1: unknown option \"zzzzzzzzzz\"");
	assert_null(strstr(f->err.text, "did you mean"));
	expect_error(f, "mode = full\nnonsense\n", NULL, "lfspool.conf:2: must be \"name = value\"");
	expect_error(f, "mode = full\n\nmode = off\n", NULL, "lfspool.conf:3: mode is set a second time, after line 1");
	expect_error(f, "[other]\nmode = full\n", NULL, "lfspool.conf:2: in an unknown section");
	expect_error(f, "mode = metadata\n", NULL, "mode = metadata: must be full, metadata_only or off");
	expect_ok(f, "[lfspool]\nmode = off\n", NULL);
}

static void file_with_nul_is_refused(void **state)
{
	struct fixture *f = *state;
	FILE *out = fopen(f->file, "w");

	assert_non_null(out);
	assert_int_equal(fwrite("mode = off\ntags = a\0b\n", 1, 22, out), 22);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(conf_load(f->file, NULL, &f->conf, &f->err), LF_EINVAL);
	assert_non_null(strstr(f->err.text, "lfspool.conf:2: is not text"));
}

static void file_forms(void **state)
{
	struct fixture *f = *state;

	expect_ok(f, "\xef\xbb\xbf# first\r\ntrace_prefix = \"team: \"\r\n   environment = prod\r\n\ttags = a , b,,c ; why\r\n"
	             "redact_patterns = \"a\",\"b\"\nredact_env =", NULL);
	assert_string_equal(conf_string(f->conf, "trace_prefix"), "team: ");
	assert_string_equal(conf_string(f->conf, "environment"), "prod");
	assert_string_equal(conf_string(f->conf, "tags"), "a,b,c");
	assert_string_equal(conf_string(f->conf, "redact_patterns"), "\"a\",\"b\"");
	assert_null(conf_string(f->conf, "redact_env"));
	expect_origin(f, "redact_env", CONF_FROM_FILE, "lfspool.conf:6");
}

static void long_lines_are_whole(void **state)
{
	struct fixture *f = *state;
	char value[1001], text[1200];

	snprintf(value, sizeof value, "%01000d", 7);
	snprintf(text, sizeof text, "mode = off\n  redact_patterns=  %s \t; why\r\ntags = a\n", value);
	expect_ok(f, text, NULL);
	assert_string_equal(conf_string(f->conf, "redact_patterns"), value);
	assert_string_equal(conf_string(f->conf, "tags"), "a");
	snprintf(text, sizeof text, "%s = 1\n", value);
	expect_error(f, text, NULL, "lfspool.conf:1: ");
	snprintf(text, sizeof text, "trace_prefix = \"%s\"", value);
	expect_ok(f, text, NULL);
	assert_string_equal(conf_string(f->conf, "trace_prefix"), value);
	snprintf(text, sizeof text, "; %s\nmax_spool_mb = 5\n", value);
	expect_error(f, text, NULL, "lfspool.conf:2: max_spool_mb = 5");
}

static void durations(void **state)
{
	static const struct { const char *text; int64_t ms; } good[] = {
		{ "100ms", 100 }, { "7s", 7000 }, { "7", 7000 }, { "1.5s", 1500 }, { "0.25m", 15000 }, { "1h", 3600000 },
	};
	static const char *const bad[] = { "s", "1x", "1.s", ".5s", "-1s", "1 s", "1s2", "1e3", "" };
	struct fixture *f = *state;
	char override[64];

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		snprintf(override, sizeof override, "flush_interval=%s", good[i].text);
		expect_ok(f, NULL, override);
		assert_int_equal(conf_int(f->conf, "flush_interval"), good[i].ms);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		snprintf(override, sizeof override, "flush_interval=%s", bad[i]);
		expect_error(f, NULL, override, "must be a number with ms, s, m, h, d or w, 100ms to 1h");
	}
	expect_error(f, NULL, "flush_interval=99ms", "--set: flush_interval = 99ms: must be 100ms to 1h");
	expect_error(f, NULL, "flush_interval=61m", "must be 100ms to 1h");
	expect_error(f, NULL, "flush_interval=99999999999999999999w", "must be 100ms to 1h");
	expect_error(f, NULL, "stale_after=31d", "must be 0 to 30d");
	expect_ok(f, NULL, "stale_after=2w");
	assert_int_equal(conf_int(f->conf, "stale_after"), 1209600000);
	expect_ok(f, NULL, "stale_after=0");
	assert_int_equal(conf_int(f->conf, "stale_after"), 0);
}

static void names_of_other_exporters(void **state)
{
	struct fixture *f = *state;

	setenv("LANGFUSE_BASE_URL", "https://two.example", 1);
	setenv("LANGFUSE_PUBLIC_KEY", "pk-lf-1", 1);
	setenv("OPENCODE_LANGFUSE_EXPORT_MODE", "metadata_only", 1);
	setenv("OPENCODE_LANGFUSE_FLUSH_INTERVAL", "2500", 1); /* its unit is ms */
	setenv("OPENCODE_LANGFUSE_VERBOSE", "true", 1);
	setenv("OPENCODE_LANGFUSE_ENABLED", "false", 1);
	setenv("OPENCODE_LANGFUSE_SOMETHING_NEW", "x", 1);
	setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318", 1);
	expect_ok(f, NULL, NULL);
	assert_string_equal(conf_string(f->conf, "langfuse_host"), "https://two.example");
	assert_string_equal(conf_string(f->conf, "langfuse_public_key"), "pk-lf-1");
	assert_string_equal(conf_string(f->conf, "mode"), "metadata_only");
	assert_int_equal(conf_int(f->conf, "flush_interval"), 2500);
	assert_string_equal(conf_string(f->conf, "log_level"), "debug");
	assert_false(conf_bool(f->conf, "enabled"));
	expect_origin(f, "langfuse_host", CONF_FROM_ENV, "LANGFUSE_BASE_URL");
	setenv("LANGFUSE_HOST", "https://one.example", 1);
	setenv("OPENCODE_LANGFUSE_FLUSH_INTERVAL", "2s", 1);
	setenv("OPENCODE_LANGFUSE_VERBOSE", "false", 1);
	expect_ok(f, "log_level = warn\n", NULL);
	assert_string_equal(conf_string(f->conf, "langfuse_host"), "https://one.example");
	assert_int_equal(conf_int(f->conf, "flush_interval"), 2000);
	assert_string_equal(conf_string(f->conf, "log_level"), "warn");
}

static void endpoints_may_lack_their_scheme(void **state)
{
	static const struct { const char *given, *insecure, *url; } rows[] = {
		{ "localhost:4317", NULL, "http://localhost:4317" }, { "127.0.0.1:4317", "false", "http://127.0.0.1:4317" },
		{ "[::1]:4317", NULL, "http://[::1]:4317" }, { "collector.example:4317", NULL, "https://collector.example:4317" },
		{ "collector.example:4317", "TRUE", "http://collector.example:4317" }, { "https://localhost:1", "true", "https://localhost:1" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", rows[i].given, 1);
		unsetenv("OTEL_EXPORTER_OTLP_INSECURE");
		if (rows[i].insecure)
			setenv("OTEL_EXPORTER_OTLP_INSECURE", rows[i].insecure, 1);
		expect_ok(f, NULL, NULL);
		assert_string_equal(conf_string(f->conf, "otlp_metrics_endpoint"), rows[i].url);
	}
	unsetenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT");
	unsetenv("OTEL_EXPORTER_OTLP_INSECURE");
	expect_error(f, "otlp_endpoint = localhost:4317\n", NULL, "otlp_endpoint");
}

static void variable_errors(void **state)
{
	struct fixture *f = *state;

	setenv("OPENCODE_LANGFUSE_RETENTION_DAYS", "0", 1);
	expect_error(f, NULL, NULL, "OPENCODE_LANGFUSE_RETENTION_DAYS: retention_days = 0: must be 1 to 3650");
	unsetenv("OPENCODE_LANGFUSE_RETENTION_DAYS");
	setenv("LFSPOOL_MAX_SPOOL", "50", 1);
	expect_error(f, NULL, NULL, "LFSPOOL_MAX_SPOOL: no option has this name: did you mean LFSPOOL_MAX_SPOOL_MB?");
	unsetenv("LFSPOOL_MAX_SPOOL");
	setenv("OPENCODE_LANGFUSE_VERBOSE", "loud", 1);
	expect_error(f, NULL, NULL, "OPENCODE_LANGFUSE_VERBOSE: must be true or false");
	unsetenv("OPENCODE_LANGFUSE_VERBOSE");
	setenv("LFSPOOL_TAGS", "a\nb", 1);
	expect_error(f, NULL, NULL, "tags = (not text): must not contain control characters");
	setenv("LFSPOOL_TAGS", "a\xff", 1);
	expect_error(f, NULL, NULL, "must be UTF-8");
	unsetenv("LFSPOOL_TAGS");
	setenv("LFSPOOL", "/usr/bin/lfspool", 1); /* has no option in it */
	expect_ok(f, NULL, NULL);
}

static void command_errors(void **state)
{
	struct fixture *f = *state;

	expect_error(f, NULL, "mode", "--set: mode: needs \"=value\"");
	expect_error(f, NULL, "mod=full", "--set: unknown option \"mod\": did you mean \"mode\"?");
	expect_error(f, NULL, "=full", "unknown option");
	expect_error(f, NULL, "enabled=maybe", "--set: enabled = maybe: must be true or false");
	expect_error(f, NULL, "langfuse_host=langfuse.example", "must be a URL such as https://langfuse.example");
	expect_error(f, NULL, "langfuse_host=https:///x", "must be a URL");
	expect_error(f, NULL, "langfuse_host=https://a:hunter2@x", "must not hold a user or password");
	assert_null(strstr(f->err.text, "hunter2"));
	expect_ok(f, NULL, "enabled=No");
	assert_false(conf_bool(f->conf, "enabled"));
	assert_string_equal(conf_value_text(f->conf, index_of("enabled")), "false");
}

static void secrets_stay_hidden(void **state)
{
	struct fixture *f = *state;

	expect_ok(f, "langfuse_secret_key = " SECRET "\n", NULL);
	assert_string_equal(conf_string(f->conf, "langfuse_secret_key"), SECRET);
	assert_string_equal(conf_value_text(f->conf, index_of("langfuse_secret_key")), "********");
	expect_error(f, "langfuse_secret_key = " SECRET " x\n", NULL, "must be one word of ASCII");
	assert_null(strstr(f->err.text, "sk-lf"));
	expect_error(f, "langfuse_secret_kye = " SECRET "\n", NULL, "did you mean \"langfuse_secret_key\"?");
	assert_null(strstr(f->err.text, "sk-lf"));
	expect_error(f, "langfuse_secret_key " SECRET "\n", NULL, "lfspool.conf:1: must be \"name = value\"");
	assert_null(strstr(f->err.text, "sk-lf"));
	expect_error(f, NULL, "langfuse_secret_key:" SECRET, "did you mean \"langfuse_secret_key\"?");
	assert_null(strstr(f->err.text, "11111111"));
}

static void keys_from_files(void **state)
{
	struct fixture *f = *state;
	char path[192];

	path_in(f, "key", path);
	write_path(path, SECRET "\n", 0600);
	expect_ok(f, "langfuse_secret_key_file = key\n", NULL); /* beside the configuration */
	assert_string_equal(conf_string(f->conf, "langfuse_secret_key"), SECRET);
	setenv("LANGFUSE_SECRET_KEY_FILE", "~/key", 1);
	expect_ok(f, NULL, NULL);
	assert_string_equal(conf_string(f->conf, "langfuse_secret_key"), SECRET);
	expect_origin(f, "langfuse_secret_key", CONF_FROM_ENV, "LANGFUSE_SECRET_KEY_FILE");
	setenv("LANGFUSE_SECRET_KEY", "sk-lf-direct", 1);
	expect_ok(f, NULL, NULL);
	assert_string_equal(conf_string(f->conf, "langfuse_secret_key"), "sk-lf-direct");
	unsetenv("LANGFUSE_SECRET_KEY");
	assert_int_equal(chmod(path, 0640), 0);
	expect_error(f, NULL, NULL, "LANGFUSE_SECRET_KEY_FILE: langfuse_secret_key_file: ");
	assert_non_null(strstr(f->err.text, "is open to group or others (mode 0640): chmod 600 it"));
	write_path(path, " \n", 0600);
	expect_error(f, NULL, NULL, "is empty");
	assert_int_equal(unlink(path), 0);
	expect_error(f, NULL, NULL, path);
	setenv("LFSPOOL_MODE_FILE", path, 1); /* only keys have one */
	unsetenv("LANGFUSE_SECRET_KEY_FILE");
	expect_error(f, NULL, NULL, "LFSPOOL_MODE_FILE: no option has this name");
}

static void keys_from_credentials(void **state)
{
	struct fixture *f = *state;
	char path[192];

	setenv("CREDENTIALS_DIRECTORY", f->dir, 1);
	path_in(f, "langfuse_secret_key", path);
	write_path(path, SECRET "\n", 0440); /* systemd grants by ACL, which shows as group rights */
	path_in(f, "langfuse_public_key", path);
	write_path(path, "pk-lf-cred", 0440);
	path_in(f, "mode", path);
	write_path(path, "off", 0440); /* not a key: some other service's file */
	expect_ok(f, "langfuse_public_key = pk-lf-file\n", NULL);
	assert_string_equal(conf_string(f->conf, "langfuse_secret_key"), SECRET);
	assert_string_equal(conf_string(f->conf, "langfuse_public_key"), "pk-lf-cred");
	assert_string_equal(conf_string(f->conf, "mode"), "full");
	expect_origin(f, "langfuse_secret_key", CONF_FROM_ENV, "/langfuse_secret_key");
	setenv("LANGFUSE_PUBLIC_KEY", "pk-lf-env", 1);
	expect_ok(f, NULL, NULL);
	assert_string_equal(conf_string(f->conf, "langfuse_public_key"), "pk-lf-env");
}

static void paths_are_absolute(void **state)
{
	struct fixture *f = *state;
	char path[192], cwd[4096];

	setenv("XDG_STATE_HOME", "state", 1); /* relative: ignored */
	expect_ok(f, NULL, NULL);
	path_in(f, ".local/state/lfspool", path);
	assert_string_equal(conf_string(f->conf, "spool_dir"), path);
	setenv("XDG_STATE_HOME", "/var/state", 1);
	expect_ok(f, NULL, NULL);
	assert_string_equal(conf_string(f->conf, "spool_dir"), "/var/state/lfspool");
	expect_ok(f, NULL, "spool_dir="); /* there is always one */
	assert_string_equal(conf_string(f->conf, "spool_dir"), "/var/state/lfspool");
	path_in(f, "x/y", path);
	expect_ok(f, "spool_dir = ~/x/y/\n", NULL);
	assert_string_equal(conf_string(f->conf, "spool_dir"), path);
	expect_ok(f, "spool_dir = x/y\n", NULL);
	assert_string_equal(conf_string(f->conf, "spool_dir"), path);
	expect_error(f, NULL, "spool_dir=~root/x", "only ~, $HOME");
	assert_non_null(getcwd(cwd, sizeof cwd - 8));
	strcat(cwd, "/x");
	expect_ok(f, NULL, "ca_file=x");
	assert_string_equal(conf_string(f->conf, "ca_file"), cwd);
}

static char *read_source(const char *name)
{
	char path[4096];
	FILE *in;
	size_t n, cap = 1 << 16;
	char *text = malloc(cap);

	snprintf(path, sizeof path, "%s/%s", source_dir, name);
	in = fopen(path, "r");
	assert_non_null(in);
	assert_non_null(text);
	n = fread(text, 1, cap - 1, in);
	assert_true(n > 0 && n < cap - 1);
	text[n] = '\0';
	fclose(in);
	return text;
}

/* Takes the comment sign from each "#name = value". */
static void uncomment(char *text)
{
	for (char *p = text; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (p[0] == '#' && islower((unsigned char)p[1]))
			p[0] = ' ';
	}
}

static void example_has_all_options(void **state)
{
	struct fixture *f = *state;
	char *text = read_source("contrib/lfspool.conf.example"), path[192];

	path_in(f, "secret-key", path);
	write_path(path, SECRET, 0600);
	expect_ok(f, text, NULL);
	for (unsigned i = 0; i < conf_option_count; i++)
		expect_origin(f, conf_options[i].name, CONF_FROM_DEFAULT, NULL);
	uncomment(text);
	expect_ok(f, text, NULL);
	for (unsigned i = 0; i < conf_option_count; i++) {
		const char *where;
		if (conf_origin(f->conf, i, &where) != CONF_FROM_FILE)
			fail_msg("%s is not in the example", conf_options[i].name);
		if (conf_options[i].fallback && conf_options[i].type != CONF_PATH)
			assert_string_equal(conf_value_text(f->conf, i), conf_options[i].fallback);
	}
	free(text);
}

/* The entry of the option in the manual page, up to the next, on the heap. */
static char *page_entry(const char *page, const char *name)
{
	char head[80];
	const char *start, *end;

	snprintf(head, sizeof head, "\n.It Ic %s\n", name);
	start = strstr(page, head);
	if (!start)
		fail_msg("lfspool.conf.5 has no entry for %s", name);
	start += strlen(head);
	end = strstr(start, "\n.It ");
	return strndup(start, end ? (size_t)(end - start) : strlen(start));
}

static void expect_words(const char *name, const char *entry, const char *list, const char *separators)
{
	char *copy = strdup(list), *p = NULL;

	for (char *word = strtok_r(copy, separators, &p); word; word = strtok_r(NULL, separators, &p))
		if (!strstr(entry, word))
			fail_msg("the entry of %s in lfspool.conf.5 does not say %s", name, word);
	free(copy);
}

static void manual_says_what_the_table_says(void **state)
{
	char *page = read_source("src/conf/lfspool.conf.5"), range[64];

	(void)state;
	for (unsigned i = 0; i < conf_option_count; i++) {
		const struct conf_option *option = &conf_options[i];
		char *entry = page_entry(page, option->name);
		expect_words(option->name, entry, option->env ? option->env : "", ",");
		expect_words(option->name, entry, option->choices ? option->choices : "", "|");
		snprintf(range, sizeof range, "%lld to %lld", (long long)option->min, (long long)option->max);
		if (option->type == CONF_INT && !strstr(entry, range))
			fail_msg("the entry of %s in lfspool.conf.5 does not say %s", option->name, range);
		free(entry);
	}
	free(page);
}

/* The ranges of times in the page are the ones that the errors name. */
static void manual_has_the_ranges_of_times(void **state)
{
	struct fixture *f = *state;
	char *page = read_source("src/conf/lfspool.conf.5"), override[96];

	for (unsigned i = 0; i < conf_option_count; i++) {
		const struct conf_option *option = &conf_options[i];
		const char *range;
		char *entry;
		if (option->type != CONF_DURATION)
			continue;
		snprintf(override, sizeof override, "%s=99999w", option->name);
		expect_error(f, NULL, override, "must be ");
		range = strstr(f->err.text, "must be ") + strlen("must be ");
		entry = page_entry(page, option->name);
		expect_words(option->name, entry, range, "");
		free(entry);
	}
	free(page);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(table_is_sound), TEST(defaults_without_file), TEST(order_of_layers), TEST(default_file_is_found),
		TEST(named_file_must_exist), TEST(file_errors), TEST(file_with_nul_is_refused), TEST(file_forms), TEST(long_lines_are_whole),
		TEST(durations), TEST(names_of_other_exporters), TEST(endpoints_may_lack_their_scheme), TEST(variable_errors), TEST(command_errors),
		TEST(secrets_stay_hidden), TEST(keys_from_files), TEST(keys_from_credentials), TEST(paths_are_absolute),
		TEST(example_has_all_options), TEST(manual_says_what_the_table_says),
		TEST(manual_has_the_ranges_of_times),
	};

	source_dir = getenv("srcdir") ? strdup(getenv("srcdir")) : ".";
	return cmocka_run_group_tests(tests, NULL, NULL);
}
