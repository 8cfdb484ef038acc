#!/bin/sh
# Bad input gets an error that names file, line and reason, a stable exit status, and costs nothing else.
. "${srcdir:-.}/tests/t/lib.sh"
good=$(fixture plain sse.jsonl)
fresh() { rm -rf "$tmp/spool"; }
stored() { "$LFSPOOL" export | wc -l; }
exits 0 "$LFSPOOL" ingest "$good"
whole=$(stored)
[ "$whole" -gt 3 ] || fail "the good file gives $whole records"

# with_line N TEXT-COMMAND: the good file with one more line before line N
with_line() { { head -n "$(($1 - 1))" "$good"; cat; tail -n "+$1" "$good"; } >"$tmp/bad.jsonl"; }
bad_line() { # WHAT PATTERN: $tmp/bad.jsonl has a bad line 5; all else is taken
	fresh
	exits 1 "$LFSPOOL" ingest "$tmp/bad.jsonl"
	says "bad.jsonl:5: .*$2"
	expect "$whole" "$(stored)" "records beside $1"
}
printf '{"id":"evt_1","type":\n' | with_line 5; bad_line "a broken line" "JSON"
printf '{"id":"evt_1","type":"x","properties":{"a":"\377"}}\n' | with_line 5; bad_line "invalid UTF-8" "UTF-8"
printf '{"id":"evt_1","type":"x\000","properties":{}}\n' | with_line 5; bad_line "a NUL" "control character"
awk 'BEGIN { printf "{\"id\":\"evt_1\",\"type\":\"session.created\",\"properties\":"; for (i = 0; i < 100000; i++) printf "["; for (i = 0; i < 100000; i++) printf "]"; print "}" }' | with_line 5
bad_line "100,000-deep nesting" "nested"

fresh
head -c -40 "$good" >"$tmp/cut.jsonl"
exits 1 "$LFSPOOL" ingest "$tmp/cut.jsonl"
says 'cut.jsonl:[0-9]*: .*truncated'

fresh # an unknown type is counted, and we keep going
printf '{"id":"evt_1fc860d8001","type":"quantum.flux","properties":{"sessionID":"ses_1"}}\n' | with_line 5
exits 0 "$LFSPOOL" ingest --json "$tmp/bad.jsonl"
expect 1 "$(jq .unknown "$tmp/out")" "unknown events"
expect "$whole" "$(stored)" "records beside an unknown event"

fresh # one line of 1 GB, in bounded memory; what is around it is taken, and a dead letter names it
size=${BIG_LINE_MB:-1024}
{ head -n 4 "$good"; printf '{"id":"evt_1","type":"message.part.updated","properties":{"x":"'; head -c "${size}M" /dev/zero | tr '\0' 'a'; printf '"}}\n'; tail -n +5 "$good"; } >"$tmp/fifo.src" 2>/dev/null || skip "no room for a large line"
limit=600000
nm -D "$LFSPOOL" 2>/dev/null | grep -q -e __asan_init -e __tsan_init && limit=unlimited
(ulimit -v $limit; "$LFSPOOL" ingest "$tmp/fifo.src") >"$tmp/out" 2>"$tmp/err"
expect 1 $? "exit status with a huge line"
says 'fifo.src:5: '
rm -f "$tmp/fifo.src"
expect "$whole" "$(stored)" "records beside a huge line"
exits 0 "$LFSPOOL" dead list --json
expect oversize "$(jq -r .reason "$tmp/out")" "the dead letter's reason"

# files that are none
exits 1 "$LFSPOOL" ingest "$tmp"
says 'is a directory'
exits 1 "$LFSPOOL" ingest "$tmp/no-such-file"
says 'no-such-file: No such file'
# spool directories that must be refused
mkdir "$tmp/real"; chmod 700 "$tmp/real"; ln -s "$tmp/real" "$tmp/link"
exits 1 "$LFSPOOL" ingest --set spool_dir="$tmp/link" "$good"
says 'symbolic link'
mkdir "$tmp/open"; chmod 755 "$tmp/open"
exits 1 "$LFSPOOL" ingest --set spool_dir="$tmp/open" "$good"
says 'open to others'
: >"$tmp/file"
exits 1 "$LFSPOOL" ingest --set spool_dir="$tmp/file" "$good"
# a spool of a newer version: refused, untouched
if have sqlite3; then
	fresh; exits 0 "$LFSPOOL" ingest "$good"
	sqlite3 "$tmp/spool/spool.db" 'pragma user_version = 999; pragma wal_checkpoint(truncate)' >/dev/null
	before=$(cksum <"$tmp/spool/spool.db")
	exits 1 "$LFSPOOL" ingest "$good"
	says 'newer'
	expect "$before" "$(cksum <"$tmp/spool/spool.db")" "bytes of the newer spool"
	fresh
fi
# usage and configuration
exits 2 "$LFSPOOL"
exits 2 "$LFSPOOL" frobnicate
exits 2 "$LFSPOOL" ingest --frobnicate
exits 2 "$LFSPOOL" flush --timeout banana
exits 2 "$LFSPOOL" status --set max_spool_mb=1
says 'max_spool_mb'; says '10'
exits 2 "$LFSPOOL" status --set mode=sometimes
says 'metadata_only'
exits 2 "$LFSPOOL" status --set no_such_option=1
says 'no_such_option'
mkdir -p "$tmp/config/lfspool"
printf '\nmode = full\nflush_interval = soon\n' >"$tmp/config/lfspool/lfspool.conf"
exits 2 "$LFSPOOL" status
says 'lfspool.conf:3'
rm "$tmp/config/lfspool/lfspool.conf"
# no keys: it spools and says so
exits 0 "$LFSPOOL" ingest "$good"
exits 3 "$LFSPOOL" flush
says 'no Langfuse keys'
expect "$whole" "$(stored)" "records without keys"
# a second daemon is refused and names the first
start_daemon
exits 1 "$LFSPOOL" run
says "$daemon_pid"
stop_daemon || fail "the daemon did not stop well"
exit 0
