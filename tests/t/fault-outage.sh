#!/bin/sh
# The receiver is ill for part of a run, while records come in and after: it answers 500, 429 or nothing, or is not there;
# then it is well. Nothing is lost, nothing doubled, and the daemon that is blocked does nothing. Then many records
# against a limit of 300 kB, refused keys, and a backlog beside fresh work.
# OUTAGE_SECONDS: of a run of twice as long; OUTAGE_SESSIONS: of the last parts, 3 observations each.
. "${srcdir:-.}/tests/t/lib.sh"
. "$srcdir/tests/t/load.sh"
races_build && skip "a build for finding races: too slow for the clocks of this test"
have jq || skip "no jq"
have curl || skip "no curl"
seconds=${OUTAGE_SECONDS:-1}
many=${OUTAGE_SESSIONS:-100}
export LFSPOOL_FLUSH_INTERVAL=200ms LFSPOOL_LOOKUP_DELAY=300ms LFSPOOL_REQUEST_TIMEOUT=2s
sink_fault() { curl -s -o /dev/null -X POST --data-binary "$1" "$sink_url/sink/fault"; }
fresh() { rm -rf "$LFSPOOL_SPOOL_DIR" "$tmp"/tried.* "$tmp"/promised.* "$tmp/observations.jsonl" "$tmp/daemon.err" "$tmp/load"/*; rm -f "$tmp/stop"; }
field() { "$LFSPOOL" status --json 2>/dev/null | jq -r "$1"; }
left() { field '.spool | .pending + .in_flight + .in_doubt'; }
blocked_daemon_idles() { [ -n "$daemon_pid" ] && idles "$daemon_pid" "$((seconds + 1))" "$1"; }

outage() { # NAME
	fresh
	start_sink v4
	start_daemon
	produce 1 100000 & producer=$!
	sleep "0.$((3 + $(random 5)))"
	case $1 in
	refused) kill -STOP "$sink_pid"; kill -9 "$sink_pid"; wait "$sink_pid" 2>/dev/null; port=${sink_url##*:} ;;
	500) sink_fault posts-only,status=500 ;;
	429) sink_fault "posts-only,status=429;retry-after=1" ;;
	hang) sink_fault posts-only,hang ;;
	esac
	sleep "$seconds"
	: >"$tmp/stop"; wait "$producer"
	# What takes time now is tries, at growing distances: 1 s, 2 s, 4 s; nothing is done between them.
	blocked_daemon_idles "$1"
	case $1 in
	refused) mv "$tmp/observations.jsonl" "$tmp/before.jsonl" 2>/dev/null; start_sink v4 --listen "127.0.0.1:$port"; cat "$tmp/before.jsonl" >>"$tmp/observations.jsonl" ;;
	*) sink_fault '' ;;
	esac
	exits 0 "$LFSPOOL" flush --timeout 120
	stop_daemon || fail "the daemon did not stop well"
	expect "$(cat "$tmp"/tried.* | wc -l)" "$(promised | wc -l)" "$1: sessions taken during the outage"
	once "$1"
	echo "outage $1, $seconds s: $total sessions, 0 lost, 0 doubled"
	stop_sink
}
for kind in 500 429 hang refused; do outage $kind; done

# many records at once, from files made in one go
load_many() { # FROM TO: one file for all of them
	: >"$tmp/load/many.jsonl"
	for s in $(seq "$1" "$2"); do
		sed -E "s/((ses|msg|prt)_[A-Za-z0-9]{20})[A-Za-z0-9]{6}/\1$(printf %06d "$s")/g" "$load_template" >>"$tmp/load/many.jsonl"
	done
	exits 0 "$LFSPOOL" ingest "$tmp/load/many.jsonl"
	seq "$1" "$2" | tee -a "$tmp/promised.0" >>"$tmp/tried.0"
}
fresh; start_sink v4 --fault posts-only,max-body=300000
load_many 1 "$many"
exits 0 "$LFSPOOL" flush --timeout 120
once "413 above 300 kB"
expect 0 "$(field .spool.dead)" "413: dead letters"
echo "413 above 300 kB: $((many * load_spans)) observations delivered"
stop_sink
fresh; start_sink v4 --fault posts-only,status=401
start_daemon
load_many 1 "$many"
paused() { [ "$(field '.sinks[0].state')" = paused ]; }
wait_for 20 "a pause" paused
assembled() { [ "$(left)" = $((many * load_spans)) ]; }
wait_for 60 "the assembler" assembled
sleep 0.5
idles "$daemon_pid" 2 "401"
sink_fault ''
kill -HUP "$daemon_pid" # the keys are mended: a reload tries at once
everything() { [ "$(left)" = 0 ] && [ "$(field .spool.delivered)" -ge $((many * load_spans)) ]; }
wait_for 120 "delivery after a reload" everything
stop_daemon || fail "the daemon did not stop well"
once "401, then 200"
echo "401, then 200 after a reload: $((many * load_spans)) observations delivered"
stop_sink

# F45: a backlog and fresh work: the newest goes out with the first batch, not behind the last
fresh; start_sink v4
load_many 1 "$many"
export LFSPOOL_BATCH_MAX_KB=60
fresh_file=$((many + 1))
sed 's/17952380\([0-9]*\)/17952390\1/g' "$load_template" >"$tmp/newer"
load_template=$tmp/newer load_file $fresh_file
exits 0 "$LFSPOOL" ingest "$tmp/load/$fresh_file.jsonl"
echo $fresh_file | tee -a "$tmp/promised.0" >>"$tmp/tried.0"
start_daemon
exits 0 "$LFSPOOL" flush --timeout 120
stop_daemon || fail "the daemon did not stop well"
once "a backlog"
place=$(jq -r .own_session "$tmp/observations.jsonl" | grep -n "$(printf 'ses_e0379f672ffeswdYB4Dp%06d' $fresh_file)" | tail -1 | cut -d: -f1)
[ "$place" -le $((many * load_spans / 2)) ] || fail "a backlog of $((many * load_spans)) starves a fresh session: complete after $place"
echo "backlog of $((many * load_spans)): the fresh session was complete after $place observations"
stop_sink
exit 0
