#!/bin/sh
# Each recording, read twice and through a second channel, gives metrics that equal its truth.json; /metrics says what `lfspool
# metrics` says. METRICS_SCENARIOS narrows it down.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
export LFSPOOL_METRICS_PROFILES=opencode,exporter,gen_ai,claude_code
sed -n '/^table="/,/^"/p' "$srcdir/tests/t/truth.sh" | grep ' [a-z.]*jsonl' >"$tmp/table"
bad=0 good=0
start_sink v3
ingest() { "$LFSPOOL" ingest "$@" >"$tmp/ingest.out" 2>&1 || fail "ingest $*: $(cat "$tmp/ingest.out")"; }
one() { # SCENARIO FILE...
	scenario=$1; shift
	rm -rf "$tmp/spool" "$tmp/exports" "$tmp/next"
	: >"$tmp/exports"; : >"$tmp/next"
	inputs='' more=''
	for f in "$@"; do inputs="$inputs $(fixture "$scenario" "$f")"; done
	for n in '' .1 .2; do
		e=$(fixture "$scenario" "export$n.json") && cat "$e" >>"$tmp/exports" && more="$more $e"
		e=$(fixture "$scenario" "v2messages$n.json") && cat "$e" >>"$tmp/next"
	done
	# shellcheck disable=SC2086
	grep -hq message.removed $inputs && jq -c 'select(.type == "message.removed" or .type == "message.updated") | .properties' $inputs >"$tmp/changes" || : >"$tmp/changes"
	# shellcheck disable=SC2086
	ingest $inputs
	# shellcheck disable=SC2086
	ingest $inputs $more
	exits 0 "$LFSPOOL" flush --set stale_after=0s
	case $scenario in fork|tools|subagent|gitcommit|err500|lifecycle) # what was purged is not counted again when it is read again
		exits 0 "$LFSPOOL" purge --all --yes
		# shellcheck disable=SC2086
		ingest $inputs $more
		exits 0 "$LFSPOOL" flush --set stale_after=0s ;;
	esac
	exits 0 "$LFSPOOL" metrics
	jq -n -r --rawfile text "$tmp/out" --slurpfile truth "$(fixture "$scenario" truth.json)" --slurpfile exports "$tmp/exports" \
		--slurpfile v2 "$tmp/next" --slurpfile changes "$tmp/changes" -f "$srcdir/tests/t/metrics.jq" >"$tmp/check.out" 2>&1
	[ ! -s "$tmp/check.out" ] || { echo "not ok: $scenario"; cat "$tmp/check.out"; return 1; }
}
while read -r scenario files; do
	[ -n "${METRICS_SCENARIOS:-}" ] && case " $METRICS_SCENARIOS " in *" $scenario "*) ;; *) continue ;; esac
	# shellcheck disable=SC2086
	if one "$scenario" $files; then good=$((good + 1)); else bad=$((bad + 1)); fi
done <"$tmp/table"
echo "metrics of $good of $((good + bad)) recordings equal the truth"
[ "$bad" = 0 ] && [ "$good" -gt 0 ] || exit 1
stop_sink

# The running daemon says the same over HTTP, in both formats, and to this machine alone.
rm -rf "$tmp/spool"
export LFSPOOL_STALE_AFTER=0s LFSPOOL_FLUSH_INTERVAL=100ms
port() { sed -n 's/.*"event":"metrics.listen","port":\([0-9]*\).*/\1/p' "$tmp/daemon.err" | tail -1; }
wait_turn() { # until the turn of `plain` is counted
	n=0
	until "$LFSPOOL" metrics | grep -q '^opencode_session_duration_seconds_count'; do
		n=$((n + 1)); [ $n -lt 200 ] || fail "no turn was counted: $(tail -3 "$tmp/daemon.err")"
		sleep 0.05
	done
}
unset LFSPOOL_LANGFUSE_HOST LFSPOOL_LANGFUSE_SECRET_KEY LFSPOOL_LANGFUSE_PUBLIC_KEY
if ! "$LFSPOOL" run --set metrics_listen=0.0.0.0:0 2>"$tmp/err" && grep -q 'without libmicrohttpd' "$tmp/err"; then
	start_daemon
else
	grep -q loopback "$tmp/err" || fail "0.0.0.0 is not refused: $(cat "$tmp/err")"
	export LFSPOOL_METRICS_LISTEN=127.0.0.1:0
	start_daemon
fi
ingest "$(fixture plain sse.jsonl)" "$(fixture unicode sse.jsonl)"
wait_turn
"$LFSPOOL" metrics --openmetrics >"$tmp/open"
[ "$(tail -1 "$tmp/open")" = '# EOF' ] || fail "OpenMetrics has no end"
grep -q '_created' "$tmp/open" || fail "OpenMetrics has no start time"
"$LFSPOOL" metrics | grep '^[og]' >"$tmp/own"
if [ -n "${LFSPOOL_METRICS_LISTEN:-}" ] && have curl; then
	url=http://127.0.0.1:$(port)
	curl -sf "$url/metrics" >"$tmp/page" || fail "no /metrics"
	grep '^[og]' "$tmp/page" | cmp -s - "$tmp/own" || fail "/metrics differs from lfspool metrics"
	expect ok "$(curl -s "$url/healthz")" healthz
	expect 403 "$(curl -s -o /dev/null -w '%{http_code}' -H 'Host: rebound.example' "$url/metrics")" "a strange Host"
	expect 404 "$(curl -s -o /dev/null -w '%{http_code}' "$url/")" "another path"
	expect 405 "$(curl -s -o /dev/null -w '%{http_code}' -d x "$url/metrics")" "POST"
	curl -s -D - -o /dev/null -H 'Accept: application/openmetrics-text;version=1.0.0' "$url/metrics" | grep -qi '^content-type: application/openmetrics-text; version=1.0.0' ||
		fail "no OpenMetrics for those who ask for it"
fi
# no title, path or id of a session in it, unless it is asked for
id=$(jq -r '.sessions[0].id' "$(fixture plain truth.json)")
! grep -q -e "$id" -e 'Demo: ' -e /home/ "$tmp/own" || fail "a session's id, title or path is a label"
stop_daemon || fail "the daemon did not stop well"
"$LFSPOOL" metrics --set metrics_labels=source,session,title | grep -q '^opencode_session_info{session_id="'"$id"'",source="opencode",title="Demo: plain"} 1$' || fail "no session.info when asked for"
"$LFSPOOL" metrics --set metrics_prefix=my. --set metrics_disabled=cost.usage,cache.count --set metrics_attributes=team=blue,model=all \
	--set metrics_excluded_attributes=agent >"$tmp/out"
expect 1 "$(grep -c '^my_token_usage_tokens_total{team="blue",model="all",type="output"}' "$tmp/out")" "prefix, attributes and excluded ones"
! grep -q '^my_cost\|^my_cache\|^opencode_token' "$tmp/out" || fail "a disabled metric is there"
expect "$("$LFSPOOL" metrics | sed -n 's/^opencode_cost_usage_USD_total.* //p' | jq -s '100 * add | . * 1e9 | round')" \
	"$("$LFSPOOL" metrics --set cost_scale=100 | sed -n 's/^opencode_cost_usage_total.* //p' | jq -s 'add | . * 1e9 | round')" "cost.usage times 100"
# No more series than the bound; what has none of its own is counted all the same, and that it was.
rm -rf "$tmp/spool"
ingest "$(fixture tools sse.jsonl)" "$(fixture large sse.jsonl)"
"$LFSPOOL" metrics >"$tmp/free"
rm -rf "$tmp/spool"
export LFSPOOL_METRICS_MAX_SERIES=2
ingest "$(fixture tools sse.jsonl)"
ingest "$(fixture large sse.jsonl)"
ingest "$(fixture tools sse.jsonl)" # known already: it takes no series
unset LFSPOOL_METRICS_MAX_SERIES
"$LFSPOOL" metrics >"$tmp/bound"
sums() { awk '/^opencode_(tool|token|message|cost)[a-zA-Z_]*(_total|_count|_sum)[{ ]/ { sub(/[{ ].*/, "", $1); n[$1] += $NF } END { for (i in n) printf "%s %.9g\n", i, n[i] }' "$1" | sort; }
sums "$tmp/free" >"$tmp/want"
sums "$tmp/bound" | diff "$tmp/want" - >"$tmp/diff" || fail "with a bound on series the sums are others: $(cat "$tmp/diff")"
expect 2 "$(grep -c '^opencode_tool_duration_seconds_count{tool_name=' "$tmp/bound")" "series with a name"
grep -q '^opencode_tool_duration_seconds_count{success="true",otel_metric_overflow="true"} ' "$tmp/bound" || fail "no series of what is over the bound"
expect 2 "$(sed -n 's/^lfspool_metrics_series{fact="metric.tool_ms"} //p' "$tmp/bound")" "series that are known"
[ "$(sed -n 's/^lfspool_metrics_overflow_total{fact="metric.tool_ms"} //p' "$tmp/bound")" -gt 2 ] || fail "the overflow is not counted"
! grep -q overflow "$tmp/free" || fail "an overflow without need"

for s in err500 secrets subagent; do ingest "$(fixture $s sse.jsonl)"; done
if python3 -c 'import prometheus_client.openmetrics.parser' 2>/dev/null; then
	"$LFSPOOL" metrics --openmetrics --set metrics_labels=source,session,title,error,message >"$tmp/open"
	python3 -c 'import sys; from prometheus_client.openmetrics.parser import text_string_to_metric_families as read
families = list(read(sys.stdin.read()))
assert len(families) > 30, len(families)
assert {f.unit for f in families} == {"", "seconds", "bytes", "tokens", "USD"}, {f.unit for f in families}' <"$tmp/open" >"$tmp/parser" 2>&1 || fail "OpenMetrics: $(cat "$tmp/parser")"
else
	echo "no reader of OpenMetrics: not checked (package python3-prometheus-client)"
fi
if have promtool; then
	"$LFSPOOL" metrics | promtool check metrics >"$tmp/promtool" 2>&1 || fail "promtool: $(cat "$tmp/promtool")"
else
	echo "promtool is not installed: not checked (package prometheus)"
fi
exit 0
