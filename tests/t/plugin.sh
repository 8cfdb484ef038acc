#!/bin/sh
# OpenCode's plugin: its events give the records that the recorded plugin log gives; without a daemon, or with one that hangs, the
# caller never waits; a stranger's socket gets nothing it can use.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
have node || skip "no node"
plugin=$srcdir/contrib/opencode-plugin/lfspool.js
feed() { node "$srcdir/tests/opencode/feed.mjs" "$plugin" "$@" >"$tmp/feed" 2>"$tmp/feed.err" || fail "the plugin: $(head -5 "$tmp/feed.err")"; }
records() { "$LFSPOOL" export | jq -cS 'select(.kind != "signal" or (.body.type // "") != "") | [.kind, .session, .message, .key, .final, .body]' | sort; }

for scenario in tools subagent permission question errctx delete; do
	[ -f "$fixtures/$scenario/plugin.jsonl" ] || continue
	rm -rf "$tmp/spool"
	exits 0 "$LFSPOOL" ingest "$fixtures/$scenario/plugin.jsonl"
	"$LFSPOOL" show --json $("$LFSPOOL" show --json | jq -r 'select(.parent == "") | .session' | head -1) | jq -cS . | sort >"$tmp/want"
	rm -rf "$tmp/spool"
	start_daemon
	feed "$fixtures/$scenario/plugin.jsonl"
	stop_daemon || fail "the daemon did not stop well"
	"$LFSPOOL" show --json $("$LFSPOOL" show --json | jq -r 'select(.parent == "") | .session' | head -1) | jq -cS . | sort >"$tmp/got"
	[ -s "$tmp/want" ] || fail "$scenario: nothing is wanted"
	diff "$tmp/want" "$tmp/got" >"$tmp/diff" || fail "$scenario through the plugin is not what was recorded: $(head -c 600 "$tmp/diff")"
done

# No daemon: silent, and the process ends.
rm -rf "$tmp/spool"
feed "$fixtures/tools/plugin.jsonl"
[ -s "$tmp/feed.err" ] && fail "the plugin says $(head -2 "$tmp/feed.err")"
[ -e "$tmp/spool" ] && fail "the plugin makes files"

# One that is stopped: what is not taken is dropped beyond a bound, the caller goes on.
start_daemon
kill -STOP "$daemon_pid"
feed "$fixtures/tools/plugin.jsonl" 200
[ "$(jq .calls "$tmp/feed")" -gt 10000 ] || fail "only $(jq .calls "$tmp/feed") calls"
kill -CONT "$daemon_pid"
feed "$fixtures/tools/plugin.jsonl"
stop_daemon || fail "the daemon did not stop well after a pause"
[ "$("$LFSPOOL" status --json | jq .spool.records)" -gt 20 ] || fail "nothing was taken after the pause"

# A stopped session goes on where it was: the same events again add nothing.
before=$("$LFSPOOL" status --json | jq .spool.records)
start_daemon
feed "$fixtures/tools/plugin.jsonl" 2
stop_daemon
expect "$before" "$("$LFSPOOL" status --json | jq .spool.records)" "records after the same events again"

# More agents than there is room for: commands still find an open door.
start_daemon
node -e 'for (let i = 0; i < 40; i++) { const s = require("net").createConnection(process.argv[1]); s.on("error", () => {})
	s.on("connect", () => s.write(JSON.stringify({cmd: "events", source: "opencode"}) + "\n")) } setTimeout(() => process.exit(0), 60000)' \
	"$tmp/spool/control.sock" &
agents=$!
n=0
until grep -q 'agents are connected' "$tmp/daemon.err" || [ $n -gt 100 ]; do n=$((n + 1)); sleep 0.05; done
exits 0 "$LFSPOOL" status
kill $agents 2>/dev/null
stop_daemon || fail "the daemon did not stop well with agents connected"
exit 0
