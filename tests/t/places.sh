#!/bin/sh
# A secret in every place of a session (text, reasoning, tool input, output, title, metadata, diff, error, file part, names of
# models, agents and tools, keys, ids) reaches neither the spool, nor a log, nor standard output, nor a request.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
# Six characters of the random part, wherever it was cut.
trace='Z9y8[0-9]|kW3v[0-9]|bT5r[0-9]|pL1mQ|[0-9]kW3v|[0-9]bT5r|[0-9]pL1m'
search() { # WHERE FILE...
	where=$1; shift
	if grep -q -a -E -e "$trace" "$@" 2>/dev/null; then
		fail "$where holds a planted secret: $(grep -a -o -E -e ".{0,60}($trace)" "$@" | head -3 | tr -c '[:print:]\n' '?')"
	fi
}
planted=0
plant() { # IN OUT: one JSON value a line, or one document
	if [ "$(head -c 1 "$1")" = '[' ] || [ "$(wc -l <"$1")" -le 1 ]; then
		jq -f "${srcdir:-.}/tests/t/places.jq" "$1" >"$2"
	else
		jq -c -f "${srcdir:-.}/tests/t/places.jq" "$1" >"$2"
	fi || fail "cannot plant in $1"
	# Ids that are secrets themselves, the same wherever the id stands.
	[ "$3" = ids ] && sed -i 's/\(ses\|msg\|prt\)_\([0-9A-Za-z]\{20,\}\)/gh''p_\2Z9y8000kW3v000bT5r000pL1mQ/g' "$2"
	planted=$((planted + $(grep -o -E 'pL1mQ' "$2" | wc -l)))
}
mkdir "$tmp/in"
for scenario in tools errctx err401 files permission permreject question questionreject reasoning compaction revert subagent \
		aborttool badtool structured gitcommit unicode lifecycle v2session fork; do
	for file in sse.jsonl plugin.jsonl; do
		[ -f "$fixtures/$scenario/$file" ] && plant "$fixtures/$scenario/$file" "$tmp/in/$scenario-$file" ''
	done
done
for scenario in tools files errctx subagent; do
	plant "$fixtures/$scenario/export.json" "$tmp/in/$scenario-export.json" ''
	plant "$fixtures/$scenario/sse.jsonl" "$tmp/in/$scenario-ids.jsonl" ids
done
plant "$fixtures/runjson/run.jsonl" "$tmp/in/run.jsonl" ''
[ "$planted" -gt 5000 ] || fail "only $planted secrets were planted"
# The user's own: a value of no known shape, in the environment under a name that says what it is.
own='plain-words-of-no-shape'
own_line='{"type":"message.part.updated","properties":{"part":{"id":"prt_own1","sessionID":"ses_own","messageID":"msg_own","type":"text","text":"it is '$own', she said","time":{"start":1,"end":2}}}}'
printf '%s\n' "$own_line" >"$tmp/in/own.jsonl"

for run in full/v4 metadata_only/v4 full/v2; do
	mode=${run%/*} profile=${run#*/}
	rm -rf "$tmp/spool" "$tmp/requests"
	mkdir "$tmp/requests"
	export LFSPOOL_MODE=$mode LFSPOOL_LOG_LEVEL=debug MY_SERVICE_TOKEN=$own
	start_sink "$profile" --requests "$tmp/requests"
	# the same as spans and log records for a collector
	case $run in full/v2) convention=openinference protocol=http/json ;; *) convention=gen_ai protocol=http/protobuf ;; esac
	export LFSPOOL_OTLP_TRACES=otlp LFSPOOL_OTLP_LOGS=otlp LFSPOOL_OTLP_ENDPOINT=$sink_url LFSPOOL_OTLP_CONVENTION=$convention LFSPOOL_OTLP_PROTOCOL=$protocol
	start_daemon
	for f in "$tmp"/in/*; do
		exits 0 "$LFSPOOL" ingest "$f"
		search "output of ingest" "$tmp/out" "$tmp/err"
	done
	stored=$("$LFSPOOL" status --json | jq .spool.records)
	[ "$stored" -gt 300 ] || fail "only $stored records were stored"
	[ -s "$tmp/spool/spool.db-wal" ] || fail "there is no write-ahead log to look into"
	search "the spool ($run)" "$tmp"/spool/*
	exits 0 "$LFSPOOL" flush
	for command in "status --json" status export show "show --json" "dead list" config; do
		# shellcheck disable=SC2086
		"$LFSPOOL" $command >"$tmp/out" 2>"$tmp/err"
		search "$command ($run)" "$tmp/out" "$tmp/err"
		grep -q -a -F -e "$own" "$tmp/out" "$tmp/err" && fail "$command shows the user's own secret"
	done
	[ "$("$LFSPOOL" status --json | jq '[.sinks[1, 2] | .pending == 0 and .delivered > 100] | all')" = true ] || fail "the collector did not get all: $("$LFSPOOL" status)"
	stop_daemon || fail "the daemon did not stop well"
	stop_sink
	search "the spool ($run)" "$tmp"/spool/*
	search "a request ($run)" "$tmp"/requests/*
	search "a log ($run)" "$tmp/daemon.err" "$tmp/daemon.out" "$tmp/sink.out" "$tmp/sink.err"
	grep -q -a -r -F -e "$own" "$tmp/spool" "$tmp/requests" "$tmp/daemon.err" && fail "the user's own secret was kept ($run)"
	[ "$(wc -l <"$tmp/observations.jsonl")" -gt 150 ] || fail "hardly anything was sent"; rm -f "$tmp/observations.jsonl"
done
printf '%s secrets planted in %s inputs\n' "$planted" "$(find "$tmp/in" -type f | wc -l)"
exit 0
