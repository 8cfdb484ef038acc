#!/bin/sh
# The real OpenCode: every scenario through every channel equals its own export in tokens, cost, counts and times, and the receiver
# has everything exactly once; also after kill -9 of OpenCode, of the daemon, and of both.
. "${srcdir:-.}/tests/t/lib.sh"
. "$srcdir/tests/t/load.sh"
have jq || skip "no jq"
instrumented && skip "a sanitizer build is too slow for four daemons beside OpenCode"
. "$srcdir/tests/opencode/install.sh"

# What a channel cannot know: scenario, channel, what differs (or * for anything), why.
cat >"$tmp/differences" <<'EOT'
retry       database  retry       a failed try leaves no trace in the database
permission  database  permission  nor does a question of the agent
crash       plugin    tools       a tool that never ends is never handed over
both        plugin    *           and what was not stored yet when the daemon died is not told again
restart     plugin    *           nor is what happens while no daemon listens
EOT
channels="database server plugin all"

node "$srcdir/tests/opencode/live.mjs" --opencode "$opencode" --lfspool "$LFSPOOL" --plugin "$srcdir/contrib/opencode-plugin/lfspool.js" \
	--channels "$(echo $channels | tr ' ' ,)" --out "$tmp/live" 2>"$tmp/err" || fail "$(tail -15 "$tmp/err")"

differences() { # SCENARIO CHANNEL
	dir=$tmp/live/$1
	jq -c --slurpfile truth "$dir/truth.json" '.own_session as $own | select(any($truth[0].sessions[]; .id == $own))' \
		"$tmp/live/$2/observations.jsonl" >"$tmp/obs"
	: >"$tmp/none"
	jq -n -r --slurpfile obs "$tmp/obs" --slurpfile truth "$dir/truth.json" --slurpfile exports "$dir/export.json" --slurpfile v2 "$tmp/none" \
		-f "$srcdir/tests/t/truth.jq"
	jq -n -r --slurpfile obs "$tmp/obs" --slurpfile truth "$dir/truth.json" --slurpfile exports "$dir/export.json" -f "$srcdir/tests/opencode/exact.jq"
}
may_differ() { grep -q -e "^$1 *$2 *\(\*\|$3\) " "$tmp/differences"; } # SCENARIO CHANNEL KEY

bad=0 equal=0 known=0
for channel in $channels; do
	grep -q ' 0 duplicates, 0 rejected' "$tmp/live/$channel/sink.out" || fail "$channel: $(cat "$tmp/live/$channel/sink.out")"
	for truth in "$tmp"/live/*/truth.json; do
		scenario=$(basename "$(dirname "$truth")")
		differences "$scenario" "$channel" >"$tmp/lines" 2>&1
		[ -s "$tmp/lines" ] || equal=$((equal + 1))
		while IFS= read -r line; do
			if may_differ "$scenario" "$channel" "${line%%:*}"; then
				known=$((known + 1))
			else
				printf 'not ok: %s through %s: %s\n' "$scenario" "$channel" "$line"
				bad=$((bad + 1))
			fi
		done <"$tmp/lines"
	done
done
# A row that is no longer needed must go.
while read -r scenario channel key _; do
	[ "$key" = '*' ] || differences "$scenario" "$channel" | grep -q "^$key:" || { printf 'not ok: %s through %s has %s now\n' "$scenario" "$channel" "$key"; bad=$((bad + 1)); }
done <"$tmp/differences"
jq -s -r '"\(map(.totals.sessions) | add) sessions, \(map(.totals.generations) | add) generations, \(map(.totals.cost) | add * 1e6 | round / 1e6) USD"' "$tmp"/live/*/truth.json
echo "$equal combinations of scenario and channel equal OpenCode's export, $known differences are known"
[ "$bad" = 0 ] && [ "$equal" -gt 30 ]
