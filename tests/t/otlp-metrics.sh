#!/bin/sh
# What the exporter sends is what the counters say: in JSON and in protobuf as protoc reads it, cumulative, as differences and in low
# memory; a collector that is away, refuses or cuts off gets each difference once.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
have curl || skip "no curl"
proto=$srcdir/tests/fixtures/opentelemetry-proto
export LFSPOOL_STALE_AFTER=0s LFSPOOL_FLUSH_INTERVAL=100ms LFSPOOL_OTLP_INTERVAL=100ms LFSPOOL_BACKOFF_MAX=100ms
mkdir "$tmp/requests"
start_sink v4 --requests "$tmp/requests"
unset LFSPOOL_LANGFUSE_HOST LFSPOOL_LANGFUSE_SECRET_KEY LFSPOOL_LANGFUSE_PUBLIC_KEY
export LFSPOOL_OTLP_ENDPOINT="$sink_url/"
sink_fault() { curl -s -o /dev/null -X POST --data-binary "$1" "$sink_url/sink/fault"; }
forget() { rm -f "$tmp"/requests/*; }
newest() { find "$tmp/requests" -name "*.$1" | sort | tail -1; }

# name (as Prometheus has it) attributes value, sorted, of the agent's sums in a JSON request
sums_of() { jq -r '[.resourceMetrics[].scopeMetrics[].metrics[] | select(.sum and (.name | startswith("opencode.")))
	| "\(.name | gsub("\\."; "_"))\({ tokens: "_tokens", USD: "_USD" }[.unit] // "")" as $n | .sum.dataPoints[]
	| "\($n) \([.attributes[] | "\(.key)=\(if .value | has("boolValue") then .value.boolValue else .value.stringValue end)"] | join(",")) \(.asDouble * 1e9 | round)"] | sort[]'; }
# the same of what `lfspool metrics` says
own_sums() { "$LFSPOOL" metrics | jq -R -r -n '[inputs | select(test("^opencode[a-z_A-Z]*_total[{ ]"))
	| capture("^(?<n>[a-zA-Z_]+)_total(\\{(?<l>.*)\\})? (?<v>.*)$") | "\(.n) \((.l // "") | gsub("\""; "")) \(.v | tonumber | . * 1e9 | round)"] | sort[]'; }
# the sum of all differences that came, each window of a series once
differences() { find "$tmp/requests" -name '*.json' | sort | xargs cat | jq -n '[inputs | .resourceMetrics[].scopeMetrics[].metrics[] | select(.sum.aggregationTemporality == 1)
	| .name as $n | .unit as $u | .sum.dataPoints[] | { n: $n, u: $u, a: .attributes, s: .startTimeUnixNano, t: .timeUnixNano, v: .asDouble }]
	| (group_by([.n, .a, .s, .t]) | if any(.[]; map(.v) | unique | length > 1) then error("one window, two values") else map(.[0]) end)
	| { resourceMetrics: [{ scopeMetrics: [{ metrics: (group_by([.n, .a]) | map({ name: .[0].n, unit: .[0].u, sum: { dataPoints: [{ attributes: .[0].a, asDouble: (map(.v) | add) }] } })) }] }] }' |
	sums_of; }
equal_soon() { # WHAT COMMAND: its output becomes what the counters say
	what=$1; shift
	n=0
	until "$@" >"$tmp/got" 2>"$tmp/got.err" && [ -s "$tmp/got" ] && own_sums >"$tmp/want" && cmp -s "$tmp/got" "$tmp/want"; do
		n=$((n + 1)); [ $n -lt 150 ] || fail "$what: $(diff "$tmp/want" "$tmp/got" | head -5) $(head -1 "$tmp/got.err") $(tail -2 "$tmp/daemon.err")"
		sleep 0.1
	done
}
newest_sums() { f=$(newest json) && [ -n "$f" ] && sums_of <"$f"; }
ingest() { for s in "$@"; do exits 0 "$LFSPOOL" ingest "$(fixture "$s" sse.jsonl)"; done; }

# --- JSON, cumulative
export LFSPOOL_OTLP_PROTOCOL=http/json
LFSPOOL_OTLP_HEADERS='Authorization=Basic%20dGVzdA==,x-tenant=blue%20team' LFSPOOL_RESOURCE_ATTRIBUTES='service.name=demo,team=blue' start_daemon
ingest tools subagent
equal_soon "JSON, cumulative" newest_sums
turns_sent() { [ "$(jq '[.. | objects | select(.name == "opencode.session.token.total") | .histogram.dataPoints[].sum] | add' "$(newest json)")" = \
	"$("$LFSPOOL" metrics | sed -n 's/^opencode_session_token_total_tokens_sum //p')" ]; }
n=0; until turns_sent; do n=$((n + 1)); [ $n -lt 300 ] || fail "the turns are not sent"; sleep 0.1; done
f=$(newest json)
stop_daemon || fail "the daemon did not stop well"
cp "$f" "$tmp/cumulative.json"; cp "${f%.json}.headers" "$tmp/cumulative.headers"; f=$tmp/cumulative.json
grep -qi '^authorization: ' "${f%.json}.headers" && grep -qi '^x-tenant: blue team' "${f%.json}.headers" || fail "headers: $(cat "${f%.json}.headers")"
grep -q '/v1/metrics$' "${f%.json}.headers" || fail "path: $(head -1 "${f%.json}.headers")"
grep -qi '^content-encoding: gzip' "${f%.json}.headers" || fail "not packed"
expect "demo blue" "$(jq -r '[.resourceMetrics[0].resource.attributes[] | { (.key): .value.stringValue }] | add | "\(.["service.name"]) \(.team)"' "$f")" "resource"
expect 2 "$(jq '[.. | .aggregationTemporality? // empty] | unique[]' "$f")" "temporality"
expect true "$(jq '[.. | .sum? // empty | objects | .isMonotonic] | all' "$f")" "monotonic"
expect "$("$LFSPOOL" metrics | sed -n 's/^opencode_session_token_total_tokens_sum //p')" \
	"$(jq '[.. | objects | select(.name == "opencode.session.token.total") | .histogram.dataPoints[].sum] | add' "$f")" "a histogram's sum"
jq -e 'all(.. | objects | select(.bucketCounts); (.bucketCounts | length) == (.explicitBounds | length) + 1 and (.bucketCounts | map(tonumber) | add) == (.count | tonumber))' "$f" >/dev/null ||
	fail "buckets do not add up"
start=$(jq -r '[.. | .startTimeUnixNano? // empty] | unique[]' "$f")

# --- protobuf says the same; the start is the same after a restart
forget
LFSPOOL_OTLP_PROTOCOL=http/protobuf start_daemon
n=0; until [ -n "$(newest pb)" ]; do n=$((n + 1)); [ $n -lt 900 ] || fail "no protobuf"; sleep 0.1; done
if have protoc; then
	protoc --proto_path="$proto" --decode=opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest \
		opentelemetry/proto/collector/metrics/v1/metrics_service.proto <"$(newest pb)" >"$tmp/text" || fail "protoc does not read the request"
	if grep -qE '^ *[0-9]+[: ]' "$tmp/text"; then fail "an unknown field"; fi
	expect "$(jq -r '[.resourceMetrics[].scopeMetrics[].metrics[].name | select(startswith("opencode."))] | sort[]' "$f")" \
		"$(sed -n 's/^      name: "\(.*\)"$/\1/p' "$tmp/text" | grep '^opencode' | sort)" "names in protobuf and JSON"
	expect "$(jq -r '[.resourceMetrics[].scopeMetrics[].metrics[] | select(.name | startswith("opencode.")) | .. | .asDouble? // empty] | length' "$f")" \
		"$(awk '/^      name: "/ { on = /"opencode/ } on && / as_double: / { n++ } END { print n }' "$tmp/text")" "points of numbers"
	expect "$(jq -r '[.. | .bucketCounts? // empty | .[] | tonumber] | add' "$f")" "$(sed -n 's/^ *bucket_counts: //p' "$tmp/text" | jq -s add)" "buckets"
	expect "$(jq -r '[.. | .explicitBounds? // empty | .[]] | add' "$f")" "$(sed -n 's/^ *explicit_bounds: //p' "$tmp/text" | jq -s add)" "bounds"
	expect "$start" "$(sed -n 's/^ *start_time_unix_nano: //p' "$tmp/text" | sort -u)" "start time after a restart"
	expect "$(jq '[.. | objects | select(.name == "opencode.token.usage") | .sum.dataPoints[].asDouble] | add' "$f")" \
		"$(awk '/name: "/ { on = /opencode.token.usage/ } on && /as_double/ { s += $2 } END { print s }' "$tmp/text")" "tokens in protobuf"
	grep -q 'bool_value: true' "$tmp/text" && grep -q 'bool_value: false' "$tmp/text" || fail "success is no bool"
else
	echo "protoc is not installed: not checked (package protobuf-compiler)"
fi
stop_daemon || fail "the daemon did not stop well"

# --- exponential histograms hold the same observations
forget
OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION=base2_exponential_bucket_histogram LFSPOOL_OTLP_PROTOCOL=http/json start_daemon
equal_soon "JSON, exponential" newest_sums
stop_daemon || fail "the daemon did not stop well"
e=$(newest json)
cp "$e" "$tmp/exponential.json"
jq -e '[.. | objects | select(has("zeroCount"))] | length > 3 and
	all(.[]; (.positive.bucketCounts | map(tonumber) | add // 0) + (.zeroCount | tonumber) == (.count | tonumber) and (.positive.bucketCounts | length) <= 160)' "$tmp/exponential.json" >"$tmp/out" ||
	fail "the buckets of exponential histograms do not add up"
figures() { jq -c '[.resourceMetrics[].scopeMetrics[].metrics[] | select(.name | startswith("opencode.")) | .name as $n | (.histogram // .exponentialHistogram // empty).dataPoints[] | [$n, .attributes, .count, .sum]] | sort' "$1"; }
expect "$(figures "$tmp/cumulative.json")" "$(figures "$tmp/exponential.json")" "count and sum of exponential histograms"
if have protoc; then
	forget
	LFSPOOL_OTLP_HISTOGRAMS=base2_exponential_bucket_histogram LFSPOOL_OTLP_PROTOCOL=http/protobuf start_daemon
	n=0; until [ -n "$(newest pb)" ]; do n=$((n + 1)); [ $n -lt 900 ] || fail "no protobuf"; sleep 0.1; done
	protoc --proto_path="$proto" --decode=opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest \
		opentelemetry/proto/collector/metrics/v1/metrics_service.proto <"$(newest pb)" >"$tmp/text" || fail "protoc does not read exponential histograms"
	if grep -qE '^ *[0-9]+[: ]' "$tmp/text"; then fail "an unknown field in an exponential histogram"; fi
	of_agents() { awk '/^      name: "/ { on = /"opencode/ } on'; }
	for field in scale:scale offset:offset bucket_counts:bucketCounts; do # zigzag and all
		expect "$(jq --arg f "${field#*:}" '[.resourceMetrics[].scopeMetrics[].metrics[] | select(.name | startswith("opencode.")) | .exponentialHistogram // empty | .. | objects | .[$f]? // empty | if type == "array" then .[] else . end | tonumber] | add' "$tmp/exponential.json")" \
			"$(of_agents <"$tmp/text" | sed -n "s/^ *${field%:*}: //p" | jq -s add)" "$field of exponential histograms"
	done
	stop_daemon || fail "the daemon did not stop well"
fi

# --- differences: whatever the collector does, each arrives once
forget
export LFSPOOL_OTLP_TEMPORALITY=delta
start_daemon
equal_soon "delta" differences
for fault in 'status=503:3' 'accept-and-die:2' 'cut-answer:2' 'status=429;retry-after=0:2' 'reset-before:2'; do
	sink_fault "$fault"
	ingest plain
	equal_soon "delta, $fault" differences
	scenario=reasoning; ingest $scenario
done
equal_soon "delta after the faults" differences
again=$("$LFSPOOL" metrics | sed -n 's/^lfspool_metrics_exports_total{result="again"} //p')
[ "${again:-0}" -ge 9 ] || fail "of 11 failures only ${again:-0} were tried again"
windows=$(find "$tmp/requests" -name '*.json' | sort | xargs cat | jq -r '.resourceMetrics[].scopeMetrics[].metrics[] | select(.sum) | .sum.dataPoints[] | "\(.startTimeUnixNano) \(.timeUnixNano)"' | sort -un)
echo "$windows" | awk 'NR > 1 && $1 != end { bad = 1 } { end = $2 } END { exit bad }' || fail "windows do not follow one another: $windows"
stop_daemon || fail "the daemon did not stop well"

# --- what is refused for good is counted; a lack of rights costs nothing
sink_fault 'status=401:3'
start_daemon
ingest unicode
equal_known() { # refused requests were kept by the receiver too, in windows of their own: only the counters of the spool tell
	"$LFSPOOL" metrics | grep -q '^lfspool_metrics_exports_total{result="held"} '
}
n=0; until equal_known; do n=$((n + 1)); [ $n -lt 900 ] || fail "401 is not held"; sleep 0.1; done
sink_fault 'status=400:1'
n=0; until "$LFSPOOL" metrics | grep -q '^lfspool_metrics_rejected_total{reason="refused"} '; do n=$((n + 1)); [ $n -lt 900 ] || fail "400 is not counted"; sleep 0.1; done
stop_daemon || fail "the daemon did not stop well"

# --- low memory: the agents' counters as differences, lfspool's own as they stand
forget
LFSPOOL_OTLP_TEMPORALITY=lowmemory start_daemon
ingest files
n=0; until find "$tmp/requests" -name '*.json' -exec cat {} + 2>/dev/null | jq -c 'select(any(.. | objects; .name == "opencode.token.usage"))' >"$tmp/low" 2>/dev/null; [ -s "$tmp/low" ]; do
	n=$((n + 1)); [ $n -lt 900 ] || fail "no differences in low memory"; sleep 0.1; done
expect "1 2" "$(jq -rs '.[0] | [.. | objects | select(.name == "opencode.token.usage" or .name == "lfspool.records") | .sum.aggregationTemporality] | sort | join(" ")' "$tmp/low")" "low memory"
stop_daemon || fail "the daemon did not stop well"
exit 0
