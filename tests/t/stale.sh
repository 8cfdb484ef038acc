#!/bin/sh
# A session that ended in the middle of a turn is shipped as it is once it has been silent for stale_after, and not before.
. "${srcdir:-.}/tests/t/lib.sh"
. "$srcdir/tests/t/load.sh"
have jq || skip "no jq"
grep -v -e plugin.added -e catalog "$(fixture plain sse.jsonl)" | head -n 6 >"$tmp/prompt.jsonl"
start_sink v4
exits 0 "$LFSPOOL" ingest "$tmp/prompt.jsonl"
exits 0 "$LFSPOOL" flush --set stale_after=30d
[ -s "$tmp/observations.jsonl" ] && fail "an open turn was sent"
exits 0 "$LFSPOOL" flush --set stale_after=0s
expect '["turn","user-message"]' "$(jq -s -c 'map(.name) | sort' "$tmp/observations.jsonl")" "what a prompt without an answer gives"
records=$("$LFSPOOL" export | wc -l)
exits 0 "$LFSPOOL" flush --set stale_after=0s
expect "$records" "$("$LFSPOOL" export | wc -l)" "records after it was closed"
# the session goes on: the turn that was sent stays sent, what is new follows
exits 0 "$LFSPOOL" ingest "$(fixture plain sse.jsonl)"
exits 0 "$LFSPOOL" flush
expect '["assistant-response","turn","user-message"]' "$(jq -s -c 'map(.name) | sort' "$tmp/observations.jsonl")" "after the session went on"
# many sessions at once: each is closed by one record
rm -rf "$tmp/spool"
i=0
while [ $i -lt 40 ]; do i=$((i + 1)); sed "s/ses_[A-Za-z0-9]*/ses_$i/g; s/msg_/msg_$i/g" "$tmp/prompt.jsonl"; done >"$tmp/many.jsonl"
exits 0 "$LFSPOOL" ingest "$tmp/many.jsonl"
exits 0 "$LFSPOOL" flush --set stale_after=0s
expect 40 "$("$LFSPOOL" export | grep -c '"type":"stale"')" "stale records"
# An old session that comes in pieces is not closed between them, however long ago its own times are.
stop_sink
rm -rf "$tmp/spool" "$tmp/observations.jsonl"
start_sink v4
LFSPOOL_FLUSH_INTERVAL=100ms start_daemon
exits 0 "$LFSPOOL" ingest "$tmp/prompt.jsonl"
sleep 1
exits 0 "$LFSPOOL" ingest "$(fixture plain sse.jsonl)"
whole() { grep -q assistant-response "$tmp/observations.jsonl" 2>/dev/null; }
wait_for 60 "the answer" whole
stop_daemon || fail "the daemon did not stop well"
exits 0 "$LFSPOOL" flush
expect 0 "$("$LFSPOOL" export | grep -c '"type":"stale"')" "times that it was closed between two pieces"
expect 3 "$(wc -l <"$tmp/observations.jsonl")" "observations of the session in pieces"
stop_sink
grep -q ' 0 duplicates' "$tmp/sink.out" || fail "duplicates: $(cat "$tmp/sink.out")"
exit 0
