#!/bin/sh
# An OpenCode server is listened to: live events, and by REST what happened while nobody listened; ends, garbage, passwords, old
# servers; nothing twice.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
have node || skip "no node"
export LFSPOOL_SOURCES=none LFSPOOL_BACKFILL_SINCE=3650d
server_pid=''
cleanup_more() { [ -n "$server_pid" ] && kill -9 "$server_pid" 2>/dev/null; }
start_server() { # SCENARIO OPTION...
	scenario=$1; shift
	: >"$tmp/server.out"
	node "$srcdir/tests/opencode/replay.mjs" "$fixtures/$scenario" "$@" >"$tmp/server.out" 2>"$tmp/server.err" &
	server_pid=$!
	n=0
	until grep -q '^listening on' "$tmp/server.out"; do
		n=$((n + 1)); [ $n -lt 400 ] || fail "the server does not start: $(cat "$tmp/server.err")"
		sleep 0.05
	done
	LFSPOOL_OPENCODE_URL=$(sed -n 's/^listening on //p' "$tmp/server.out")
	export LFSPOOL_OPENCODE_URL
}
stop_server() { kill -9 "$server_pid" 2>/dev/null; wait "$server_pid" 2>/dev/null; server_pid=''; }
differences() { # what truth.jq says of the receiver's observations
	: >"$tmp/none"
	cat "$fixtures/$scenario"/export*.json >"$tmp/exports"
	jq -n -r --slurpfile obs "$tmp/observations.jsonl" --slurpfile truth "$fixtures/$scenario/truth.json" --slurpfile exports "$tmp/exports" \
		--slurpfile v2 "$tmp/none" -f "$srcdir/tests/t/truth.jq" 2>&1
}
listen() { # until what came equals the truth
	rm -rf "$tmp/spool" "$tmp/observations.jsonl"
	: >"$tmp/observations.jsonl"
	start_sink v4
	start_daemon
	n=0
	until exits 0 "$LFSPOOL" flush && [ -z "$(differences)" ]; do
		n=$((n + 1)); [ $n -lt 150 ] || fail "$scenario $*: $(differences | head -5) $("$LFSPOOL" status --json | jq -c .sources)"
		sleep 0.1
	done
	n=0
	until [ "${whole:-0}" -le "$("$LFSPOOL" status --json | jq '[.sources[].servers[]?.events] | add // 0')" ]; do n=$((n + 1)); [ $n -lt 400 ] || fail "$scenario: $whole events were to come"; sleep 0.05; done
	exits 0 "$LFSPOOL" flush
	before=$("$LFSPOOL" status --json | jq .spool.records)
	stop_daemon || fail "the daemon did not stop well"
}
finish() { stop_sink; stop_server; grep -q ' 0 duplicates, 0 rejected' "$tmp/sink.out" || fail "$(cat "$tmp/sink.out")"; }

for scenario in subagent tools compaction; do
	whole=$(wc -l <"$fixtures/$scenario/sse.jsonl")
	start_server "$scenario"
	listen live
	# Again, with the same spool: nothing is new.
	start_daemon
	n=0
	until [ "$(grep -c 'GET /global/event' "$tmp/server.out")" -ge 2 ] && [ "$(grep -c '/message' "$tmp/server.out")" -ge 2 ]; do n=$((n + 1)); [ $n -lt 200 ] || break; sleep 0.05; done
	stop_daemon
	expect "$before" "$("$LFSPOOL" status --json | jq .spool.records)" "records after listening again ($scenario)"
	finish
done
whole=0
start_server subagent live=0-0; listen "all of it by REST"; finish
start_server tools live=0-60 page=3; listen "the second half by REST, in pages"; finish
start_server tools cut=40; listen "a clean end in the middle"; finish
start_server tools cut=40 half=1; listen "cut in the middle of an event"; finish
start_server subagent garbage=2; listen "garbage first"; finish
start_server subagent old=1; listen "an older server"; finish
start_server tools live=0-0 schema=1; listen "lists of messages that fail"; finish
export LFSPOOL_OPENCODE_PASSWORD=open-sesame-123
start_server subagent password=open-sesame-123; listen "with a password"
grep -r -a -q open-sesame-123 "$tmp/spool" "$tmp/daemon.err" "$tmp/daemon.out" && fail "the password is kept"
finish
# A wrong password, and a server that is away: said in status, tried again.
start_server subagent password=another-one
rm -rf "$tmp/spool"; start_daemon
n=0
until "$LFSPOOL" status --json | jq -e '.sources[].servers[]? | select(.error | test("opencode_password"))' >/dev/null; do n=$((n + 1)); [ $n -lt 200 ] || fail "status does not speak of the password: $("$LFSPOOL" status --json | jq -c .sources)"; sleep 0.05; done
stop_server
n=0
until "$LFSPOOL" status --json | jq -e '.sources[].servers[]? | select(.state == "waiting")' >/dev/null; do n=$((n + 1)); [ $n -lt 400 ] || fail "status does not say that the server is away"; sleep 0.05; done
stop_daemon || fail "the daemon did not stop well while it waits"
exit 0
