#!/bin/sh
# Secrets where metrics take their labels from (models, agents, tools, errors, titles), in headers, and in what a collector says: none is
# in a request, in /metrics, in a log, in status or in the spool, over any protocol.
. "${srcdir:-.}/tests/t/lib.sh"
. "$srcdir/tests/otlp/collector.sh"
otlp_install
export LFSPOOL_SOURCES=none LFSPOOL_STALE_AFTER=0s LFSPOOL_FLUSH_INTERVAL=100ms LFSPOOL_OTLP_INTERVAL=100ms LFSPOOL_BACKOFF_MAX=100ms LFSPOOL_LOG_LEVEL=debug
export LFSPOOL_METRICS_PROFILES=opencode,exporter,gen_ai,claude_code LFSPOOL_METRICS_LABELS=session,source,title
export LFSPOOL_OTLP_HEADERS="authorization=Bearer%20opens-the-collector,x-key=plain-header-value" DEMO_API_KEY=lives-in-the-environment
jq -r '.secrets[].value' "$(fixture secrets truth.json)" >"$tmp/values"
printf '%s\n' opens-the-collector plain-header-value lives-in-the-environment >>"$tmp/values"
secret() { jq -r -e --arg kind "$1" 'first(.secrets[] | select(.kind == $kind)).value' "$(fixture secrets truth.json)" || fail "no $1 is planted" >&2; }
search() { # WHERE FILE...
	where=$1; shift
	while IFS= read -r value; do
		if grep -q -a -F -e "$value" "$@" 2>/dev/null; then fail "$where holds a planted secret: ${value%"${value#????}"}… (${#value} bytes)"; fi
	done <"$tmp/values"
}
# recordings whose labels are secrets
jq -c --arg model "$(secret 'openai key')" --arg agent "$(secret 'github token')" --arg tool "$(secret 'slack token')" --arg title "$(secret 'google api key')" \
	'walk(if . == "fake-model" then $model elif . == "build" then $agent elif . == "bash" then $tool elif . == "fake" then "opens-the-collector" else . end)
	| walk(if type == "object" and has("title") then .title = $title else . end)' "$(fixture tools sse.jsonl)" >"$tmp/labels.jsonl"
jq -c --arg error "$(secret 'gitlab token')" 'walk(if type == "object" and has("error") and (.error | type) == "object" then .error.name = $error else . end)
	| walk(if . == "fake-model" then "lives-in-the-environment" elif . == "build" then "plain-header-value" else . end)' "$(fixture err400 sse.jsonl)" >"$tmp/errors.jsonl"
for f in labels errors; do
	grep -q -F -f "$tmp/values" "$tmp/$f.jsonl" || fail "nothing is planted in $f"
done
mkdir "$tmp/raw"
start_collector --raw "$tmp/raw"
arrived() { [ "$(otlp_lines "(.answer == {}) and any(.items[]; .name == \"opencode.token.usage\" and any(.points[]; .attributes.model | startswith(\"[REDACTED\")))")" -gt 0 ]; }
refused() { [ "$(curl -s "http://127.0.0.1:$otlp_http/orders")" = 0 ]; }
for protocol in grpc http/protobuf http/json; do
	rm -rf "$tmp/spool"; rm -f "$tmp"/raw/* "$tmp"/daemon.*; : >"$tmp/otlp.jsonl"
	case $protocol in grpc) port=$otlp_grpc ;; *) port=$otlp_http ;; esac
	LFSPOOL_OTLP_PROTOCOL=$protocol LFSPOOL_OTLP_ENDPOINT=http://127.0.0.1:$port start_daemon
	otlp_order '[{"code":16,"status":401,"message":"I know opens-the-collector","body":"not plain-header-value"},{"partial":{"rejected":1,"message":"opens-the-collector"}},
		{"code":3,"status":400,"message":"opens-the-collector","body":"opens-the-collector"}]'
	for f in "$tmp/labels.jsonl" "$tmp/errors.jsonl" "$(fixture secrets sse.jsonl)" "$(fixture secrets plugin.jsonl)"; do
		exits 0 "$LFSPOOL" ingest "$f"
	done
	wait_for 60 "$protocol: orders are left" refused
	wait_for 60 "$protocol: no metrics of the planted recordings: $(tail -1 "$tmp/otlp.jsonl" | jq -c '[.items[] | select(.name == "opencode.token.usage").points[].attributes] | unique' | head -c 400)" arrived
	"$LFSPOOL" metrics >"$tmp/metrics"; "$LFSPOOL" status >"$tmp/status"; "$LFSPOOL" status --json >>"$tmp/status"; "$LFSPOOL" config >"$tmp/config"; "$LFSPOOL" config --json >>"$tmp/config"
	stop_daemon || fail "the daemon did not stop well"
	grep -q -F 'Bearer opens-the-collector' "$tmp"/raw/*.headers || fail "$protocol: the header did not go out"
	search "$protocol: a request" "$tmp"/raw/*.body
	search "$protocol: /metrics" "$tmp/metrics"
	search "$protocol: a log" "$tmp/daemon.err" "$tmp/daemon.out"
	search "$protocol: status" "$tmp/status"
	search "$protocol: config" "$tmp/config"
	search "$protocol: the spool" "$tmp"/spool/*
	grep -q 'event":"metrics.export' "$tmp/daemon.err" || fail "$protocol: no complaint in the log"
done
exit 0
