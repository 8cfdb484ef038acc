#!/bin/sh
# In metadata_only, and with otlp_content = false, no words of a session reach a collector: no prompt, answer, input, output, title, path or
# error. In full they do, so that the search is known to find them. A sample leaves whole sessions out, the same ones every time.
. "${srcdir:-.}/tests/t/lib.sh"
. "$srcdir/tests/otlp/collector.sh"
otlp_install
start_collector
export LFSPOOL_SOURCES=none LFSPOOL_STALE_AFTER=0s LFSPOOL_OTLP_TRACES=otlp LFSPOOL_OTLP_LOGS=otlp LFSPOOL_OTLP_ENDPOINT=http://127.0.0.1:$otlp_http
scenarios="tools files subagent permission permreject question errctx err401 compaction gitcommit unicode revert"
for s in $scenarios; do
	jq -r '[.messages[] | (.parts[], (.info | {error})) | .. | strings], [.info.title] | .[]' "$(fixture $s export.json)"
done | tr '\n' '\t' | sed 's/[\t"\\]\{1,\}/\n/g' | LC_ALL=C grep -a ' ' | awk 'length($0) > 11' | sort -u | head -c 2000000 | LC_ALL=C cut -c1-60 >"$tmp/words"
[ "$(wc -l <"$tmp/words")" -gt 50 ] || fail "only $(wc -l <"$tmp/words") words to look for"
found() { LC_ALL=C grep -a -c -F -f "$tmp/words" "$1"; }
run() { # what is sent, one string a line, without what names things; the answer of the search
	rm -rf "$tmp/spool"
	: >"$tmp/otlp.jsonl"
	for s in $scenarios; do exits 0 "$LFSPOOL" ingest "$(fixture $s sse.jsonl)"; done
	exits 0 "$LFSPOOL" flush
	jq -r '.items[] | .name, .status.message, .body, (.attributes | .. | strings)' "$tmp/otlp.jsonl" | sort -u >"$tmp/sent"
	[ "$(wc -l <"$tmp/sent")" -gt 80 ] || fail "hardly anything was sent"
	found "$tmp/sent"
}
for convention in gen_ai openinference; do
	export LFSPOOL_OTLP_CONVENTION=$convention
	[ "$(run)" -gt 50 ] || fail "the search finds nothing in what has content"
	n=$(LFSPOOL_MODE=metadata_only run)
	expect 0 "$n" "words in metadata_only ($convention): $(LC_ALL=C grep -a -F -f "$tmp/words" "$tmp/sent" | head -2)"
	n=$(LFSPOOL_OTLP_CONTENT=false run)
	expect 0 "$n" "words without otlp_content ($convention): $(LC_ALL=C grep -a -F -f "$tmp/words" "$tmp/sent" | head -2)"
done

# --- a share of the sessions: the same ones through another channel and in another order; metrics count all
sent_sessions() { jq -r 'select(.signal == "traces") | .items[] | .traceId' "$tmp/otlp.jsonl" | sort -u; }
export LFSPOOL_SAMPLE_RATE=0.5
run >/dev/null
sent_sessions >"$tmp/some"
dropped=$("$LFSPOOL" status --json | jq '.dropped.sampled // 0')
sessions=$("$LFSPOOL" status --json | jq .spool.sessions)
logged=$(jq -r 'select(.signal == "logs") | .items[] | select(.body == "session.created") | .attributes["session.id"]' "$tmp/otlp.jsonl" | sort -u | wc -l)
expect "$sessions" $((logged + dropped)) "sessions sent and left out"
[ "$dropped" -gt 0 ] && [ -s "$tmp/some" ] || fail "a sample of one half takes all or nothing"
counted=$("$LFSPOOL" metrics | sed -n 's/^opencode_session_count_total{.*} //p' | awk '{ n += $1 } END { print n }')
expect "$sessions" "$counted" "sessions that the metrics count"
rm -rf "$tmp/spool"; : >"$tmp/otlp.jsonl"
for s in unicode gitcommit err401 permission files tools revert compaction errctx question permreject; do exits 0 "$LFSPOOL" ingest "$(fixture $s export.json)"; done
exits 0 "$LFSPOOL" ingest "$(fixture subagent sse.jsonl)"
exits 0 "$LFSPOOL" flush
sent_sessions | cmp -s - "$tmp/some" || fail "another order and channel make another sample"
LFSPOOL_SAMPLE_RATE=1 exits 0 "$LFSPOOL" ingest "$(fixture plain sse.jsonl)"
printf 'looked for %s pieces of content\n' "$(wc -l <"$tmp/words")"
exit 0
