# OpenTelemetry's JavaScript packages from npm and a collector made of them (collector.js), kept below the build directory.
# otlp_install: skips the test where they cannot be had. start_collector [ARGS…]: sets $otlp_http, $otlp_grpc, $otlp_raw2 (ports;
# $otlp_https and $otlp_grpcs with --tls) and appends requests to $tmp/otlp.jsonl. otlp_order JSON: what it answers next.
# shellcheck shell=sh
otlp_transformer=0.213.0 otlp_grpc_js=1.14.7
collector_pid=''
otlp_install() {
	have jq || skip "no jq"
	have curl || skip "no curl"
	have node && have npm || skip "no npm"
	otlp_cache=${builddir:-$tmp}/tests/npm-otlp-$otlp_transformer
	mkdir -p "$otlp_cache"
	exec 9>"$otlp_cache/lock"
	flock 9 # two tests may want it at the same time
	[ -f "$otlp_cache/done" ] || (cd "$otlp_cache" && echo '{"private":true}' >package.json && npm install --no-audit --no-fund --silent \
		--ignore-scripts --prefer-offline --fetch-retries=1 "@opentelemetry/otlp-transformer@$otlp_transformer" "@grpc/grpc-js@$otlp_grpc_js" \
		@opentelemetry/api && : >done) >"$tmp/npm" 2>&1 || skip "npm cannot install OpenTelemetry's packages: $(tail -1 "$tmp/npm")"
	exec 9>&-
}
start_collector() {
	rm -f "$tmp/otlp.ports"
	NODE_PATH=$otlp_cache/node_modules node "$srcdir/tests/otlp/collector.js" --out "$tmp/otlp.jsonl" --ports "$tmp/otlp.ports" "$@" \
		</dev/null >"$tmp/collector.err" 2>&1 &
	collector_pid=$!
	wait_for 60 "the collector does not start" test -f "$tmp/otlp.ports"
	. "$tmp/otlp.ports"
}
stop_collector() {
	[ -z "$collector_pid" ] || kill "$collector_pid" 2>/dev/null
	wait "$collector_pid" 2>/dev/null
	collector_pid=''
}
otlp_order() { curl -s -o /dev/null --data-binary "$1" "http://127.0.0.1:$otlp_http/order" || fail "the collector takes no orders"; }
otlp_orders() { curl -s "http://127.0.0.1:$otlp_http/orders"; }
# otlp_lines FILTER: how many requests came that the jq filter selects
otlp_lines() { jq -c "select($1)" "$tmp/otlp.jsonl" 2>/dev/null | wc -l; }
wait_for() { # SECONDS WORDS COMMAND…
	n=$(($1 * 10)) words=$2; shift 2
	until "$@"; do n=$((n - 1)); [ $n -gt 0 ] || fail "$words: $(tail -3 "$tmp/daemon.err" 2>/dev/null) $(cat "$tmp/collector.err")"; sleep 0.1; done
}
cleanup_more() { [ -z "$collector_pid" ] || kill -9 "$collector_pid" 2>/dev/null; }
