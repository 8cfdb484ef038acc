#!/bin/sh
# A secret in every place of Claude Code's files (prompts, answers, thinking, tools' names, input and output, titles, models, directories, keys,
# ids, its own figures) reaches neither the spool, nor a log, nor standard output, nor a request, nor a metric; and with metadata_only no
# content does.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
trace='Z9y8[0-9]|kW3v[0-9]|bT5r[0-9]|pL1mQ|[0-9]kW3v|[0-9]bT5r|[0-9]pL1m'
search() { # WHERE FILE...
	where=$1; shift
	if grep -q -a -E -e "$trace" "$@" 2>/dev/null; then
		fail "$where holds a planted secret: $(grep -a -o -E -e ".{0,60}($trace)" "$@" | head -3 | tr -c '[:print:]\n' '?')"
	fi
}
transcripts=${builddir:-.}/tests/claude/transcripts
"$transcripts" make "$tmp/made" 5 4 6000 || fail "no transcripts"
cp -r "$srcdir/tests/fixtures/claude/home/.claude" "$tmp/samples" && chmod -R u+w "$tmp/samples"
cp -r "$tmp/made/projects/." "$tmp/samples/projects/"
find "$tmp/samples" -name '*.jsonl' -exec sed -i "s/2026-09-0[23]T/$(date -u +%Y-%m-%d)T/g" {} +
key="gh""p_Z9y8000001kW3v000bT5r000pL1mQ6"
mkdir -p "$HOME/.claude/projects"
planted=0
for f in $(cd "$tmp/samples" && find . -type f -name '*.json*'); do
	mkdir -p "$HOME/.claude/$(dirname "$f")"
	case $f in
	*.jsonl) jq -R -c 'fromjson? // empty' "$tmp/samples/$f" | jq -c -f "$srcdir/tests/t/places.jq" ;;
	*) jq -f "$srcdir/tests/t/places.jq" "$tmp/samples/$f" ;;
	esac >"$HOME/.claude/$f" || fail "cannot plant in $f"
	planted=$((planted + $(grep -o pL1mQ "$HOME/.claude/$f" | wc -l)))
done
[ "$planted" -gt 2000 ] || fail "only $planted secrets were planted"
# ids, keys, and the name of a directory that are secrets themselves; a damaged line in it
mkdir "$HOME/.claude/projects/-home-dev-$key"
for f in "$tmp/samples"/projects/-home-dev-src-demo/*000000000001.jsonl; do
	sed "s/\"\(uuid\|parentUuid\|id\|tool_use_id\|sessionId\|sourceToolAssistantUUID\)\":\"/&$key/g" "$f"
	echo "{\"type\":\"user\",\"sessionId\":\"$key\",\"message\":{\"content\":\"$key"
done >"$HOME/.claude/projects/-home-dev-$key/$key.jsonl"
stats=$HOME/.claude/stats-cache.json
jq --arg k "$key" '.modelUsage |= with_entries(.key += " " + $k)' "$stats" >"$tmp/stats" && cp "$tmp/stats" "$stats"
index=$(find "$HOME/.claude/projects" -name sessions-index.json)
jq --arg k "$key" --arg now "$(date -u +%Y-%m-%dT%H:%M:%SZ)" '.entries[].sessionId |= $k + " " + .[-20:] | .entries[].modified = $now' "$index" >"$tmp/index" && cp "$tmp/index" "$index"

wait_answers() {
	n=0
	until [ "$("$LFSPOOL" export 2>/dev/null | grep -c '"type":"step-start"')" -ge "$1" ]; do
		n=$((n + 1)); [ $n -lt 600 ] || fail "the transcripts do not arrive: $(tail -3 "$tmp/daemon.err")"
		sleep 0.1
	done
}
answers=$(($(jq .totals.generations "$tmp/made/truth.json") + $(jq .totals.generations "$srcdir/tests/fixtures/claude/truth.json")))
export LFSPOOL_SOURCES=claude LFSPOOL_STALE_AFTER=7d LFSPOOL_LOG_LEVEL=debug LFSPOOL_METRICS_LABELS=session,source,title \
	LFSPOOL_METRICS_PROFILES=opencode,exporter,gen_ai LFSPOOL_OTLP_INTERVAL=200ms
for run in full/v4 metadata_only/v4 full/v2; do
	export LFSPOOL_MODE="${run%/*}"
	rm -rf "$tmp/spool" "$tmp/requests" "$tmp/observations.jsonl"
	mkdir "$tmp/requests"
	start_sink "${run#*/}" --requests "$tmp/requests"
	export LFSPOOL_OTLP_ENDPOINT="$sink_url/"
	start_daemon
	wait_answers "$answers"
	find "$HOME/.claude/projects" -name '*.jsonl' | while read -r f; do
		"$LFSPOOL" ingest --source claude "$f" >"$tmp/out" 2>"$tmp/err"
		sed "s/$key//g" "$tmp/out" "$tmp/err" >"$tmp/said" # the name that was given is said again
		search "output of ingest" "$tmp/said"
	done || exit 1
	exits 0 "$LFSPOOL" flush
	for command in "status --json" status export show "show --json" "dead list" config metrics doctor; do
		# shellcheck disable=SC2086
		"$LFSPOOL" $command >"$tmp/out" 2>"$tmp/err"
		search "$command ($run)" "$tmp/out" "$tmp/err"
	done
	"$LFSPOOL" metrics | grep -q '^claude_code_session_info' || fail "no session is named"
	stop_daemon || fail "the daemon did not stop well"
	exits 0 "$LFSPOOL" flush --set stale_after=0s
	stop_sink
	search "the spool ($run)" "$tmp"/spool/*
	search "a request ($run)" "$tmp"/requests/*
	search "a log ($run)" "$tmp/daemon.err" "$tmp/daemon.out" "$tmp/sink.out" "$tmp/sink.err"
	[ "$(wc -l <"$tmp/observations.jsonl")" -gt 100 ] || fail "hardly anything was sent"
	[ "$LFSPOOL_MODE" = full ] && continue
	# the words of prompts, answers, tools, titles and places
	for words in 'Fix the failing test' 'The bug is in' 'Running the test suite' 'add.c' '/home/dev' 'commit -qam' 'mend it' 'Look into task' 'topic-' 'src/main.c' \
			'Overloaded'; do
		grep -q -a -r -F -e "$words" "$HOME/.claude" || fail "'$words' stands nowhere: this tests nothing"
		! grep -q -a -r -F -e "$words" "$tmp/spool" "$tmp/requests" "$tmp/observations.jsonl" "$tmp/daemon.err" ||
			fail "metadata_only keeps '$words': $(grep -a -r -o -F -e "$words" "$tmp/spool" "$tmp/requests" "$tmp/observations.jsonl" "$tmp/daemon.err" | head -3)"
	done
done
echo "$planted secrets planted"
exit 0
