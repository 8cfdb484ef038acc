#!/bin/sh
# Each example of contrib/backends loads, and what it makes lfspool send reaches a collector: signals, protocol, headers, conventions.
. "${srcdir:-.}/tests/t/lib.sh"
. "$srcdir/tests/otlp/collector.sh"
otlp_install
start_collector
export LFSPOOL_SOURCES=none LFSPOOL_STALE_AFTER=0s LFSPOOL_OTLP_INTERVAL=100ms LFSPOOL_FLUSH_INTERVAL=100ms
option() { jq -r --arg n "$1" '.[] | select(.name == $n) | .value // ""' "$tmp/options"; }
tried=0
for file in "$srcdir"/contrib/backends/*.conf; do
	name=$(basename "$file" .conf)
	exits 0 "$LFSPOOL" config --json --config "$file"
	cp "$tmp/out" "$tmp/options"
	grep -q "$(basename "$file")" "$tmp/options" || fail "$name: config does not say that it was read"
	case "$(cat "$tmp/options")" in *YOUR-*) fail "$name: config shows a key" ;; esac
	# here, as it would be there: only host and port are other ones
	case $(option otlp_protocol) in grpc) port=$otlp_grpc ;; *) port=$otlp_http ;; esac
	sed "s#^\(otlp_[a-z_]*endpoint = \)https\{0,1\}://[^/ ]*#\1http://127.0.0.1:$port#" "$file" >"$tmp/$name.conf"
	chmod 600 "$tmp/$name.conf"
	rm -rf "$tmp/spool"
	: >"$tmp/otlp.jsonl"
	exits 0 "$LFSPOOL" ingest --config "$tmp/$name.conf" "$(fixture tools sse.jsonl)"
	"$LFSPOOL" run --config "$tmp/$name.conf" >"$tmp/daemon.out" 2>"$tmp/daemon.err" &
	daemon_pid=$!
	signals="traces logs metrics"
	[ "$name" = langsmith ] && signals=traces
	for signal in $signals; do
		arrived() { [ "$(otlp_lines ".signal == \"$signal\" and .answer == {} and .faults == [] and (.items | length) > 0")" -gt 0 ]; }
		wait_for 60 "$name: no $signal" arrived
	done
	stop_daemon || fail "$name: the daemon did not stop well"
	for header in $(sed -n 's/^otlp_[a-z_]*headers = //p' "$file" | tr ',' '\n' | sed 's/=.*//' | tr 'A-Z' 'a-z' | sort -u); do
		[ "$(otlp_lines ".headers[\"$header\"] != null")" -gt 0 ] || fail "$name: no header $header"
	done
	[ "$name" != grafana-cloud ] || [ "$(otlp_lines '.headers.authorization == "Basic YOUR-BASE64" and (.path | test("^/otlp/v1/"))')" -ge 3 ] || fail "$name: not its gateway"
	[ "$name" != datadog ] || [ "$(otlp_lines '.signal == "metrics" and ([.items[] | select(.name == "opencode.token.usage") | .temporality] | unique == [1])')" -gt 0 ] ||
		fail "$name: no differences"
	tried=$((tried + 1))
done
[ "$tried" -ge 6 ] || fail "only $tried examples"

# --- what the Collector passes on is what Langfuse understands: the spans of collector.conf, to Langfuse's own address
unset LFSPOOL_OTLP_INTERVAL
start_sink v4
key=$(printf 'test-public:test-secret-value' | base64 | tr -d '\n')
rm -rf "$tmp/spool"
env -u LFSPOOL_LANGFUSE_PUBLIC_KEY -u LFSPOOL_LANGFUSE_SECRET_KEY -u LFSPOOL_LANGFUSE_HOST sh -c "
	\"$LFSPOOL\" ingest --config \"$tmp/collector.conf\" \"$(fixture tools sse.jsonl)\" &&
	\"$LFSPOOL\" flush --config \"$tmp/collector.conf\" --set otlp_logs=none --set otlp_traces_protocol=http/protobuf \
		--set otlp_traces_endpoint=$sink_url/api/public/otel/v1/traces --set otlp_traces_headers='Authorization=Basic%20$key,x-langfuse-ingestion-version=4'" \
	>"$tmp/out" 2>&1 || fail "$(cat "$tmp/out")"
stop_sink
[ "$(jq -s '[.[] | select(.model != null)] | length' "$tmp/observations.jsonl")" -gt 3 ] || fail "Langfuse sees no model in what the collector passes on: $(head -2 "$tmp/observations.jsonl")"
if have python3 && python3 -c 'import yaml' 2>/dev/null; then
	python3 - "$srcdir/contrib/backends/collector-langfuse.yaml" <<-'EOT' || fail "collector-langfuse.yaml"
		import sys, yaml
		c = yaml.safe_load(open(sys.argv[1]))
		for name, p in c["service"]["pipelines"].items():
		    for kind in ("receivers", "processors", "exporters"):
		        assert all(x in c[kind] for x in p[kind]), (name, kind)
		assert c["exporters"]["otlphttp/langfuse"]["endpoint"].endswith("/api/public/otel")
	EOT
fi
printf '%s examples\n' "$tried"
exit 0
