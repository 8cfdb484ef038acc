#!/bin/sh
# Claude Code's transcripts: through ingest to a receiver of each Langfuse generation they give exactly their truth.json, in any order of
# the files, in one piece or piece by piece, and however often their lines were copied.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
claude=$srcdir/tests/fixtures/claude
sh "$claude/fill.sh" "$tmp/filled" || fail "cannot fill the samples"
projects=$tmp/filled/home/.claude/projects
find "$projects" -name '*.jsonl' | sort >"$tmp/files"
expect 8 "$(wc -l <"$tmp/files" | tr -d ' ')" "transcripts"

ingest() { # FILE...
	exits 0 "$LFSPOOL" ingest "$@"
}
begin() { # PROFILE
	rm -rf "$tmp/spool" "$tmp/observations.jsonl"
	start_sink "$1"
}
check() { # WHAT: sends, and compares
	exits 0 "$LFSPOOL" flush --set stale_after=0s
	exits 0 "$LFSPOOL" metrics
	stop_sink
	grep -q ' 0 duplicates, 0 rejected' "$tmp/sink.out" || fail "$1: $(cat "$tmp/sink.out")"
	jq -n -r --slurpfile obs "$tmp/observations.jsonl" --slurpfile truth "${truth:-$claude/truth.json}" --rawfile metrics "$tmp/out" -f "$srcdir/tests/t/claude.jq" >"$tmp/check" 2>&1
	[ ! -s "$tmp/check" ] || fail "$1: $(cat "$tmp/check")"
}
all() { # each file of the list
	while read -r f; do ingest "$f"; done
}

for profile in v4 v3 v2; do
	begin $profile
	all <"$tmp/files"
	check "one after another, $profile"
done
cp "$tmp/observations.jsonl" "$tmp/forwards.jsonl"

# A second time nothing is new; named or recognised is the same.
exits 0 "$LFSPOOL" export
cp "$tmp/out" "$tmp/export"
for key in "sk-""ant-api" "gh""p_FAKE" "AK""IAFAKE" fakepassword123; do
	grep -q -e "$key" "$tmp/export" && fail "a key stands in the spool: $key"
done
while read -r f; do
	exits 0 "$LFSPOOL" ingest --source claude --json "$f"
	expect 0 "$(jq .stored "$tmp/out")" "records stored the second time of $f"
done <"$tmp/files"
exits 1 "$LFSPOOL" ingest --source opencode "$(head -1 "$tmp/files")"

# What a fork is of and which call started a sub-agent does not depend on what is read first.
begin v4
sort -r "$tmp/files" | grep -v 000000000005 >"$tmp/backwards"
all <"$tmp/backwards"
ingest "$projects"/*/*000000000005.jsonl
check "backwards"

# Grown: cut anywhere, in the middle of lines, every piece from the beginning, as it stood on the disk then.
begin v4
while read -r f; do
	size=$(wc -c <"$f") at=1
	while [ "$at" -lt "$size" ]; do
		head -c "$at" "$f" >"$tmp/prefix.jsonl"
		exits 0 "$LFSPOOL" ingest --source claude "$tmp/prefix.jsonl"
		at=$((at + 1777))
	done
	ingest "$f"
done <"$tmp/files"
check "in growing pieces"

# The daemon takes them too, and a sub-agent that is read before its parent waits for it.
begin v4
daemon_preload=LFSPOOL_STALE_AFTER=7d
start_daemon
day=$(date -u -d yesterday +%Y-%m-%d) # all of it: what is still to come is never stale
find "$projects" -name '*.jsonl' -exec sed -i "s/2026-09-0[23]T/${day}T/" {} +
grep subagents "$tmp/files" | all
exits 0 "$LFSPOOL" flush
expect 0 "$(wc -l <"$tmp/observations.jsonl" 2>/dev/null || echo 0)" "observations of sub-agents whose call is not known"
grep -v subagents "$tmp/files" | all
stop_daemon || fail "the daemon ends badly"
check "the daemon"

# Resumed twice in the old way (new session, the same lines), forked once, and rewritten: no token counts twice.
session() { sed "s/0b6f3c1e-1111-4aaa-8bbb-000000000001/0b6f3c1e-$1/g"; }
begin v4
all <"$tmp/files"
one=$(head -1 "$tmp/files")
for f in "$projects"/*/*000000000001.jsonl; do one=$f; done
head -20 "$one" | session 7777-4aaa-8bbb-000000000007 >"$tmp/resumed.jsonl"
session 8888-4aaa-8bbb-000000000008 <"$one" >"$tmp/again.jsonl"
jq -c 'if .uuid then .forkedFrom = {sessionId, messageUuid: .uuid} | .sessionId = "0b6f3c1e-9999-4aaa-8bbb-000000000009" else . end' "$one" >"$tmp/forked.jsonl"
jq -c 'del(.gitBranch) | .version = "9.9.9"' "$one" >"$tmp/rewritten.jsonl"
# with its sub-agent, whose lines stand in it
sed 's/000000000006/000000000010/g' "$projects"/*/*000000000006.jsonl >"$tmp/old.jsonl"
ingest "$tmp/resumed.jsonl" "$tmp/again.jsonl" "$tmp/old.jsonl" "$tmp/forked.jsonl" "$tmp/rewritten.jsonl"
# the three are sessions of their own, of no answer
jq '.files += ([7, 8, 10] | map({ key: "resumed \(.)", value: { sessionId: "\(.)", generationsByModel: {}, toolCalls: {} } }) | from_entries)' "$claude/truth.json" >"$tmp/truth"
truth=$tmp/truth
check "resumed twice, forked and rewritten"

# A price is what the transcript says, or nothing: never made up, and never zero.
begin v4
for price in '' 0 0.0 -1 '"0.5"' null 1e-7 0.25; do
	i=$((${i:-0} + 1))
	echo '{"type":"user","uuid":"u'$i'","sessionId":"s'$i'","timestamp":"2026-09-03T10:00:00.000Z","message":{"role":"user","content":"x"}}'
	echo '{"type":"assistant","uuid":"a'$i'","parentUuid":"u'$i'","sessionId":"s'$i'","timestamp":"2026-09-03T10:00:01.000Z",'"${price:+\"costUSD\":$price,}"'"message":{"id":"msg_'$i'","role":"assistant","model":"claude-of-tomorrow","stop_reason":"end_turn","content":[{"type":"text","text":"y"}],"usage":{"input_tokens":5,"output_tokens":7}}}'
done >"$tmp/prices.jsonl"
ingest "$tmp/prices.jsonl"
exits 0 "$LFSPOOL" flush --set stale_after=0s
stop_sink
jq -s -e '[.[] | select(.name == "assistant-response")] | sort_by(.session) | map(.cost // null | if . then tonumber else . end) == [null, null, null, null, null, null, 1e-7, 0.25]' \
	"$tmp/observations.jsonl" >/dev/null || fail "prices: $(jq -c 'select(.name == "assistant-response") | [.session, .cost]' "$tmp/observations.jsonl")"
expect '[[5,7]]' "$(jq -s -c '[.[] | select(.name == "assistant-response") | [.usage.input, .usage.output]] | unique' "$tmp/observations.jsonl")" "what Langfuse prices"
"$LFSPOOL" metrics >"$tmp/out"
expect 1 "$(grep -c '^opencode_cost_usage_USD_total' "$tmp/out")" "series of prices"
expect 0.2500001 "$(sed -n 's/^opencode_cost_usage_USD_total.* //p' "$tmp/out")" "the price in the metrics"
exit 0
