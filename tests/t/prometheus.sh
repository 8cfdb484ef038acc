#!/bin/sh
# A real Prometheus reads the running daemon: it takes the text, every query of the dashboard has an answer that is a number, and the
# alerts fire when what they tell of happens. Its rules are ours with the waits taken out; their own are tried in metrics-contrib.sh.
. "${srcdir:-.}/tests/t/lib.sh"
. "$srcdir/tests/t/load.sh"
have prometheus || skip "no prometheus"
have jq || skip "no jq"
have curl || skip "no curl"
prometheus_pid=''
cleanup_more() { [ -z "$prometheus_pid" ] || kill -9 "$prometheus_pid" 2>/dev/null; }
export LFSPOOL_STALE_AFTER=0s LFSPOOL_FLUSH_INTERVAL=100ms LFSPOOL_BACKOFF_MAX=100ms LFSPOOL_MAX_SPOOL_MB=10 LFSPOOL_METRICS_LISTEN=127.0.0.1:0 \
	LFSPOOL_METRICS_MAX_SERIES=20
"$LFSPOOL" run --set metrics_listen=0.0.0.0:0 2>"$tmp/err"
grep -q 'without libmicrohttpd' "$tmp/err" && skip "built without libmicrohttpd"
start_sink v4 --fault 'posts-only,reject-name=tool-glob,status=503:1'
sink_fault() { curl -s -o /dev/null -X POST --data-binary "$1" "$sink_url/sink/fault"; }
start_daemon
target=127.0.0.1:$(sed -n 's/.*"event":"metrics.listen","port":\([0-9]*\).*/\1/p' "$tmp/daemon.err")

mkdir "$tmp/prometheus"
sed -E 's/^( *for): .*/\1: 0s/; s/> 900 unless/> 2 unless/; s/(delivered_total)\[15m\]/\1[3s]/; s/\[15m\]\)\)\) > 5$/[15m]))) > 0.5/' \
	"$srcdir/contrib/prometheus/lfspool.rules.yml" >"$tmp/prometheus/rules.yml"
cat >"$tmp/prometheus/prometheus.yml" <<EOF
global: { scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 300ms }
rule_files: [rules.yml]
scrape_configs: [{ job_name: lfspool, static_configs: [{ targets: ["$target"] }] }]
EOF
prometheus --config.file="$tmp/prometheus/prometheus.yml" --storage.tsdb.path="$tmp/prometheus/data" --web.listen-address=127.0.0.1:0 \
	>"$tmp/prometheus/log" 2>&1 </dev/null &
prometheus_pid=$!
listening() { api=$(sed -n 's/.*msg="Listening on" address=\(127[0-9.:]*\).*/http:\/\/\1\/api\/v1/p' "$tmp/prometheus/log" 2>/dev/null); [ -n "$api" ]; }
wait_for 60 "Prometheus listens" listening
ask() { curl -s "$api/query" --data-urlencode "query=$1"; }
number() { ask "$1" | jq -r '.data.result[0].value[1] // empty'; } # the first answer
at_least() { [ "$(number "$1" | jq --argjson least "$2" 'tonumber >= $least')" = true ]; }
firing() { curl -s "$api/alerts" | jq -r '.data.alerts[] | select(.state == "firing") | .labels.alertname' | sort -u | grep -qx -e "$1"; }
quiet() { ! firing "$1"; }

# again N RECORDING: the recording as other sessions
again() {
	sed -E "s/((ses|msg|prt|evt)_[A-Za-z0-9]{20})[A-Za-z0-9]{6}/\1$(printf %06d "$1")/g" "$(fixture "$2" sse.jsonl)" >"$tmp/again.jsonl"
}
feed() { # N: much of everything
	for recording in plain tools subagent gitcommit err500 err400 files permission secrets structured; do
		again "$1" $recording
		exits 0 "$LFSPOOL" ingest "$tmp/again.jsonl"
	done
	again "$1" plain # a prompt that asks for a sub-task, and sixty tools
	jq -c 'select(.properties.part.type == "text" and .properties.part.text != "") | .properties.part' "$tmp/again.jsonl" | head -1 |
		jq -c --argjson n "$1" '. as $part | ({ type: "subtask", agent: "general", prompt: "p", description: "d" }, (range(60) |
			{ type: "tool", tool: "tool\(.)", callID: "call\($n)\(.)", state: { status: "completed", input: {}, output: "o", title: "t", metadata: {}, time: { start: 1795238005194, end: 1795238005294 } } }))
			| { type: "message.part.updated", properties: { time: 1795238006194, part: ({ id: "prt_\($n)\(.type)\(.tool)", messageID: $part.messageID, sessionID: $part.sessionID } + .) } }' >"$tmp/more.jsonl"
	exits 0 "$LFSPOOL" ingest "$tmp/more.jsonl"
}
settled() { [ "$("$LFSPOOL" status --json | jq '.spool.pending + .spool.in_flight')" = 0 ]; }

# --- every query of the dashboard has an answer
feed 1
wait_for 120 "the first sessions are delivered" settled
wait_for 60 "the first sessions are scraped" at_least 'sum(opencode_message_count_total) and sum(lfspool_delivered_total) > 0' 1
sleep 2 # a second scrape of them
sink_fault 'posts-only,reject-name=tool-glob,status=503:1'
feed 2
feed 3
wait_for 120 "more sessions are delivered" settled
answered() { # EXPRESSION: numbers, and at least one of them is above 0 unless the healthy answer is 0
	[ "$(ask "$1" | jq --arg query "$1" '[.data.result[].value[1] | select(. != "NaN") | tonumber] | length > 0 and
		(any(. > 0) or ($query | test("in_flight|in_doubt|paused|oldest_pending|spool_pending|service_running|session_active")))')" = true ]
}
jq -r '.panels[].targets[].expr' "$srcdir/contrib/grafana/lfspool.json" | sed 's/\$__rate_interval/1m/g' >"$tmp/exprs"
[ "$(wc -l <"$tmp/exprs")" -gt 30 ] || fail "too few queries: $(cat "$tmp/exprs")"
while read -r expr; do
	wait_for 60 "no answer to $expr" answered "$expr"
done <"$tmp/exprs"
expect up "$(curl -s "$api/targets" | jq -r '.data.activeTargets[] | "\(.health)\(.lastError)"')" "the target"
curl -s "$api/rules" | jq -e 'all(.data.groups[].rules[]; .health == "ok" and (.lastError // "") == "")' >/dev/null || fail "a rule is wrong: $(curl -s "$api/rules" | jq -c '[.data.groups[].rules[].lastError]')"
expect "$("$LFSPOOL" metrics | awk '/^opencode_token_usage_tokens_total/ { s += $NF } END { print s }')" "$(number 'sum(opencode_token_usage_tokens_total)')" "tokens in Prometheus"
expect "true" "$(curl -s "$api/metadata" | jq '.data | length > 30 and all(.[]; .[0].type != "unknown")')" "types"
expect seconds "$(curl -s "$api/targets/metadata?metric=opencode_tool_duration_seconds" | jq -r '.data[0].unit')" "unit of a duration"

# --- alerts that must fire, and must not before
instrumented || quiet LfspoolSendsSlowly || fail "LfspoolSendsSlowly fires for nothing"
for alert in LfspoolSinkPaused LfspoolNothingIsDelivered LfspoolSpoolIsNearlyFull LfspoolUnclearSends OpencodeCacheIsMissed; do
	quiet $alert || fail "$alert fires for nothing"
done
quiet OpencodeAnswersFail || fail "OpencodeAnswersFail fires for few errors"
for n in $(seq 101 130); do again "$n" err400; cat "$tmp/again.jsonl"; done >"$tmp/errors.jsonl"
exits 0 "$LFSPOOL" ingest "$tmp/errors.jsonl"
for alert in LfspoolDeadLetters LfspoolDropped LfspoolTooManySeries LfspoolSourceIsAway OpencodeAnswersFail; do
	wait_for 60 "$alert" firing $alert
done
again 4 plain # five million tokens, none of them from the cache
sed -i -E 's/"tokens":\{[^{}]*"cache":\{[^{}]*\}[^{}]*\}/"tokens":{"input":5000000,"output":7,"reasoning":0,"cache":{"read":0,"write":0}}/g' "$tmp/again.jsonl"
exits 0 "$LFSPOOL" ingest "$tmp/again.jsonl"
wait_for 60 "OpencodeCacheIsMissed" firing OpencodeCacheIsMissed
sink_fault 'slow=1500'
n=10
slow() { n=$((n + 1)); again $n plain; "$LFSPOOL" ingest "$tmp/again.jsonl" >/dev/null 2>&1; firing LfspoolSendsSlowly; }
wait_for 120 "LfspoolSendsSlowly" slow
sink_fault 'accept-and-die'
exits 0 "$LFSPOOL" ingest "$(fixture unicode sse.jsonl)"
wait_for 60 "LfspoolUnclearSends" firing LfspoolUnclearSends
sink_fault 'status=401'
exits 0 "$LFSPOOL" ingest "$(fixture reasoning sse.jsonl)"
wait_for 60 "LfspoolSinkPaused" firing LfspoolSinkPaused
wait_for 60 "LfspoolNothingIsDelivered" firing LfspoolNothingIsDelivered
n=1000
full() { n=$((n + 1)); load_big $n 300000; "$LFSPOOL" ingest "$tmp/load/$n.jsonl" >/dev/null 2>&1; sleep 0.5; firing LfspoolSpoolIsNearlyFull; }
wait_for 120 "LfspoolSpoolIsNearlyFull" full
stop_daemon || fail "the daemon did not stop well"
wait_for 60 "LfspoolDown" firing LfspoolDown
echo "$(wc -l <"$tmp/exprs") queries answered, 12 alerts fired"
exit 0
