#!/bin/sh
# The daemon: takes input from commands, ships it, stops within 5 s also while a request hangs, goes on where it was.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
good=$(fixture tools sse.jsonl)
: >"$tmp/empty.conf" # for status, when the daemon's file is bad on purpose
status() { "$LFSPOOL" status --json --config "$tmp/empty.conf" | jq "$1"; }
export LFSPOOL_FLUSH_INTERVAL=200ms LFSPOOL_LOOKUP_DELAY=500ms
settled() { # waits until nothing is pending
	n=0
	until [ "$(status '.spool | .delivered > 0 and .pending + .in_flight + .in_doubt == 0')" = true ]; do
		n=$((n + 1)); [ $n -lt 600 ] || fail "not settled: $("$LFSPOOL" status)"
		sleep 0.1
	done
}

start_sink v4 --fault posts-only,hang:1
start_daemon
expect "$daemon_pid" "$(status .pid)" "pid in status"
exits 0 "$LFSPOOL" ingest "$good"
n=0 # until the request hangs
until [ "$(status .spool.in_flight)" -gt 0 ]; do
	n=$((n + 1)); [ $n -lt 600 ] || fail "nothing is in flight"
	sleep 0.05
done
started=$(date +%s)
stop_daemon || fail "SIGTERM during a hanging request: exit $?"
[ $(($(date +%s) - started)) -le 5 ] || fail "took more than 5 s to stop"
start_daemon
settled
total=$(status .spool.delivered)
stop_sink
expect "$total" "$(sort -u "$tmp/observations.jsonl" | wc -l)" "observations at the receiver"
expect "$total" "$(wc -l <"$tmp/observations.jsonl")" "observations at the receiver, duplicates too"

# A bad configuration on reload leaves the daemon as it was; a good one is taken.
mkdir -p "$tmp/config/lfspool"
echo 'mode = bogus' >"$tmp/config/lfspool/lfspool.conf"
kill -HUP "$daemon_pid"
n=0; until grep -q 'old configuration stays' "$tmp/daemon.err"; do n=$((n + 1)); [ $n -lt 200 ] || fail "no word about the bad configuration"; sleep 0.05; done
expect '"full"' "$(status .mode)" "mode after a bad reload"
echo 'mode = metadata_only' >"$tmp/config/lfspool/lfspool.conf"
kill -HUP "$daemon_pid"
n=0; until [ "$(status .mode)" = '"metadata_only"' ]; do n=$((n + 1)); [ $n -lt 200 ] || fail "the new configuration is not taken"; sleep 0.05; done
stop_daemon || fail "the daemon did not stop well"
# standard input through the daemon, with the input held open: acknowledged while it is still open
rm "$tmp/config/lfspool/lfspool.conf"
rm -rf "$tmp/spool"
start_daemon
mkfifo "$tmp/pipe"
"$LFSPOOL" ingest - <"$tmp/pipe" >"$tmp/ingest.out" 2>&1 &
writer=$!
exec 9>"$tmp/pipe"
cat "$good" >&9
n=0; until [ "$(status .spool.records)" -gt 10 ]; do n=$((n + 1)); [ $n -lt 200 ] || fail "an open pipe is not taken"; sleep 0.05; done
exec 9>&-
wait $writer || fail "ingest from a pipe: $(cat "$tmp/ingest.out")"
stop_daemon || fail "the daemon did not stop well"
exit 0
