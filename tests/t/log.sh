#!/bin/sh
# The daemon's log in files: made with the right modes, made again when it is gone, a new one at midnight, old ones removed, no word
# of a session in it; and a folder that cannot be written stops nothing.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
logs=$tmp/state/logs
export LFSPOOL_LOG_DIR="$logs" LFSPOOL_LOG_LEVEL=debug LFSPOOL_FLUSH_INTERVAL=200ms
await() { n=0; until "$@" >/dev/null 2>&1; do n=$((n + 1)); [ $n -lt 600 ] || fail "waited in vain: $* ($(cat "$tmp/daemon.err"))"; sleep 0.1; done; }
today() { ls "$logs"/lfspool-????-??-??.log | tail -1; }
settled() { "$LFSPOOL" status --json | jq -e '.spool | .delivered > 0 and .pending + .in_flight + .in_doubt == 0'; }
reloads() { [ "$(cat "$logs"/*.log | grep -c '"daemon.reload"')" -ge "$1" ]; }

mkdir -p "$logs"
chmod 700 "$logs"
: >"$logs/lfspool-2020-02-02.log"
: >"$logs/mine"
start_sink v4
start_daemon
exits 0 "$LFSPOOL" ingest "$(fixture tools sse.jsonl)"
await settled
expect 600 "$(stat -c %a "$(today)")" "mode of the log"
[ ! -e "$logs/lfspool-2020-02-02.log" ] || fail "an old log stays"
[ -e "$logs/mine" ] || fail "a file that is no log was removed"
rm "$(today)"
kill -HUP "$daemon_pid"
await reloads 1
stop_daemon || fail "the daemon did not stop well"
jq -es 'length > 1 and all(.time and .level and .event)' "$(today)" >/dev/null || fail "not JSON lines: $(cat "$(today)")"
jq -es 'last.event == "daemon.stop"' "$(today)" >/dev/null || fail "the last line is not the end"
[ -s "$tmp/daemon.err" ] && fail "standard error has: $(cat "$tmp/daemon.err")"
# What people and agents wrote
"$LFSPOOL" export | jq -r '.. | strings | select(length > 24)' | grep ' ' | cut -c1-200 | sort -u >"$tmp/content"
[ -s "$tmp/content" ] || fail "no content to look for"
! cat "$logs"/*.log | grep -F -f "$tmp/content" || fail "content in the log"

# A folder that cannot be written
rm -rf "$logs"
: >"$logs"
start_daemon
exits 0 "$LFSPOOL" ingest "$(fixture child sse.jsonl || fixture subagent sse.jsonl)"
await settled
grep -q '"event":"log.file"' "$tmp/daemon.err" || fail "no word about the log: $(cat "$tmp/daemon.err")"
grep -q '"event":"daemon.start"' "$tmp/daemon.err" || fail "standard error has no log meanwhile"
rm "$logs"
kill -HUP "$daemon_pid"
await reloads 1
stop_daemon || fail "the daemon did not stop well"

# Midnight
have faketime || skip "no faketime: midnight was not tried"
nm -D "$LFSPOOL" 2>/dev/null | grep -q -e __asan_init -e __tsan_init && skip "midnight is not tried with sanitizers"
rm -rf "$logs"
TZ=UTC faketime '2026-11-21 23:59:50' "$LFSPOOL" run 2>>"$tmp/daemon.err" &
wrapper=$!
await grep -q daemon.start "$logs/lfspool-2026-11-21.log"
daemon_pid=$(jq -r 'select(.event == "daemon.start").pid' "$logs/lfspool-2026-11-21.log")
beat() { kill -HUP "$daemon_pid" && [ -s "$logs/lfspool-2026-11-22.log" ]; }
await beat
kill "$daemon_pid"
wait $wrapper || fail "the daemon did not stop well"
daemon_pid=''
grep -q '"daemon.start"' "$logs/lfspool-2026-11-21.log" || fail "the first day has no start"
grep -q '"daemon.stop"' "$logs/lfspool-2026-11-22.log" || fail "the second day has no end"
! grep -h '"time":"2026-11-22' "$logs/lfspool-2026-11-21.log" || fail "a line of the second day is in the first one's file"
exit 0
