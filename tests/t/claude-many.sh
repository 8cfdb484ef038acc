#!/bin/sh
# Many transcripts at once: descriptors and watches do not grow with the files, nor memory with what is in them, neither while they are read
# nor after; nothing is counted twice by a second start. CLAUDE_SESSIONS and CLAUDE_BYTES make it large.
. "${srcdir:-.}/tests/t/lib.sh"
. "$srcdir/tests/t/load.sh"
have jq || skip "no jq"
[ -d /proc/self/fdinfo ] || skip "no /proc"
transcripts=${builddir:-.}/tests/claude/transcripts
sessions=${CLAUDE_SESSIONS:-$(instrumented && echo 25 || echo 120)} bytes=${CLAUDE_BYTES:-8000}
seed=${CLAUDE_SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
echo "seed $seed"
export LFSPOOL_SOURCES=claude LFSPOOL_STALE_AFTER=7d LFSPOOL_BACKFILL_RATE=1000000 LFSPOOL_MAX_SPOOL_MB=20000
mkdir -p "$HOME"
descriptors() { find "/proc/$daemon_pid/fd" -type l 2>/dev/null | wc -l; }
watches() { cat "/proc/$daemon_pid/fdinfo/"* 2>/dev/null | grep -c '^inotify'; }
resident_kb() { awk '/^VmHWM/ { print $2 }' "/proc/$daemon_pid/status"; }
ticks() { awk '{ print $14 + $15 }' "/proc/$daemon_pid/stat"; }
counted() { "$LFSPOOL" metrics 2>/dev/null | sed -n 's/^opencode_message_count_total.* //p' | jq -s 'add // 0'; }
tokens() { "$LFSPOOL" metrics | sed -n 's/^opencode_token_usage_tokens_total.* //p' | jq -s 'add // 0'; }

start_daemon
idle=$(descriptors)
"$transcripts" make "$tmp/made" "$seed" "$sessions" "$bytes" || fail "no transcripts"
if [ "$(id -u)" != 0 ]; then # one that cannot be read holds up no other
	closed=$tmp/made/projects/-home-dev-src-0/closed.jsonl
	echo '{"type":"tag"}' >"$closed"
	touch -d '2 hours ago' "$closed" && chmod 0 "$closed"
fi
files=$(find "$tmp/made" -name '*.jsonl' | wc -l) dirs=$(find "$tmp/made/projects" -type d | wc -l)
want=$(jq .totals.generations "$tmp/made/truth.json")
began=$(date +%s)
mkdir -p "$HOME/.claude"
mv "$tmp/made/projects" "$HOME/.claude/projects"
most=0 n=0
until [ "$(counted)" -ge "$want" ]; do
	n=$((n + 1)); [ $n -lt "${CLAUDE_WAITS:-1500}" ] || fail "$(counted) of $want answers: $(tail -3 "$tmp/daemon.err")"
	now=$(descriptors)
	[ "$now" -le "$most" ] || most=$now
	sleep 0.1
done
echo "$files files, $(du -sk "$HOME/.claude" | cut -f1) KB, in $(($(date +%s) - began)) s; $(ticks) ticks of CPU, $(resident_kb) KB, $idle to $most descriptors, $(watches) watches for $dirs directories"
# the spool's files and some connections come on top
[ "$most" -le $((idle + 16)) ] || fail "$most descriptors, $idle before"
[ "$(watches)" -le $((dirs + 8)) ] || fail "$(watches) watches for $dirs directories"
instrumented || [ "$(resident_kb)" -lt 65536 ] || fail "$(resident_kb) KB for $files files"
expect "$want" "$(counted)" "answers"
expect "$(jq '.totals.tokens | add' "$tmp/made/truth.json")" "$(tokens)" "tokens"
expect "$files" "$("$LFSPOOL" status --json | jq '.sources[0].files')" "files"

# again: nothing is read a second time
stop_daemon || fail "the daemon ends badly: $(tail -3 "$tmp/daemon.err")"
events=$("$LFSPOOL" status --json | jq '.sources[0].events')
start_daemon
n=0
until [ "$("$LFSPOOL" status --json | jq '.sources[0].files')" = "$files" ]; do
	n=$((n + 1)); [ $n -lt 1200 ] || fail "the files are not seen again"
	sleep 0.05
done
stop_daemon || fail "the daemon ends badly: $(tail -3 "$tmp/daemon.err")"
expect "$events" "$("$LFSPOOL" status --json | jq '.sources[0].events')" "lines after a second start"
exit 0
