#!/bin/sh
# The hook makes the daemon look at once, takes no time, and never fails.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
hook=$srcdir/contrib/claude-code/lfspool-nudge
exits 0 sh "$hook" </dev/null
[ -d "$tmp/spool" ] && fail "the hook makes a spool"
jq -e '.hooks | keys == ["Stop", "SubagentStop"]' "$srcdir/contrib/claude-code/settings.json" >/dev/null || fail "settings.json"
# a sub-agent's file in a directory that rests: it is not watched, and looked at once a minute
agents=$HOME/.claude/projects/p/S/subagents
mkdir -p "$agents"
echo '{"type":"tag"}' >"$agents/agent-1.jsonl"
touch -d '3 days ago' "$agents/agent-1.jsonl" "$agents" "$agents/.."
export LFSPOOL_SOURCES=claude
wait_for() { # FILTER
	n=0
	until "$LFSPOOL" status --json | jq -e "$1" >/dev/null; do
		n=$((n + 1)); [ $n -lt 300 ] || fail "status never says $1"
		${2:-:}
		sleep 0.05
	done
}
nudge() { sh "$hook" </dev/null || fail "the hook fails"; }
start_daemon
wait_for '.sources[0].files == 1'
echo '{"type":"tag"}' >>"$agents/agent-1.jsonl"
wait_for '.sources[0].events == 1' nudge
"$LFSPOOL" status --json | jq -e '.sources[0].figures.stats_cache == "absent"' >/dev/null || fail "status does not say that there are no figures"
mkdir "$tmp/locked" "$tmp/locked/nudge"
chmod 500 "$tmp/locked/nudge"
LFSPOOL_SPOOL_DIR=$tmp/locked exits 0 sh "$hook"
ln -s /nonexistent/x "$tmp/spool/nudge/claude.new" && mv -f "$tmp/spool/nudge/claude.new" "$tmp/spool/nudge/claude"
exits 0 sh "$hook"
stop_daemon || fail "the daemon ends badly"
exit 0
