#!/bin/sh
# A session that ended in the middle of a turn is shipped as it is once it has been silent for stale_after, and not before.
. "${srcdir:-.}/tests/t/lib.sh"
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
stop_sink
grep -q ' 0 duplicates' "$tmp/sink.out" || fail "duplicates: $(cat "$tmp/sink.out")"
exit 0
