#!/bin/sh
# Every recording reaches OpenTelemetry's own reader with exactly the metrics of its truth.json, over each protocol of OTLP.
# METRICS_SCENARIOS and OTLP_PROTOCOLS narrow it down. In a sanitizer build each recording goes over one of the protocols, in turn.
. "${srcdir:-.}/tests/t/lib.sh"
. "$srcdir/tests/t/load.sh"
. "$srcdir/tests/otlp/collector.sh"
otlp_install
protocols=${OTLP_PROTOCOLS:-"grpc http/protobuf http/json"}
export LFSPOOL_METRICS_PROFILES=opencode,exporter,gen_ai,claude_code LFSPOOL_STALE_AFTER=0s LFSPOOL_OTLP_INTERVAL=100ms LFSPOOL_BACKOFF_MAX=100ms
export LFSPOOL_SOURCES=none
sed -n '/^table="/,/^"/p' "$srcdir/tests/t/truth.sh" | grep ' [a-z.]*jsonl' >"$tmp/table"
start_collector
start_sink v3
bad=0 good=0

# What lfspool metrics says, as tests/otlp/metrics.jq writes it: no comments, and numbers as jq writes them.
own_metrics() {
	"$LFSPOOL" metrics | grep -v '^#' | jq -R -r -n '[inputs | capture("^(?<n>[a-zA-Z_]+)(?<l>\\{.*\\})? (?<v>.*)$") | "\(.n)\((.l // "") | gsub("le=\"(?<b>[0-9.e+-]+)\""; "le=\"\(.b | tonumber)\"")) \(.v | tonumber)"] | sort[]'
}
agents() { grep -v '^lfspool_' "$1"; }
arrived() { [ "$(wc -l <"$tmp/otlp.jsonl")" -gt 0 ] && tail -1 "$tmp/otlp.jsonl" | jq -e . >"$tmp/line.json" 2>/dev/null; }

prepare() { # SCENARIO FILE…: the recording in the spool; its truth at hand
	scenario=$1; shift
	rm -rf "$tmp/spool" "$tmp/exports" "$tmp/next"
	: >"$tmp/exports"; : >"$tmp/next"; : >"$tmp/changes"
	inputs=''
	for f in "$@"; do inputs="$inputs $(fixture "$scenario" "$f")"; done
	for n in '' .1 .2; do
		e=$(fixture "$scenario" "export$n.json") && cat "$e" >>"$tmp/exports" && inputs="$inputs $e"
		e=$(fixture "$scenario" "v2messages$n.json") && cat "$e" >>"$tmp/next"
	done
	# shellcheck disable=SC2086
	grep -hq message.removed $inputs && jq -c 'select(.type == "message.removed" or .type == "message.updated") | .properties' $inputs >"$tmp/changes"
	# shellcheck disable=SC2086
	exits 0 "$LFSPOOL" ingest $inputs
	exits 0 "$LFSPOOL" flush
	own_metrics >"$tmp/own"
	rm -f "$tmp/true"
}
over() { # PROTOCOL: true when what arrives equals the counters and the truth
	: >"$tmp/otlp.jsonl"
	case $1 in grpc) port=$otlp_grpc ;; *) port=$otlp_http ;; esac
	LFSPOOL_OTLP_PROTOCOL=$1 LFSPOOL_OTLP_ENDPOINT=http://127.0.0.1:$port start_daemon
	wait_for 60 "$scenario over $1: nothing arrives" arrived
	stop_daemon || fail "the daemon did not stop well"
	expect "$1" "$(jq -r .protocol "$tmp/line.json")" "protocol"
	expect true "$(jq -r .gzip "$tmp/line.json")" "packed"
	expect '[]' "$(jq -c .faults "$tmp/line.json")" "$scenario over $1: faults"
	jq -r -f "$srcdir/tests/otlp/metrics.jq" "$tmp/line.json" >"$tmp/got" || return 1
	agents "$tmp/own" >"$tmp/want.agents"; agents "$tmp/got" >"$tmp/got.agents"
	cmp -s "$tmp/want.agents" "$tmp/got.agents" || { echo "not ok: $scenario over $1"; diff "$tmp/want.agents" "$tmp/got.agents" | head -5; return 1; }
	cmp -s "$tmp/got.agents" "$tmp/true" && return # the same text equals the same truth
	jq -n -r --rawfile text "$tmp/got" --slurpfile truth "$(fixture "$scenario" truth.json)" --slurpfile exports "$tmp/exports" \
		--slurpfile v2 "$tmp/next" --slurpfile changes "$tmp/changes" -f "$srcdir/tests/t/metrics.jq" >"$tmp/check.out" 2>&1
	[ ! -s "$tmp/check.out" ] || { echo "not ok: $scenario over $1"; cat "$tmp/check.out"; return 1; }
	mv "$tmp/got.agents" "$tmp/true"
}
turn=0
# in_turn WORD...: the one for this recording
in_turn() { shift $((turn % $#)); echo "$1"; }
while read -r scenario files; do
	turn=$((turn + 1))
	[ -n "${METRICS_SCENARIOS:-}" ] && case " $METRICS_SCENARIOS " in *" $scenario "*) ;; *) continue ;; esac
	# shellcheck disable=SC2086
	prepare "$scenario" $files
	for protocol in $(instrumented && in_turn $protocols || echo "$protocols"); do
		if over "$protocol"; then good=$((good + 1)); else bad=$((bad + 1)); fi
	done
done <"$tmp/table"
echo "metrics of $good of $((good + bad)) recordings and protocols equal the truth"
[ "$bad" = 0 ] && [ "$good" -gt 0 ]
