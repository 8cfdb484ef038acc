#!/bin/sh
# kill -9 on the daemon while it takes input and ships: what was acknowledged arrives, once. KILL_ROUNDS sets how often.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
export LFSPOOL_FLUSH_INTERVAL=100ms LFSPOOL_LOOKUP_DELAY=300ms
rounds=${KILL_ROUNDS:-6}
start_sink v4
round=0
while [ $round -lt "$rounds" ]; do
	round=$((round + 1))
	start_daemon
	for scenario in plain tools subagent compaction; do
		"$LFSPOOL" ingest "$(fixture $scenario sse.jsonl)" >/dev/null 2>&1 &
	done
	sleep "0.$((round * 13 % 9))"
	kill -9 "$daemon_pid"
	wait "$daemon_pid" 2>/dev/null
	wait_for=$(jobs -p | grep -v -x "$sink_pid")
	for p in $wait_for; do wait "$p" 2>/dev/null; done
	daemon_pid=''
done
for scenario in plain tools subagent compaction; do exits 0 "$LFSPOOL" ingest "$(fixture $scenario sse.jsonl)"; done
exits 0 "$LFSPOOL" flush --set stale_after=0s --timeout 60
expected=$("$LFSPOOL" show --json | jq -r 'select(.parent == "") | .session' | while read -r id; do "$LFSPOOL" show "$id" --json; done | wc -l)
stop_sink
grep -q ' 0 duplicates' "$tmp/sink.out" || fail "duplicates after $rounds kills: $(tail -1 "$tmp/sink.out")"
expect "$expected" "$(jq -r .span "$tmp/observations.jsonl" | sort -u | wc -l)" "observations after $rounds kills"
exit 0
