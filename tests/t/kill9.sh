#!/bin/sh
# kill -9 at random moments, on the daemon and on the commands that feed it, while the receiver fails too: what was
# acknowledged arrives, and everything arrives once. KILL_ROUNDS sets how often.
. "${srcdir:-.}/tests/t/lib.sh"
. "$srcdir/tests/t/load.sh"
have jq || skip "no jq"
have curl || skip "no curl"
export LFSPOOL_FLUSH_INTERVAL=100ms LFSPOOL_LOOKUP_DELAY=300ms LFSPOOL_BACKOFF_MAX=1s LFSPOOL_REQUEST_TIMEOUT=2s
rounds=${KILL_ROUNDS:-6}
start_sink v4
sink_fault() { curl -s -o /dev/null -X POST --data-binary "$1" "$sink_url/sink/fault"; }
faults='posts-only,accept-and-die:2 posts-only,cut-answer:2 posts-only,status=503:2 posts-only,slow=300:3 posts-only,reset-before:1,accept-and-die:1 posts-only,hang:1 none'
killer() { # kill -9 one of the commands, now and then
	while [ ! -e "$tmp/stop" ]; do
		sleep "0.0$(random 10)"
		victim=$(ps -o pid=,args= --ppid "$(echo "$producers" | tr ' ' ',')" 2>/dev/null | awk '/lfspool ingest/ { print $1; exit }')
		[ -z "$victim" ] || kill -9 "$victim" 2>/dev/null
	done
}
round=0
while [ $round -lt "$rounds" ]; do
	round=$((round + 1))
	fault=${faults%% *}
	faults="${faults#* } $fault"
	sink_fault "${fault#none}"
	rm -f "$tmp/stop"
	start_daemon
	producers=''
	for p in 1 2 3; do
		produce $((round * 4 + p)) 30 2>/dev/null & producers="${producers:+$producers }$!"
	done
	killer 2>/dev/null & killing=$!
	sleep "0.$((1 + $(random 6)))$(random 10)"
	kill -9 "$daemon_pid"
	wait "$daemon_pid" 2>/dev/null
	daemon_pid=''
	: >"$tmp/stop"
	for p in $producers $killing; do wait "$p" 2>/dev/null; done
	kept "round $round"
done
sink_fault ''
[ "$(promised | wc -l)" -gt 0 ] || fail "nothing was ever acknowledged"
start_daemon # opens the spool once, not for each file that is taken again
once "after $rounds kills"
stop_daemon || fail "the daemon did not stop well"
echo "$rounds kills of the daemon, $(promised | wc -l) acknowledged sessions of $total: 0 lost, 0 doubled"
for scenario in plain tools subagent compaction; do exits 0 "$LFSPOOL" ingest "$(fixture $scenario sse.jsonl)"; done
exits 0 "$LFSPOOL" flush --set stale_after=0s --timeout 60
stop_sink
grep -q ' 0 duplicates' "$tmp/sink.out" || fail "duplicates after $rounds kills: $(tail -1 "$tmp/sink.out")"
exit 0
