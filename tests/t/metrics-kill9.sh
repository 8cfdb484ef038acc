#!/bin/sh
# kill -9 at random moments while sessions come in, some for the second and third time, some from OpenCode's database, all of which is
# read anew at each start, some both ways, and while differences go out to a collector that fails too: the counters end at the truth,
# and so does the sum of the differences. METRICS_KILL_ROUNDS sets how often.
. "${srcdir:-.}/tests/t/lib.sh"
. "$srcdir/tests/t/load.sh"
have jq || skip "no jq"
have curl || skip "no curl"
export LFSPOOL_STALE_AFTER=0s LFSPOOL_FLUSH_INTERVAL=100ms LFSPOOL_OTLP_INTERVAL=100ms LFSPOOL_BACKOFF_MAX=100ms
export LFSPOOL_OTLP_PROTOCOL=http/json LFSPOOL_OTLP_TEMPORALITY=delta
rounds=${METRICS_KILL_ROUNDS:-5}
grow=$builddir/tests/database/grow
schema=$srcdir/tests/fixtures/opencode-db/schema.sql
db=$XDG_DATA_HOME/opencode/opencode.db
mkdir -p "$tmp/requests" "${db%/*}"
start_sink v4 --requests "$tmp/requests"
unset LFSPOOL_LANGFUSE_HOST LFSPOOL_LANGFUSE_SECRET_KEY LFSPOOL_LANGFUSE_PUBLIC_KEY
export LFSPOOL_OTLP_ENDPOINT="$sink_url"

# name value of the sums that count, in 10^-9
counted() { "$LFSPOOL" metrics | jq -R -r -n '[inputs | capture("^opencode_(?<n>session_count|token_usage_tokens|cost_usage_USD|message_count|model_usage)_total(\\{.*\\})? (?<v>.*)$")]
	| group_by(.n) | map("\(.[0].n) \(map(.v | tonumber) | add | . * 1e9 | round)")[]'; }
differences() { find "$tmp/requests" -name '*.json' | sort | xargs cat | jq -r -n '[inputs | .resourceMetrics[].scopeMetrics[].metrics[]
	| select(.name | test("^opencode.(session.count|token.usage|cost.usage|message.count|model.usage)$"))
	| "\(.name[9:] | gsub("\\."; "_"))\({ tokens: "_tokens", USD: "_USD" }[.unit] // "")" as $n
	| .sum.dataPoints[] | { $n, a: .attributes, s: .startTimeUnixNano, t: .timeUnixNano, v: .asDouble }]
	| group_by([.n, .a, .s, .t]) | map(if map(.v) | unique | length > 1 then error("one window, two values") else .[0] end)
	| group_by(.n) | map("\(.[0].n) \(map(.v) | add | . * 1e9 | round)")[]'; }
# the same, of so many sessions
truth() { jq -r --argjson n "$1" '.totals | [ "cost_usage_USD \(.cost * $n * 1e9 | round)", "message_count \(.assistantMessages * $n * 1000000000)",
	"model_usage \(.assistantMessages * $n * 1000000000)", "session_count \($n * 1000000000)", "token_usage_tokens \((.tokens | add) * $n * 1000000000)" ][]' "$(fixture plain truth.json)"; }
# a session of three is in a file alone, one in the database alone, and one in both
in_file() { [ $(($1 % 3)) != 1 ]; }
in_database() { [ $(($1 % 3)) != 2 ]; }
feed() { # sessions 1 to $last, again and again
	"$LFSPOOL" backfill >/dev/null 2>&1 &
	while [ ! -e "$tmp/stop" ]; do
		for n in $(seq 1 "$last"); do
			[ -e "$tmp/stop" ] || ! in_file "$n" || "$LFSPOOL" ingest "$tmp/load/$n.jsonl" >/dev/null 2>&1
		done
	done
}
faults='status=503:2 accept-and-die:2 cut-answer:1 reset-before:2 none'
last=0 round=0
while [ $round -lt "$rounds" ]; do
	round=$((round + 1))
	for n in 1 2 3; do
		last=$((last + 1)); load_file $last
		sed -i -E "s/(evt_[A-Za-z0-9]{20})[A-Za-z0-9]{6}/\1$(printf %06d $last)/g" "$tmp/load/$last.jsonl" # unique in the database
		! in_database $last || "$grow" "$db" "$schema" apply "$tmp/load/$last.jsonl" >/dev/null || fail "session $last is not in the database"
	done
	fault=${faults%% *}; faults="${faults#* } $fault"
	curl -s -o /dev/null -X POST --data-binary "${fault#none}" "$sink_url/sink/fault"
	rm -f "$tmp/stop"
	start_daemon
	feed & feeding=$!
	sleep "0.$((2 + $(random 7)))$(random 10)"
	kill -9 "$daemon_pid"; wait "$daemon_pid" 2>/dev/null
	daemon_pid=''
	: >"$tmp/stop"
	wait "$feeding"
done
start_daemon
for n in $(seq 1 "$last"); do ! in_file "$n" || exits 0 "$LFSPOOL" ingest "$tmp/load/$n.jsonl"; done
"$LFSPOOL" backfill >"$tmp/out" 2>"$tmp/err"
status=$?
[ $status = 0 ] || [ $status = 3 ] || fail "backfill: $(cat "$tmp/err")" # 3: there is nothing new
truth "$last" >"$tmp/want"
counted >"$tmp/got"
cmp -s "$tmp/want" "$tmp/got" || fail "after $rounds kills the counters are not the truth: $(diff "$tmp/want" "$tmp/got")"
n=0
until differences >"$tmp/got" && cmp -s "$tmp/want" "$tmp/got"; do
	n=$((n + 1)); [ $n -lt 900 ] || fail "after $rounds kills the differences do not add up: $(diff "$tmp/want" "$tmp/got") $(tail -1 "$tmp/daemon.err")"
	sleep 0.1
done
n=0
until [ "$("$LFSPOOL" metrics | sed -n 's/^opencode_session_duration_seconds_count //p')" = "$last" ]; do
	n=$((n + 1)); [ $n -lt 900 ] || fail "turns: $("$LFSPOOL" metrics | grep '^opencode_session_duration_seconds_count') of $last"
	sleep 0.1
done
stop_daemon || fail "the daemon did not stop well"
echo "$rounds kills, $last sessions: counters and differences equal the truth"
exit 0
