#!/bin/sh
# Random sessions of Claude Code, long, nested, resumed and forked, with what they must count computed. Read in one piece they give it; and so
# they do when they grow, are cut anywhere, truncated, moved, rewritten and removed under a daemon that is killed again and again at random
# points: spans and metrics, everything once. CLAUDE_KILLS sets how often, CLAUDE_SEED repeats a run.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
transcripts=${builddir:-.}/tests/claude/transcripts
[ -x "$transcripts" ] || fail "$transcripts was not built"
kills=${CLAUDE_KILLS:-4}
seed=${CLAUDE_SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
echo "seed $seed"
random=$seed
draw() { # BELOW: sets $drawn
	random=$(((random * 1103515245 + 12345) % 2147483648))
	drawn=$((random / 65536 % $1))
}
export LFSPOOL_SOURCES=claude LFSPOOL_STALE_AFTER=7d LFSPOOL_BACKFILL_RATE=100000 LFSPOOL_MAX_SPOOL_MB=1000
export LFSPOOL_METRICS_PROFILES=opencode,claude_code
made=$tmp/made projects=$HOME/.claude/projects
check() { # WHAT: sends, and compares spans and metrics
	exits 0 "$LFSPOOL" flush --set stale_after=0s
	exits 0 "$LFSPOOL" metrics
	stop_sink
	grep -q ' 0 duplicates, 0 rejected' "$tmp/sink.out" || fail "seed $seed, $1: $(cat "$tmp/sink.out")"
	jq -n -r --slurpfile obs "$tmp/observations.jsonl" --slurpfile truth "$made/truth.json" --rawfile metrics "$tmp/out" \
		-f "$srcdir/tests/t/claude.jq" >"$tmp/check" 2>&1
	[ ! -s "$tmp/check" ] || fail "seed $seed, $1: $(cut -c1-2000 "$tmp/check")"
}

"$transcripts" make "$made" "$seed" $((5 + kills)) 12000 || fail "no transcripts"
find "$made" -name '*.jsonl' | sort >"$tmp/files"
start_sink v4
{ grep -v /derived/ "$tmp/files"; grep /derived/ "$tmp/files"; } | while read -r f; do
	exits 0 "$LFSPOOL" ingest "$f"
done || exit 1
check "in one piece"

# The first sessions, and when they are in the spool what was resumed and forked of them.
answers() { "$LFSPOOL" export 2>/dev/null | grep -c '"type":"step-start"'; }
arrive() { # ANSWERS
	n=0
	until [ "$(answers)" -ge "$1" ]; do
		n=$((n + 1)); [ $n -lt 1200 ] || fail "seed $seed: $(answers) answers of $1: $(tail -3 "$tmp/daemon.err")"
		sleep 0.1
	done
}
rm -rf "$tmp/spool" "$tmp/observations.jsonl"
start_sink v4
start_daemon
killed=0
for part in first derived; do
	"$transcripts" play "$made/projects" "$projects" "$seed" 60 $part & player=$!
	while kill -0 $player 2>/dev/null; do
		draw 90
		sleep "$((drawn / 100)).$((drawn % 100 / 10))$((drawn % 10))"
		[ $killed -lt "$kills" ] || continue
		kill -9 "$daemon_pid"; wait "$daemon_pid" 2>/dev/null
		killed=$((killed + 1))
		start_daemon
	done
	wait $player || fail "the player fails"
	arrive "$(jq "[.files | to_entries[] | select(\"$part\" == \"derived\" or (.key | contains(\"/derived/\") | not)) | .value.generations] | add" "$made/truth.json")"
done
[ $killed -gt 0 ] || fail "nothing was killed"
stop_daemon || fail "the daemon ends badly: $(tail -3 "$tmp/daemon.err")"
"$LFSPOOL" backfill --source claude >/dev/null 2>&1 # what was not looked at when the daemon stopped
check "grown, with $killed kills"
echo "killed $killed times, $(jq .totals.generations "$made/truth.json") answers"
exit 0
