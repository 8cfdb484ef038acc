#!/bin/sh
# The daemon follows Claude Code's transcripts while they grow, byte by byte, through kill -9, truncation, rotation and rewriting: everything
# once. What is too old for the first start waits for backfill.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
claude=$srcdir/tests/fixtures/claude
sh "$claude/fill.sh" "$tmp/filled" || fail "cannot fill the samples"
from=$tmp/filled/home/.claude/projects
day=$(date -u -d yesterday +%Y-%m-%d) # all of it: what is still to come is never stale
find "$from" -name '*.jsonl' -exec sed -i "s/2026-09-0[23]T/${day}T/" {} +
(cd "$from" && find . -name '*.jsonl' | sort) >"$tmp/files"
projects=$HOME/.claude/projects
mkdir -p "$projects"
export LFSPOOL_SOURCES=claude LFSPOOL_STALE_AFTER=7d LFSPOOL_BACKFILL_RATE=100000

wait_for() { # WHAT COMMAND...
	what=$1; shift
	n=0
	until "$@"; do
		n=$((n + 1)); [ $n -lt 400 ] || fail "$what"
		sleep 0.05
	done
}
of_claude() { # FILTER: true of the source's line in status
	"$LFSPOOL" status --json 2>/dev/null | jq -e ".sources[] | select(.name == \"claude\") | $1" >/dev/null
}
caught_up() { # all whole lines were counted: a line is counted once, in the transaction that stores it
	of_claude ".events == $(cat "$projects"/*/*.jsonl "$projects"/*/*/subagents/*.jsonl 2>/dev/null | wc -l)"
}
check() { # WHAT
	exits 0 "$LFSPOOL" flush --set stale_after=0s
	exits 0 "$LFSPOOL" metrics
	stop_sink
	grep -q ' 0 duplicates, 0 rejected' "$tmp/sink.out" || fail "$1: $(cat "$tmp/sink.out")"
	jq -n -r --slurpfile obs "$tmp/observations.jsonl" --slurpfile truth "${truth:-$claude/truth.json}" --rawfile metrics "$tmp/out" -f "$srcdir/tests/t/claude.jq" >"$tmp/check" 2>&1
	[ ! -s "$tmp/check" ] || fail "$1: $(cat "$tmp/check")"
}
place() { # FILE: its directory in the agent's own
	mkdir -p "$projects/$(dirname "$1")"
}

# Grown by a few hundred bytes at a time, wherever that cuts; every now and then the daemon dies.
start_sink v4
start_daemon
step=0
while read -r f; do
	place "$f"
	size=$(wc -c <"$from/$f") at=0
	while [ "$at" -lt "$size" ]; do
		tail -c +$((at + 1)) "$from/$f" | head -c 613 >>"$projects/$f"
		at=$((at + 613)) step=$((step + 1))
		if [ $((step % 37)) = 0 ]; then
			kill -9 "$daemon_pid"; wait "$daemon_pid" 2>/dev/null
			start_daemon
		elif [ $((step % 11)) = 0 ]; then
			"$LFSPOOL" flush >/dev/null 2>&1
		fi
	done
done <"$tmp/files"
wait_for "not all lines arrive: $("$LFSPOOL" status --json | jq -c .sources)" caught_up
of_claude '.state == "ok" and .files == 8' || fail "status: $("$LFSPOOL" status --json | jq -c .sources)"
stored=$("$LFSPOOL" status --json | jq .spool.records)

# Rotated, rewritten, cut short and written again, one moved away: nothing comes twice.
one=$(grep '000000000002' "$tmp/files") three=$(grep '000000000003' "$tmp/files") two=$(grep '000000000006' "$tmp/files")
cp "$projects/$one" "$tmp/copy" && mv "$tmp/copy" "$projects/$one"
jq -c '.version = "9.9.9"' "$from/$three" >"$tmp/rewritten" && cat "$tmp/rewritten" >"$projects/$three"
head -c 900 "$from/$two" >"$projects/$two"
wait_for "the short file is not seen" sh -c '"$0" status --json | jq -e ".sources[0].files == 8" >/dev/null' "$LFSPOOL"
cat "$from/$two" >"$projects/$two"
stop_daemon || fail "the daemon ends badly: $(tail -3 "$tmp/daemon.err")"
start_daemon
echo '{"type":"queue-operation","sessionId":"0b6f3c1e-6666-4aaa-8bbb-000000000006"}' >>"$projects/$two"
before=$("$LFSPOOL" status --json | jq '.sources[0].events')
echo '{"type":"queue-operation","sessionId":"0b6f3c1e-6666-4aaa-8bbb-000000000006"}' >>"$projects/$two"
wait_for "what is appended after a restart does not arrive" of_claude ".events > $before"
expect "$stored" "$("$LFSPOOL" status --json | jq .spool.records)" "records after rewriting"

# The first session resumed twice in the old way, once with an answer more, and forked: what was copied counts once.
first=$(grep '000000000001.jsonl' "$tmp/files")
as() { sed "s/0b6f3c1e-1111-4aaa-8bbb-000000000001/0b6f3c1e-$1/g" "$from/$first"; }
as 7777-4aaa-8bbb-000000000007 | head -20 >"$projects/$(dirname "$first")/resumed.jsonl"
{
	as 8888-4aaa-8bbb-000000000008
	echo '{"type":"user","uuid":"u-more","sessionId":"0b6f3c1e-8888-4aaa-8bbb-000000000008","timestamp":"'"$day"'T10:30:00.000Z","message":{"role":"user","content":"And more"}}'
	echo '{"type":"assistant","uuid":"a-more","parentUuid":"u-more","sessionId":"0b6f3c1e-8888-4aaa-8bbb-000000000008","timestamp":"'"$day"'T10:30:01.000Z","message":{"id":"msg_01FAKEmore","role":"assistant","model":"claude-sonnet-4-6","stop_reason":"end_turn","content":[{"type":"text","text":"More."}],"usage":{"input_tokens":3,"output_tokens":4}}}'
} >"$projects/$(dirname "$first")/again.jsonl"
jq -c 'if .uuid then .forkedFrom = {sessionId, messageUuid: .uuid} | .sessionId = "0b6f3c1e-9999-4aaa-8bbb-000000000009" else . end' "$from/$first" >"$projects/$(dirname "$first")/forked.jsonl"
wait_for "the copies are not seen" of_claude '.files == 11'
wait_for "the answer that was added does not arrive" sh -c '"$0" export | grep -q "\"message\":\"msg_01FAKEmore\".*\"completed\""' "$LFSPOOL"
stop_daemon || fail "the daemon ends badly: $(tail -3 "$tmp/daemon.err")"
jq '.files["7"] = { sessionId: "7", generationsByModel: {}, toolCalls: {} }
	| .files["8"] = { sessionId: "0b6f3c1e-8888-4aaa-8bbb-000000000008", generations: 1, generationsByModel: { "claude-sonnet-4-6": 1 }, toolCalls: {} }
	| .totals.generations += 1 | .totals.userPrompts += 1 | .totals.tokens.input += 3 | .totals.tokens.output += 4' "$claude/truth.json" >"$tmp/truth"
truth=$tmp/truth
check "grown, killed, resumed and forked"
truth=''
rm "$projects/$(dirname "$first")/resumed.jsonl" "$projects/$(dirname "$first")/again.jsonl" "$projects/$(dirname "$first")/forked.jsonl"

# What stands in place of a file, longer or shorter, is read from its beginning.
other() { # N: the transcript of session 6 with other ids
	sed "s/FAKEold/FAKE$1/; s/000000000006/0000000000$1/g; s/toolu_01FAKE4/toolu_01FAKE$1/g; s/\"uuid\":\"/&$1/; s/\"parentUuid\":\"/&$1/" "$from/$two"
}
answers() { # SESSION NUMBER
	[ "$("$LFSPOOL" export --session "0b6f3c1e-6666-4aaa-8bbb-0000000000$1" | grep -c '"kind":"part".*"step-start"')" = "$2" ]
}
start_daemon
(other 26; echo '{"type":"tag"}'; echo '{"type":"tag"}'; echo '{"type":"tag"}') >"$projects/$two"
wait_for "a longer file in its place is not read" answers 26 2
other 27 | head -2 >"$projects/$two"
wait_for "a shorter file in its place is not read" answers 27 1
stop_daemon || fail "the daemon ends badly: $(tail -3 "$tmp/daemon.err")"

# Old files are left where they are, but for what is added to them; backfill takes the rest, and twice is once.
rm -rf "$tmp/spool" "$tmp/observations.jsonl"
(cd "$from" && tar cf - .) | (cd "$projects" && tar xf -)
find "$projects" -name '*.jsonl' -exec touch -d '3 days ago' {} +
start_sink v3
start_daemon
wait_for "the files are not seen" of_claude '.files == 8'
expect 0 "$("$LFSPOOL" status --json | jq .spool.records)" "records of old files"
exits 0 "$LFSPOOL" backfill --source claude --dry-run --json
expect 8 "$(jq .sessions "$tmp/out")" "files to backfill"
exits 0 "$LFSPOOL" backfill --source claude
exits 3 "$LFSPOOL" backfill --source claude
stop_daemon || fail "the daemon ends badly: $(tail -3 "$tmp/daemon.err")"
check "backfilled"

# Without a daemon, and only what was asked for.
rm -rf "$tmp/spool"
exits 3 "$LFSPOOL" backfill --source opencode
exits 0 "$LFSPOOL" backfill
exits 2 "$LFSPOOL" backfill --source other
LFSPOOL_SOURCES=opencode exits 3 "$LFSPOOL" backfill
exit 0
