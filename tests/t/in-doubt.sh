#!/bin/sh
# A request whose answer never came is looked up before anything of it is sent again: nothing is lost, nothing doubled.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
export LFSPOOL_FLUSH_INTERVAL=100ms LFSPOOL_LOOKUP_DELAY=300ms
whole() { # what arrived is everything, once
	total=$("$LFSPOOL" status --json | jq .spool.delivered)
	[ "$total" -gt 20 ] || fail "$1: only $total delivered"
	expect "$total" "$(wc -l <"$tmp/observations.jsonl")" "$1: observations at the receiver"
	expect "$total" "$(jq -r .span "$tmp/observations.jsonl" | sort -u | wc -l)" "$1: different ones"
	rm -rf "$tmp/spool" "$tmp/observations.jsonl"
}
for fault in accept-and-die:1 cut-answer:1 accept-and-die:1,status=503:2 hang:1; do
	start_sink v4 --fault "posts-only,$fault"
	exits 0 "$LFSPOOL" ingest "$(fixture tools sse.jsonl)"
	exits 0 "$LFSPOOL" flush --timeout 60 --set request_timeout=2s --set backoff_max=1s
	stop_sink
	whole "$fault"
done
# the same, with a daemon that is killed while it waits for the answer
start_sink v4 --fault posts-only,slow=600000:1
start_daemon
exits 0 "$LFSPOOL" ingest "$(fixture tools sse.jsonl)"
n=0
until [ -s "$tmp/observations.jsonl" ]; do
	n=$((n + 1)); [ $n -lt 600 ] || fail "nothing arrives"
	sleep 0.05
done
kill -9 "$daemon_pid"
wait "$daemon_pid" 2>/dev/null
daemon_pid=''
exits 0 "$LFSPOOL" flush --timeout 60
whole "killed"
stop_sink
exit 0
