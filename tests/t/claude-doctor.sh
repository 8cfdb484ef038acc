#!/bin/sh
# What lfspool doctor says of Claude Code: its directory, its transcripts, how long they stay, its hooks and its own figures.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
claude=$HOME/.claude
look() { "$LFSPOOL" doctor --json >"$tmp/out" 2>"$tmp/err"; jq -c '[.[] | select(.check == "claude" or (.check == "sources" and (.found | test("claude"))))]' "$tmp/out" >"$tmp/found"; }
finds() { # LEVEL PATTERN
	look
	jq -e --arg l "$1" --arg p "$2" 'any(.[]; .level == $l and (.found | test($p)) and ($l == "ok" or $l == "note" or (.mend | length > 0)))' "$tmp/found" >/dev/null ||
		fail "does not find '$2' ($1) but $(cat "$tmp/found" "$tmp/err")"
}
silent() { # PATTERN
	look
	! jq -e --arg p "$1" 'any(.[]; .found | test($p))' "$tmp/found" >/dev/null || fail "finds '$1': $(cat "$tmp/found")"
}
silent .
mkdir -p "$claude/projects"
finds note 'is used here, and not followed'
export LFSPOOL_SOURCES=opencode,claude
finds note 'there is no transcript yet'
mkdir "$claude/projects/p" "$claude/projects/q"
echo '{"type":"tag"}' >"$claude/projects/p/a.jsonl"
finds ok '^1 transcripts in 2 projects'
silent 'hook|stats-cache|cleanup'

# what stands in its settings
cp "$srcdir/contrib/claude-code/settings.json" "$claude/"
finds ok 'hook lfspool-nudge is set up'
for days in 0 2; do
	echo "{\"cleanupPeriodDays\": $days}" >"$claude/settings.json"
	finds warning "cleanupPeriodDays is $days"
done
echo '{"cleanupPeriodDays": 30}' >"$claude/settings.json"
silent cleanup
echo '{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "python3 ~/.claude/hooks/langfuse_hook.py"}]}]}}' >"$claude/settings.json"
finds warning 'everything arrives twice'
echo '{' >"$claude/settings.json"
finds note 'is no JSON'
rm "$claude/settings.json"

# its own figures
cp "$srcdir/tests/fixtures/claude/home/.claude/stats-cache.json" "$claude/"
finds note 'stats-cache.json is [0-9]+ days behind'
jq '.lastComputedDate = "'"$(date -u +%Y-%m-%d)"'"' "$srcdir/tests/fixtures/claude/home/.claude/stats-cache.json" >"$claude/stats-cache.json"
silent stats-cache
echo '[' >"$claude/stats-cache.json"
finds note 'stats-cache.json makes no sense'
echo '[' >"$claude/projects/p/sessions-index.json"
finds note 'sessions-index.json makes no sense'
rm "$claude/stats-cache.json" "$claude/projects/p/sessions-index.json"

# what the daemon says of it
start_daemon
finds ok '^claude is followed'
stop_daemon

# what cannot be read; root can read everything
if [ "$(id -u)" != 0 ]; then
	chmod 0 "$claude/projects/p/a.jsonl"; finds bad '1 transcripts cannot be read'; chmod 600 "$claude/projects/p/a.jsonl"
	chmod 0 "$claude/projects/q"; finds bad '1 directories and'; chmod 700 "$claude/projects/q"
	chmod 0 "$claude/projects"; finds bad 'Permission denied'; chmod 700 "$claude/projects"
fi
rm -r "$claude/projects"; touch "$claude/projects"; finds bad 'Not a directory'
rm "$claude/projects"; finds note 'there are no projects yet'
rmdir "$claude"; finds warning 'there is no such directory'
exit 0
