#!/bin/sh
# status and purge, with the daemon up and down.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
good=$(fixture tools sse.jsonl) other=$(fixture plain sse.jsonl)
keys='["version","pid","uptime_s","mode","spool","sinks","sources","dropped","redacted"]'

exits 3 "$LFSPOOL" status
says 'no spool'
round() { # as it is now, daemon up or down
	exits 0 "$LFSPOOL" ingest "$good" "$other"
	exits 0 "$LFSPOOL" status
	grep -q 'records' "$tmp/out" || fail "status says nothing: $(cat "$tmp/out")"
	exits 0 "$LFSPOOL" status --json
	expect "$keys" "$(jq -c keys_unsorted "$tmp/out")" "keys of status --json"
	expect '["path","bytes","max_bytes","records","sessions","pending","in_flight","in_doubt","dead","delivered","oldest_pending_s"]' \
		"$(jq -c '.spool | keys_unsorted' "$tmp/out")" "keys of spool"
	expect 2 "$(jq .spool.sessions "$tmp/out")" "sessions"
	expect '"off"' "$(jq -c .sinks[0].state "$tmp/out")" "state without keys"
	n=$(jq .spool.records "$tmp/out")
	id=$("$LFSPOOL" show --json | jq -r 'select(.title | test("plain")) | .session')
	[ -n "$id" ] || fail "show does not list the session"
	exits 2 "$LFSPOOL" purge
	exits 2 "$LFSPOOL" purge --older-than soon
	exits 3 "$LFSPOOL" purge --session no-such-session
	exits 0 "$LFSPOOL" purge --session "$id" --dry-run --json
	gone=$(jq .records "$tmp/out")
	[ "$gone" -gt 0 ] || fail "the dry run finds nothing"
	expect "$n" "$("$LFSPOOL" status --json | jq .spool.records)" "records after a dry run"
	"$LFSPOOL" purge --session "$id" >"$tmp/out" 2>"$tmp/err"
	expect 1 $? "purge of what is not delivered"
	says 'not delivered'
	exits 0 "$LFSPOOL" purge --session "$id" --yes
	expect $((n - gone)) "$("$LFSPOOL" status --json | jq .spool.records)" "records after the purge"
	exits 0 "$LFSPOOL" purge --all --yes
	expect 0 "$("$LFSPOOL" status --json | jq .spool.records)" "records after purge --all"
}
round
expect null "$("$LFSPOOL" status --json | jq .pid)" "pid without a daemon"
start_daemon
round
stop_daemon || fail "the daemon did not stop well"
exit 0
