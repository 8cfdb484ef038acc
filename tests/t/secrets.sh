#!/bin/sh
# Planted secrets reach neither the spool's files, nor a request, nor a log, nor standard output; metadata_only sends no content.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
input=$(fixture secrets sse.jsonl)
jq -r '.secrets[].value' "$(fixture secrets truth.json)" >"$tmp/values"
[ "$(wc -l <"$tmp/values")" -ge 14 ] || fail "too few secrets are planted"
grep -q -F -f "$tmp/values" "$input" || fail "the fixture was not filled in"
search() { # WHERE FILE...: no planted value may be in it
	where=$1; shift
	while IFS= read -r value; do
		if grep -q -a -F -e "$value" "$@" 2>/dev/null; then fail "$where holds a planted secret (${#value} bytes long)"; fi
	done <"$tmp/values"
}
for mode in full metadata_only; do
	rm -rf "$tmp/spool" "$tmp/requests" "$tmp/daemon.err" "$tmp/daemon.out"
	mkdir "$tmp/requests"
	export LFSPOOL_MODE=$mode LFSPOOL_LOG_LEVEL=debug
	start_sink v4 --requests "$tmp/requests"
	start_daemon
	for f in sse.jsonl export.json messages.json plugin.jsonl; do
		exits 0 "$LFSPOOL" ingest "$(fixture secrets "$f")"
		search "output of ingest" "$tmp/out" "$tmp/err"
	done
	exits 0 "$LFSPOOL" flush
	exits 0 "$LFSPOOL" status
	search "status" "$tmp/out"
	"$LFSPOOL" export >"$tmp/export.out"
	search "export ($mode)" "$tmp/export.out"
	[ "$mode" = full ] && { "$LFSPOOL" status --json | jq -e '.redacted.total > 0' >/dev/null || fail "nothing was counted as redacted"; }
	search "the spool ($mode)" "$tmp"/spool/spool.db*
	stop_daemon || fail "the daemon did not stop well"
	stop_sink
	search "the spool ($mode)" "$tmp"/spool/spool.db*
	search "a request ($mode)" "$tmp"/requests/*
	search "a log" "$tmp/daemon.err" "$tmp/daemon.out" "$tmp/sink.out" "$tmp/sink.err"
	[ -s "$tmp/observations.jsonl" ] || fail "nothing arrived"
	if [ "$mode" = metadata_only ]; then
		grep -a -q -e 'notes' -e '/home/dev' -e 'please' "$tmp"/requests/*.pb "$tmp"/spool/spool.db* && fail "metadata_only sends content"
		jq -e 'select(.input or .output or .title != "opencode session")' "$tmp/observations.jsonl" >/dev/null && fail "metadata_only sends input, output or title"
	fi
	rm -f "$tmp/observations.jsonl"
done
rm -rf "$tmp/spool"
exits 0 "$LFSPOOL" ingest --json --set mode=off "$input"
expect 0 "$(jq .stored "$tmp/out")" "records in mode off"
# the redact command, and that it explains without telling
"$LFSPOOL" redact <"$input" >"$tmp/out"
search "redact" "$tmp/out"
"$LFSPOOL" redact --explain <"$input" >"$tmp/out"
search "redact --explain" "$tmp/out"
[ -s "$tmp/out" ] || fail "redact --explain explains nothing"
exit 0
