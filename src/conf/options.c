/* The one table of options. A row here is all that the parser, the environment, `config` and --help know. */
#include "conf/conf.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

#define OTLP_PROTOCOLS "http/protobuf|http/json|grpc"
#define OTLP_COMPRESSIONS "gzip|none"
/* What one signal has of its own; unset, the option without the signal's name counts. */
#define OTLP_SIGNAL(signal, SIGNAL) \
	{ .name = "otlp_" signal "_endpoint", .type = CONF_URL, .env = "OTEL_EXPORTER_OTLP_" SIGNAL "_ENDPOINT", \
	  .help = "URL of a collector for " signal ", as it is" }, \
	{ .name = "otlp_" signal "_protocol", .type = CONF_ENUM, .choices = OTLP_PROTOCOLS, \
	  .env = "OTEL_EXPORTER_OTLP_" SIGNAL "_PROTOCOL", .help = "otlp_protocol of " signal }, \
	{ .name = "otlp_" signal "_headers", .type = CONF_SECRET, .blanks = true, .env = "OTEL_EXPORTER_OTLP_" SIGNAL "_HEADERS", \
	  .help = "otlp_headers of " signal }, \
	{ .name = "otlp_" signal "_compression", .type = CONF_ENUM, .choices = OTLP_COMPRESSIONS, \
	  .env = "OTEL_EXPORTER_OTLP_" SIGNAL "_COMPRESSION", .help = "otlp_compression of " signal }, \
	{ .name = "otlp_" signal "_timeout", .type = CONF_DURATION, .min = 100, .max = 10 * MINUTE, \
	  .env = "OTEL_EXPORTER_OTLP_" SIGNAL "_TIMEOUT", .help = "otlp_timeout of " signal }, \
	{ .name = "otlp_" signal "_ca_file", .type = CONF_PATH, .env = "OTEL_EXPORTER_OTLP_" SIGNAL "_CERTIFICATE", \
	  .help = "otlp_ca_file of " signal }, \
	{ .name = "otlp_" signal "_client_cert", .type = CONF_PATH, .env = "OTEL_EXPORTER_OTLP_" SIGNAL "_CLIENT_CERTIFICATE", \
	  .help = "otlp_client_cert of " signal }, \
	{ .name = "otlp_" signal "_client_key", .type = CONF_PATH, .env = "OTEL_EXPORTER_OTLP_" SIGNAL "_CLIENT_KEY", \
	  .help = "otlp_client_key of " signal }

const struct conf_option conf_options[] = {
	{ .name = "enabled", .type = CONF_BOOL, .fallback = "true", .env = "OPENCODE_LANGFUSE_ENABLED",
	  .help = "false: collect and send nothing" },
	{ .name = "mode", .type = CONF_ENUM, .fallback = "full", .choices = "full|metadata_only|off",
	  .env = "OPENCODE_LANGFUSE_EXPORT_MODE",
	  .help = "what is stored and sent: everything, no content, or nothing" },

	{ .name = "langfuse_host", .type = CONF_URL, .env = "LANGFUSE_HOST,LANGFUSE_BASE_URL,LANGFUSE_BASEURL",
	  .help = "URL of the Langfuse server" },
	{ .name = "langfuse_public_key", .type = CONF_KEY, .env = "LANGFUSE_PUBLIC_KEY",
	  .help = "public key of the Langfuse project" },
	{ .name = "langfuse_secret_key", .type = CONF_SECRET, .env = "LANGFUSE_SECRET_KEY",
	  .help = "secret key of the Langfuse project" },
	{ .name = "api", .type = CONF_ENUM, .fallback = "auto", .choices = "auto|otlp|otlp_json|ingestion",
	  .help = "API of the server; auto asks it for its version" },
	{ .name = "ca_file", .type = CONF_PATH, .help = "PEM file of the authorities that sign the server's certificate" },
	{ .name = "connect_timeout", .type = CONF_DURATION, .fallback = "10s", .min = 10, .max = 5 * MINUTE,
	  .help = "limit for reaching the server" },
	{ .name = "request_timeout", .type = CONF_DURATION, .fallback = "30s", .min = 100, .max = 10 * MINUTE,
	  .help = "limit for one whole request" },
	{ .name = "backoff_max", .type = CONF_DURATION, .fallback = "5m", .min = 10, .max = DAY,
	  .help = "longest wait between two tries" },
	{ .name = "pause_retry", .type = CONF_DURATION, .fallback = "10m", .min = 100, .max = DAY,
	  .help = "wait after the server has refused the keys" },
	{ .name = "lookup_delay", .type = CONF_DURATION, .fallback = "10s", .min = 1, .max = HOUR,
	  .help = "wait before asking the server what of an unclear request has arrived" },
	{ .name = "flush_interval", .type = CONF_DURATION, .fallback = "5s", .min = 100, .max = HOUR,
	  .env = "OPENCODE_LANGFUSE_FLUSH_INTERVAL", .help = "time between two batches" },
	{ .name = "batch_max_kb", .type = CONF_INT, .fallback = "3500", .min = 10, .max = 20000,
	  .help = "largest batch in kB, before compression" },
	{ .name = "compression", .type = CONF_ENUM, .fallback = "gzip", .choices = OTLP_COMPRESSIONS,
	  .help = "how requests to Langfuse are packed" },

	{ .name = "trace_unit", .type = CONF_ENUM, .fallback = "session", .choices = "session|turn",
	  .help = "what becomes one trace" },
	{ .name = "trace_prefix", .type = CONF_STRING, .env = "OPENCODE_LANGFUSE_TRACE_PREFIX",
	  .help = "put before the names of traces" },
	{ .name = "environment", .type = CONF_STRING, .env = "LANGFUSE_TRACING_ENVIRONMENT",
	  .help = "Langfuse environment of the traces" },
	{ .name = "release", .type = CONF_STRING, .env = "LANGFUSE_RELEASE", .help = "release that the traces name" },
	{ .name = "user_id", .type = CONF_STRING, .help = "user that the traces name" },
	{ .name = "tags", .type = CONF_LIST, .help = "comma list of tags for the traces" },
	{ .name = "sample_rate", .type = CONF_NUMBER, .fallback = "1", .min = 0, .max = 1,
	  .help = "share of the sessions that are sent; metrics count all of them" },
	{ .name = "stale_after", .type = CONF_DURATION, .fallback = "60m", .min = 0, .max = 30 * DAY,
	  .help = "silence after which unfinished work counts as interrupted" },

	{ .name = "sources", .type = CONF_LIST, .fallback = "opencode", .choices = "opencode|claude|none",
	  .help = "whose sessions are read where the agents keep them" },
	{ .name = "opencode_db", .type = CONF_PATH, .fallback = "$XDG_DATA_HOME/opencode", .env = "OPENCODE_DB",
	  .help = "OpenCode's database, or the directory that holds its databases" },
	{ .name = "claude_dir", .type = CONF_PATH, .fallback = "$HOME/.claude", .env = "CLAUDE_CONFIG_DIR,CLAUDE_DATA_DIR",
	  .help = "directory of Claude Code, with its projects" },
	{ .name = "active_session_hours", .type = CONF_INT, .fallback = "24", .min = 1, .max = 8760, .env = "ACTIVE_SESSION_HOURS",
	  .help = "how long a session of Claude Code counts as active, in hours" },
	{ .name = "backfill_since", .type = CONF_DURATION, .fallback = "24h", .min = 0, .max = 3650 * DAY,
	  .help = "age of the sessions that the first start takes" },
	{ .name = "backfill_rate", .type = CONF_INT, .fallback = "2000", .min = 10, .max = 1000000,
	  .help = "most events a second that are read from an agent's files" },
	{ .name = "poll_interval", .type = CONF_DURATION, .fallback = "5s", .min = 100, .max = HOUR, .env = "POLL_INTERVAL",
	  .help = "how often an agent's files are looked at where the system does not tell of changes" },
	{ .name = "opencode_url", .type = CONF_LIST, .env = "OPENCODE_URL",
	  .help = "addresses of OpenCode servers to listen to" },
	{ .name = "opencode_username", .type = CONF_STRING, .fallback = "opencode", .env = "OPENCODE_SERVER_USERNAME",
	  .help = "user of those servers" },
	{ .name = "opencode_password", .type = CONF_SECRET, .env = "OPENCODE_SERVER_PASSWORD",
	  .help = "password of those servers" },

	{ .name = "spool_dir", .type = CONF_PATH, .fallback = "$XDG_STATE_HOME/lfspool",
	  .env = "OPENCODE_LANGFUSE_SPOOL_DIR", .help = "directory of the spool" },
	{ .name = "max_spool_mb", .type = CONF_INT, .fallback = "100", .min = 10, .max = 1000000,
	  .env = "OPENCODE_LANGFUSE_MAX_SPOOL_MB", .help = "cap of the spool in MB" },
	{ .name = "retention_days", .type = CONF_INT, .fallback = "7", .min = 1, .max = 3650,
	  .env = "OPENCODE_LANGFUSE_RETENTION_DAYS", .help = "age in days at which records leave the spool" },
	{ .name = "max_field_kb", .type = CONF_INT, .fallback = "256", .min = 1, .max = 16384,
	  .help = "a longer text is cut, in KB" },
	{ .name = "max_record_mb", .type = CONF_INT, .fallback = "4", .min = 1, .max = 64,
	  .help = "a larger record keeps its metadata only, in MB" },

	{ .name = "redact_patterns", .type = CONF_STRING, .env = "OPENCODE_LANGFUSE_REDACT_REGEX",
	  .help = "comma list of further patterns (PCRE) that are removed" },
	{ .name = "redact_pattern_file", .type = CONF_PATH, .help = "file of further patterns, one a line" },
	{ .name = "redact_allow", .type = CONF_PATH, .help = "file of harmless values, one a line" },
	{ .name = "redact_deny", .type = CONF_PATH, .help = "file of secret values, one a line" },
	{ .name = "redact_env", .type = CONF_LIST, .fallback = "*_TOKEN,*_SECRET,*_PASSWORD,*_KEY,*_API_KEY",
	  .help = "names of environment variables whose values are removed, as globs" },
	{ .name = "redact_pii", .type = CONF_LIST, .help = "personal data to remove too: email, phone, card, ip, iban or all" },

	{ .name = "metrics_listen", .type = CONF_STRING, .help = "loopback address and port of /metrics and /healthz" },
	{ .name = "metrics_profiles", .type = CONF_LIST, .fallback = "opencode,exporter", .choices = "opencode|exporter|gen_ai|claude_code",
	  .help = "whose names the metrics have" },
	{ .name = "metrics_prefix", .type = CONF_STRING, .fallback = "opencode.", .env = "OPENCODE_METRIC_PREFIX",
	  .help = "put before the names of the profile opencode" },
	{ .name = "metrics_disabled", .type = CONF_LIST, .env = "OPENCODE_DISABLE_METRICS",
	  .help = "comma list of metrics that are left out, without prefix" },
	{ .name = "metrics_labels", .type = CONF_LIST, .choices = "session|source|project|title|error|message",
	  .help = "attributes that metrics get too; session makes a series for each session" },
	{ .name = "metrics_max_series", .type = CONF_INT, .fallback = "2000", .min = 1, .max = 1000000,
	  .help = "series of one metric; what would make more is counted without attributes" },
	{ .name = "metrics_attributes", .type = CONF_LIST, .env = "OPENCODE_METRIC_ATTRIBUTES",
	  .help = "comma list of name=value that all metrics of the agents get" },
	{ .name = "metrics_excluded_attributes", .type = CONF_LIST, .env = "OPENCODE_EXCLUDE_METRICS_ATTRIBUTES",
	  .help = "comma list of attributes that are taken off" },
	{ .name = "cost_scale", .type = CONF_NUMBER, .fallback = "1", .min = 0, .max = 1000000000, .env = "OPENCODE_COST_USAGE_SCALE",
	  .help = "factor of the metric cost.usage" },
	{ .name = "otlp_endpoint", .type = CONF_URL, .env = "OPENCODE_OTLP_ENDPOINT,OTEL_EXPORTER_OTLP_ENDPOINT",
	  .help = "URL of a collector of OTLP; for HTTP, v1/ and the signal are put behind it" },
	{ .name = "otlp_protocol", .type = CONF_ENUM, .fallback = "http/protobuf", .choices = OTLP_PROTOCOLS,
	  .env = "OPENCODE_OTLP_PROTOCOL,OTEL_EXPORTER_OTLP_PROTOCOL", .help = "form of the requests" },
	{ .name = "otlp_headers", .type = CONF_SECRET, .blanks = true, .env = "OPENCODE_OTLP_HEADERS,OTEL_EXPORTER_OTLP_HEADERS",
	  .help = "comma list of name=value, percent-encoded, sent with each request" },
	{ .name = "otlp_headers_helper", .type = CONF_PATH, .env = "OPENCODE_OTLP_HEADERS_HELPER",
	  .help = "program that prints more headers as a JSON object" },
	{ .name = "otlp_compression", .type = CONF_ENUM, .fallback = "gzip", .choices = OTLP_COMPRESSIONS,
	  .env = "OTEL_EXPORTER_OTLP_COMPRESSION", .help = "how requests are packed" },
	{ .name = "otlp_timeout", .type = CONF_DURATION, .fallback = "10s", .min = 100, .max = 10 * MINUTE,
	  .env = "OTEL_EXPORTER_OTLP_TIMEOUT", .help = "limit for one request" },
	{ .name = "otlp_ca_file", .type = CONF_PATH, .env = "OTEL_EXPORTER_OTLP_CERTIFICATE",
	  .help = "PEM file of the authorities that sign the collector's certificate; else ca_file" },
	{ .name = "otlp_client_cert", .type = CONF_PATH, .env = "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
	  .help = "PEM file of the certificate that the collector gets to see" },
	{ .name = "otlp_client_key", .type = CONF_PATH, .env = "OTEL_EXPORTER_OTLP_CLIENT_KEY", .help = "PEM file of its key" },
	OTLP_SIGNAL("metrics", "METRICS"),
	OTLP_SIGNAL("logs", "LOGS"),
	OTLP_SIGNAL("traces", "TRACES"),
	{ .name = "otlp_traces", .type = CONF_ENUM, .fallback = "none", .choices = "none|otlp", .env = "OTEL_TRACES_EXPORTER,OPENCODE_ENABLE_TELEMETRY",
	  .help = "otlp: traces go to the collector too" },
	{ .name = "otlp_logs", .type = CONF_ENUM, .fallback = "none", .choices = "none|otlp", .env = "OTEL_LOGS_EXPORTER,OPENCODE_ENABLE_TELEMETRY",
	  .help = "otlp: log records of what the agents did go to the collector" },
	{ .name = "otlp_convention", .type = CONF_ENUM, .fallback = "gen_ai", .choices = "gen_ai|openinference",
	  .help = "whose names the spans for the collector have" },
	{ .name = "otlp_content", .type = CONF_BOOL, .fallback = "true",
	  .help = "false: spans and logs for the collector have no prompts, answers, input, output or words of errors" },
	{ .name = "otlp_traces_disabled", .type = CONF_LIST, .env = "OPENCODE_DISABLE_TRACES",
	  .help = "spans the collector does not get: session, llm, tool, event or all" },
	{ .name = "otlp_logs_disabled", .type = CONF_LIST, .env = "OPENCODE_DISABLE_LOGS",
	  .help = "log records the collector does not get, by name, or all" },
	{ .name = "otlp_excluded_attributes", .type = CONF_LIST,
	  .help = "comma list of attributes that spans and logs for the collector do not have" },
	{ .name = "span_attributes", .type = CONF_LIST, .env = "OPENCODE_SPAN_ATTRIBUTES",
	  .help = "comma list of name=value that all spans for the collector get" },
	{ .name = "instance_id", .type = CONF_STRING, .env = "INSTANCE_ID", .help = "what a collector tells this machine by (service.instance.id)" },
	{ .name = "traceparent", .type = CONF_STRING, .env = "OPENCODE_TRACEPARENT",
	  .help = "a span of another trace, as W3C Trace Context writes it, under which spans for the collector stand" },
	{ .name = "tracestate", .type = CONF_STRING, .env = "OPENCODE_TRACESTATE", .help = "what its tracestate is; with traceparent alone" },
	{ .name = "otlp_interval", .type = CONF_DURATION, .fallback = "60s", .min = 100, .max = DAY,
	  .env = "OPENCODE_OTLP_METRICS_INTERVAL,OTEL_METRIC_EXPORT_INTERVAL,EXPORT_INTERVAL", .help = "time between two exports of metrics" },
	{ .name = "otlp_temporality", .type = CONF_ENUM, .fallback = "cumulative", .choices = "cumulative|delta|lowmemory",
	  .env = "OPENCODE_OTLP_METRICS_TEMPORALITY,OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
	  .help = "whether counters go out as they stand or as differences" },
	{ .name = "otlp_histograms", .type = CONF_ENUM, .fallback = "explicit_bucket_histogram",
	  .choices = "explicit_bucket_histogram|base2_exponential_bucket_histogram",
	  .env = "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", .help = "kind of the histograms that are sent" },
	{ .name = "resource_attributes", .type = CONF_LIST, .env = "OPENCODE_RESOURCE_ATTRIBUTES,OTEL_RESOURCE_ATTRIBUTES",
	  .help = "comma list of name=value that describe where the metrics come from" },

	{ .name = "log_level", .type = CONF_ENUM, .fallback = "info", .choices = "error|warn|info|debug",
	  .env = "OPENCODE_LANGFUSE_VERBOSE", .help = "how much is logged" },
	{ .name = "log_dir", .type = CONF_PATH, .help = "directory of daily log files; not set: standard error" },
	{ .name = "log_keep_days", .type = CONF_INT, .fallback = "7", .min = 1, .max = 3650, .help = "age in days at which log files are removed" },
	{ .name = "log_max_mb", .type = CONF_INT, .fallback = "10", .min = 1, .max = 10000,
	  .help = "a log file that is longer makes room, in MB; the one before is kept" },
};
const unsigned conf_option_count = COUNT(conf_options);

const struct conf_alias conf_aliases[] = {
	{ .variable = "OPENCODE_LANGFUSE_FLUSH_INTERVAL", .unit = "ms" },
	{ .variable = "OPENCODE_DB", .below = "$XDG_DATA_HOME/opencode" },
	{ .variable = "OPENCODE_OTLP_METRICS_INTERVAL", .unit = "ms" },
	{ .variable = "OTEL_METRIC_EXPORT_INTERVAL", .unit = "ms" },
	{ .variable = "EXPORT_INTERVAL", .unit = "ms" },
	{ .variable = "POLL_INTERVAL", .unit = "ms" },
	{ .variable = "OPENCODE_OTLP_ENDPOINT", .scheme = true },
	{ .variable = "OTEL_EXPORTER_OTLP_ENDPOINT", .scheme = true },
	{ .variable = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", .scheme = true },
	{ .variable = "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", .scheme = true },
	{ .variable = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", .scheme = true },
	{ .variable = "OTEL_EXPORTER_OTLP_TIMEOUT", .unit = "ms" },
	{ .variable = "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", .unit = "ms" },
	{ .variable = "OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", .unit = "ms" },
	{ .variable = "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", .unit = "ms" },
	{ .variable = "OTEL_TRACES_EXPORTER", .holds = "otlp" },
	{ .variable = "OTEL_LOGS_EXPORTER", .holds = "otlp" },
	{ .variable = "OPENCODE_LANGFUSE_VERBOSE", .when_true = "debug" },
	{ .variable = "OPENCODE_ENABLE_TELEMETRY", .when_true = "otlp" },
};
const unsigned conf_alias_count = COUNT(conf_aliases);
