#!/bin/sh
# Every recording reaches OpenTelemetry's own reader as spans that equal its truth.json, and as log records that equal the spans, with
# the same ids; without Langfuse. Protocols and conventions take turns over the recordings; SIGNALS_ALL=1 tries all with each.
. "${srcdir:-.}/tests/t/lib.sh"
. "$srcdir/tests/otlp/collector.sh"
otlp_install
export LFSPOOL_STALE_AFTER=0s LFSPOOL_SOURCES=none LFSPOOL_OTLP_TRACES=otlp LFSPOOL_OTLP_LOGS=otlp
sed -n '/^table="/,/^"/p' "$srcdir/tests/t/truth.sh" | grep ' [a-z.]*jsonl' >"$tmp/table"
start_collector
good=0 bad=0 turn=0

one() { # SCENARIO PROTOCOL CONVENTION FILE…
	scenario=$1 protocol=$2 convention=$3; shift 3
	rm -rf "$tmp/spool" "$tmp/exports" "$tmp/next"
	: >"$tmp/otlp.jsonl"; : >"$tmp/exports"; : >"$tmp/next"
	inputs=''
	for f in "$@"; do inputs="$inputs $(fixture "$scenario" "$f")"; done
	for n in '' .1 .2; do
		e=$(fixture "$scenario" "export$n.json") && cat "$e" >>"$tmp/exports"
		e=$(fixture "$scenario" "v2messages$n.json") && cat "$e" >>"$tmp/next"
	done
	case $protocol in grpc) port=$otlp_grpc ;; *) port=$otlp_http ;; esac
	export LFSPOOL_OTLP_PROTOCOL=$protocol LFSPOOL_OTLP_CONVENTION=$convention LFSPOOL_OTLP_ENDPOINT=http://127.0.0.1:$port
	# shellcheck disable=SC2086
	exits 0 "$LFSPOOL" ingest $inputs
	exits 0 "$LFSPOOL" flush
	exits 0 "$LFSPOOL" flush # again: nothing is left, nothing goes twice
	jq -c -f "$srcdir/tests/otlp/spans.jq" "$tmp/otlp.jsonl" >"$tmp/spans" || return 1
	jq -n -r --slurpfile obs "$tmp/spans" --slurpfile truth "$(fixture "$scenario" truth.json)" --slurpfile exports "$tmp/exports" \
		--slurpfile v2 "$tmp/next" -f "$srcdir/tests/t/truth.jq" >"$tmp/check" 2>&1
	jq -n -r --slurpfile requests "$tmp/otlp.jsonl" --slurpfile spans "$tmp/spans" -f "$srcdir/tests/otlp/logs.jq" >>"$tmp/check" 2>&1
	jq -r --arg p "$protocol" 'select(.protocol != $p or .faults != []) | "\(.signal) over \(.protocol): \(.faults)"' "$tmp/otlp.jsonl" >>"$tmp/check"
	jq -r --arg c "$convention" 'select(.convention != $c) | "a span of \(.convention)"' "$tmp/spans" >>"$tmp/check"
	[ -s "$tmp/check" ] || return 0
	echo "not ok: $scenario over $protocol as $convention"
	head -10 "$tmp/check"
	return 1
}

protocols="http/protobuf http/json grpc" conventions="gen_ai openinference"
while read -r scenario files; do
	[ -n "${SIGNALS_SCENARIOS:-}" ] && case " $SIGNALS_SCENARIOS " in *" $scenario "*) ;; *) continue ;; esac
	turn=$((turn + 1)) combination=0
	for p in $protocols; do for c in $conventions; do
		combination=$((combination + 1))
		[ -n "${SIGNALS_ALL:-}" ] || [ $((turn % 6 + 1)) = $combination ] || continue
		# shellcheck disable=SC2086
		if one "$scenario" "$p" "$c" $files; then good=$((good + 1)); else bad=$((bad + 1)); fi
	done; done
done <"$tmp/table"
# Claude Code's transcripts: their spans are checked elsewhere; the logs must be theirs.
if [ -z "${SIGNALS_SCENARIOS:-}" ]; then
	sh "$srcdir/tests/fixtures/claude/fill.sh" "$tmp/filled" || fail "cannot fill the samples"
	rm -rf "$tmp/spool"; : >"$tmp/otlp.jsonl"
	export LFSPOOL_OTLP_PROTOCOL=http/protobuf LFSPOOL_OTLP_CONVENTION=gen_ai LFSPOOL_OTLP_ENDPOINT=http://127.0.0.1:$otlp_http
	find "$tmp/filled/home/.claude/projects" -name '*.jsonl' -exec "$LFSPOOL" ingest {} + >"$tmp/out" 2>&1 || fail "$(cat "$tmp/out")"
	exits 0 "$LFSPOOL" flush
	jq -c -f "$srcdir/tests/otlp/spans.jq" "$tmp/otlp.jsonl" >"$tmp/spans" || fail "no spans"
	[ "$(wc -l <"$tmp/spans")" -gt 20 ] || fail "hardly any spans of Claude Code"
	jq -n -r --slurpfile requests "$tmp/otlp.jsonl" --slurpfile spans "$tmp/spans" -f "$srcdir/tests/otlp/logs.jq" >"$tmp/check" 2>&1
	[ ! -s "$tmp/check" ] || { echo "not ok: Claude Code's transcripts"; head -10 "$tmp/check"; bad=$((bad + 1)); }
fi
echo "spans and logs of $good of $((good + bad)) recordings equal the truth"
[ "$bad" = 0 ] && [ "$good" -gt 0 ]
