#!/bin/sh
# The picture in the README is what `lfspool show` draws.
. "${srcdir:-.}/tests/t/lib.sh"
exits 0 "$LFSPOOL" ingest "$(fixture subagent sse.jsonl)"
"$LFSPOOL" show ses_e0379994cffe8A2YOO1MMe1rfe >"$tmp/picture"
[ "$(wc -l <"$tmp/picture")" -gt 10 ] || fail "the picture is too small"
while IFS= read -r line; do
	grep -qxF -e "$line" "$srcdir/README.md" || fail "README.md lacks the line: $line"
done <"$tmp/picture"
exit 0
