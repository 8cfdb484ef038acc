#!/bin/sh
# What Claude Code counts itself, as gauges beside OpenCode's metrics: told apart by source, read when it changes, and silent where the
# transcripts speak. No prompt of its files is a label.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
sh "$srcdir/tests/fixtures/claude/fill.sh" "$tmp/filled" || fail "cannot fill the samples"
from=$tmp/filled/home/.claude dir=$HOME/.claude
mkdir -p "$dir/projects/p"
cp "$from/stats-cache.json" "$dir/"
now=$(date -u +%Y-%m-%dT%H:%M:%S.000Z)
jq --arg now "$now" '.entries[0].modified = $now | .entries[1].modified = $now | .entries[2:][].modified = "2026-01-01T00:00:00.000Z"' \
	"$from/projects/-home-dev-src-demo/sessions-index.json" >"$dir/projects/p/sessions-index.json"
export LFSPOOL_SOURCES=opencode,claude LFSPOOL_POLL_INTERVAL=100ms LFSPOOL_STALE_AFTER=7d
wait_for() { # WHAT COMMAND...
	what=$1; shift
	n=0
	until "$@"; do
		n=$((n + 1)); [ $n -lt 600 ] || fail "$what: $(cat "$tmp/metrics")"
		sleep 0.1
	done
}
metrics() { "$LFSPOOL" metrics "$@" >"$tmp/metrics" || fail "no metrics"; }
has() { metrics; grep -q -F -x -e "$1" "$tmp/metrics"; }
must() { has "$1" || fail "not there: $1: $(cat "$tmp/metrics")"; }

# the files alone; they are stale, and status says so
start_daemon
wait_for "no figures" has 'claude_code_session_count{source="claude"} 12'
must 'claude_code_message_count{source="claude"} 840'
must 'claude_code_tool_usage{source="claude"} 64'
must 'claude_code_token_usage_tokens{type="input",model="claude-sonnet-4-6",source="claude"} 10234'
must 'claude_code_token_usage_tokens{type="output",model="claude-sonnet-4-6",source="claude"} 45120'
must 'claude_code_token_usage_tokens{type="cacheRead",model="claude-sonnet-4-6",source="claude"} 3400123'
must 'claude_code_token_usage_tokens{type="cacheCreation",model="claude-sonnet-4-6",source="claude"} 210011'
must 'claude_code_session_active{source="claude"} 2'
! grep -q '^claude_code_cost' "$tmp/metrics" || fail "a price that nobody knows"
! grep -q '^claude_code_session_info' "$tmp/metrics" || fail "sessions are named"
"$LFSPOOL" status >"$tmp/status"
grep -q 'stats-cache.json stale *computed [0-9].* ago *sessions-index.json ok' "$tmp/status" || fail "status: $(cat "$tmp/status")"

stop_daemon || fail "the daemon ends badly: $(tail -3 "$tmp/daemon.err")"
metrics --set metrics_labels=session,title
first=$(jq -r '.entries[0].sessionId' "$dir/projects/p/sessions-index.json")
grep -q -F -x "claude_code_session_info{session_id=\"$first\",source=\"claude\"} 1" "$tmp/metrics" || fail "no session.info"
jq -r '.entries[] | .firstPrompt, .summary | select(. != "")' "$dir/projects/p/sessions-index.json" | while read -r words; do
	! grep -q -F -e "$words" "$tmp/metrics" || fail "a prompt stands in the metrics: $words"
done || exit 1

# they change: read again, and sent to a collector
mkdir "$tmp/requests"
start_sink v4 --requests "$tmp/requests"
unset LFSPOOL_LANGFUSE_HOST LFSPOOL_LANGFUSE_SECRET_KEY LFSPOOL_LANGFUSE_PUBLIC_KEY
export LFSPOOL_OTLP_ENDPOINT="$sink_url/" LFSPOOL_OTLP_INTERVAL=100ms LFSPOOL_OTLP_PROTOCOL=http/json
start_daemon
jq '.totalSessions = 13 | .modelUsage["claude-sonnet-4-6"].costUSD = 1.25 | .lastComputedDate = "'"$(date -u +%Y-%m-%d)"'"' "$dir/stats-cache.json" >"$tmp/new"
cat "$tmp/new" >"$dir/stats-cache.json"
wait_for "the new figures are not seen" has 'claude_code_session_count{source="claude"} 13'
must 'claude_code_cost_usage_USD{model="claude-sonnet-4-6",source="claude"} 1.25'
"$LFSPOOL" status | grep -q 'stats-cache.json ok' || fail "status says stale"
sent() { # what the newest request says of the sessions
	f=$(find "$tmp/requests" -name '*.json' | sort | tail -1)
	[ -n "$f" ] && jq -e '[.resourceMetrics[].scopeMetrics[].metrics[] | select(.name == "claude.code.session.count" and .unit == "1") | .gauge.dataPoints[]
		| select(.asDouble == 13 and (.attributes == [{ key: "source", value: { stringValue: "claude" } }]))] | length == 1' "$f" >/dev/null 2>&1
}
wait_for "not sent" sent

# the transcripts speak, and OpenCode beside them
"$LFSPOOL" ingest "$(fixture plain sse.jsonl)" >/dev/null || fail "ingest"
cp -r "$from/projects/." "$dir/projects/"
rm "$dir/projects/-home-dev-src-demo/sessions-index.json"
answers=$(jq -r '.totals.generations' "$srcdir/tests/fixtures/claude/truth.json")
counted() { metrics; [ "$(sed -n 's/^opencode_message_count_total{.*source="claude"} //p' "$tmp/metrics" | jq -s add)" = "$answers" ]; }
wait_for "the transcripts are not counted" counted
expect 6 "$(sed -n 's/^claude_code_session_count{source="claude"} //p' "$tmp/metrics")" "sessions, which the transcripts know"
tokens() { # TYPE: of all models; what no transcript has told of is the file's
	sed -n "s/^claude_code_token_usage_tokens{type=\"$1\",.* //p" "$tmp/metrics" | jq -s add
}
for t in input output cacheRead cacheCreation; do
	expect "$(jq ".totals.tokens.$t" "$srcdir/tests/fixtures/claude/truth.json")" "$(tokens $t)" "tokens $t"
done
grep -q '^opencode_token_usage_tokens_total{.*source="opencode"}' "$tmp/metrics" || fail "OpenCode's are not told apart: $(cat "$tmp/metrics")"
! grep '^opencode_token_usage' "$tmp/metrics" | grep -v 'source="' || fail "without a source"
! grep -q '^claude_code.*source="opencode"' "$tmp/metrics" || fail "OpenCode's among Claude Code's"
stop_daemon || fail "the daemon ends badly: $(tail -3 "$tmp/daemon.err")"
metrics --openmetrics --set metrics_profiles=opencode,claude_code
expect 1 "$(grep -c '^# TYPE claude_code_session_count ' "$tmp/metrics")" "families of one name"
metrics --set metrics_disabled=claude.code.tool.usage,session.active
! grep -q '^claude_code_\(tool_usage\|session_active\)' "$tmp/metrics" || fail "a disabled metric is there"

# without a daemon they are read too; what is gone or damaged says nothing, and counts nothing
must 'claude_code_session_count{source="claude"} 6'
echo '{' >"$dir/stats-cache.json"
start_daemon
wait_for "damaged figures are not told" sh -c '"$0" status --json | jq -e ".sources[] | select(.name == \"claude\") | .figures.stats_cache == \"unreadable\"" >/dev/null' "$LFSPOOL"
must 'claude_code_session_count{source="claude"} 6'
rm "$dir/stats-cache.json"
wait_for "figures that are gone are not told" sh -c '"$0" status | grep -q "stats-cache.json absent"' "$LFSPOOL"
stop_daemon || fail "the daemon ends badly: $(tail -3 "$tmp/daemon.err")"
LFSPOOL_SOURCES=opencode metrics
! grep -q '^claude_code' "$tmp/metrics" || fail "figures of a source that nobody asked for"
exit 0
