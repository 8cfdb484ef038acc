#!/bin/sh
# Traces and logs for a collector beside Langfuse: neither waits for the other, whatever fails; what a collector took is not sent again,
# what it refuses does not hold up the rest, and after a kill -9 everything arrives, with the ids that Langfuse has.
. "${srcdir:-.}/tests/t/lib.sh"
. "$srcdir/tests/otlp/collector.sh"
otlp_install
start_collector
start_sink v4
export LFSPOOL_SOURCES=none LFSPOOL_FLUSH_INTERVAL=100ms LFSPOOL_BACKOFF_MAX=200ms LFSPOOL_PAUSE_RETRY=200ms LFSPOOL_STALE_AFTER=0s LFSPOOL_REQUEST_TIMEOUT=600s
export LFSPOOL_OTLP_TRACES=otlp LFSPOOL_OTLP_LOGS=otlp LFSPOOL_OTLP_TIMEOUT=600s LFSPOOL_LOOKUP_DELAY=200ms LFSPOOL_OTLP_PROTOCOL=${OTLP_PROTOCOL:-grpc}
[ "$LFSPOOL_OTLP_PROTOCOL" = grpc ] && port=$otlp_grpc || port=$otlp_http
export LFSPOOL_OTLP_ENDPOINT=http://127.0.0.1:$port
sinks() { # JQ-EXPRESSION over the sinks by name: true?
	"$LFSPOOL" status --json >"$tmp/status" 2>/dev/null &&
		[ "$(jq "(.sinks | map({key: .name, value: .}) | from_entries) as {langfuse: \$l, otlp_traces: \$t, otlp_logs: \$g} | .spool as \$s | $1" "$tmp/status")" = true ]
}
nothing_left='$l.pending == 0 and $s.in_flight == 0 and $s.in_doubt == 0 and $t.pending == 0 and $g.pending == 0 and $l.delivered > 0'
# Everything that was ingested is assembled and sent; what more must be true then.
done_with() { "$LFSPOOL" flush --timeout 10 >"$tmp/flushed" 2>&1 && sinks "$nothing_left${1:+ and $1}"; }
ingest() { exits 0 "$LFSPOOL" ingest "$(fixture "$1" sse.jsonl)"; }
spans() { jq -r 'select(.signal == "traces") | .items[] | "\(.traceId) \(.spanId) \(.parentSpanId // "-")"' "$tmp/otlp.jsonl" | sort -u; }
as_langfuse() { # the same spans, with the same ids and parents
	jq -r '"\(.trace) \(.span) \(.parent // "-")"' "$tmp/observations.jsonl" | sort -u >"$tmp/theirs"
	spans >"$tmp/ours"
	[ -s "$tmp/ours" ] && cmp -s "$tmp/theirs" "$tmp/ours" || fail "$1: the collector's spans are not Langfuse's: $(diff "$tmp/theirs" "$tmp/ours" | head -3)"
}
once() { # of what was taken, nothing twice
	expect 0 "$(jq -c 'select((.answer | has("status") or has("code") or has("hang") | not) and .signal != "metrics") | .signal as $s | .items[] | [$s, .traceId, .spanId, .body, .attributes["event.name"], .timeUnixNano]' "$tmp/otlp.jsonl" | sort | uniq -d | tee "$tmp/twice" | wc -l)" "$1: taken twice: $(head -3 "$tmp/twice")"
}

# --- a collector that hangs holds up neither Langfuse nor the logs; a kill while it hangs loses nothing
otlp_order '[{"signal":"traces","hang":true}]'
start_daemon
ingest tools
wait_for 60 "traces hold up the others" sinks '$l.pending == 0 and $l.delivered > 0 and $g.pending == 0 and $g.delivered > 0 and $t.pending > 0'
kill -9 "$daemon_pid"; wait "$daemon_pid" 2>/dev/null
start_daemon
wait_for 60 "the traces do not arrive after a kill" done_with
as_langfuse "a kill while it hangs"
once "a kill while it hangs"

# --- nor does a Langfuse that hangs hold up the collector
curl -s -o /dev/null -X POST --data-binary 'posts-only,hang' "$sink_url/sink/fault"
before=$(spans | wc -l)
ingest subagent
# What comes in while a request hangs is with the collector before that request ends; a slow machine gets three tries.
retries() { "$LFSPOOL" status --json | jq '.sinks[0].retries'; }
in_time=''
for try in 1 2 3; do
	wait_for 60 "Langfuse is not asked" sinks '$s.in_flight > 0'
	hanging=$(retries)
	sed "s/\(ses\|msg\|prt\)_/&h$try/g" "$(fixture question sse.jsonl)" >"$tmp/more.jsonl"
	exits 0 "$LFSPOOL" ingest "$tmp/more.jsonl"
	arrived() { [ "$(jq -r 'select(.signal == "logs") | .items[].attributes["session.id"]' "$tmp/otlp.jsonl" | grep -c "ses_h$try")" -gt 0 ] && [ "$(spans | wc -l)" -gt "$before" ]; }
	wait_for 60 "Langfuse holds up the others" arrived
	[ "$(retries)" = "$hanging" ] && in_time=1 && break
done
[ "$in_time" ] || fail "the others wait for Langfuse's request"
[ "$(spans | wc -l)" -gt "$before" ] || fail "nothing new arrived"
curl -s -o /dev/null -X POST --data-binary '' "$sink_url/sink/fault"
stop_daemon || fail "the daemon did not stop well"
start_daemon
wait_for 60 "Langfuse gets nothing more" done_with
as_langfuse "after Langfuse hung"

# --- an outage, and keys that are refused for a while
case $LFSPOOL_OTLP_PROTOCOL in grpc) down='"code":14' ;; *) down='"status":503' ;; esac
otlp_order "[{\"signal\":\"traces\",\"times\":3,$down},{\"signal\":\"logs\",\"times\":2,$down}]"
ingest permission
wait_for 60 "nothing arrives after an outage" done_with '$t.retries >= 3 and $g.retries >= 2 and $t.state == "ok"' 
otlp_order '[{"require":{"authorization":"nobody"}}]'
ingest gitcommit
wait_for 60 "no pause" sinks '$t.state == "paused" and $g.state == "paused" and $l.state == "ok" and $t.pending > 0 and ($t.reason | test("otlp_headers"))'
otlp_order '[{"require":null}]'
wait_for 60 "nothing arrives after a pause" done_with
as_langfuse "after a pause"
once "after a pause"

# --- one span that is refused does not hold up the others, and can be tried again
sed 's/"tool":"read"/"tool":"readpoison"/g' "$(fixture tools sse.jsonl)" | sed 's/\(ses\|msg\|prt\)_/&x/g' >"$tmp/poison.jsonl"
otlp_order '[{"poison":"readpoison","status":400,"code":3}]'
exits 0 "$LFSPOOL" ingest "$tmp/poison.jsonl"
wait_for 60 "the poison holds up the rest" done_with '$t.dead > 0 and $g.dead > 0' 
dead=$(jq '[.sinks[1, 2].dead] | add' "$tmp/status")
expect "$dead" "$("$LFSPOOL" dead list | grep -c ' otlp_\(traces\|logs\) ')" "dead letters of the collector"
exits 0 "$LFSPOOL" dead show "$("$LFSPOOL" dead list | head -1 | cut -d' ' -f1)"
grep -q readpoison "$tmp/out" || fail "dead show does not show what was refused"
otlp_order '[{"poison":null}]'
exits 0 "$LFSPOOL" dead retry
wait_for 60 "what was dead does not come back" done_with '$t.dead == 0 and $g.dead == 0' 
as_langfuse "after a retry"
once "after a retry"

# --- what a collector rejects of what it took is counted and not sent again
otlp_order '[{"signal":"logs","partial":{"rejected":2,"message":"too old"}}]'
ingest reasoning
wait_for 60 "a partial success" done_with '($g.last_error | test("rejected 2"))' 
expect 2 "$(jq .dropped.partial "$tmp/status")" "records that were rejected"
stop_daemon || fail "the daemon did not stop well"
once "after a partial success"

# --- kill -9 at any moment: everything arrives
export LFSPOOL_OTLP_TIMEOUT=3s
for n in 1 2 3 4; do
	otlp_order "[{\"signal\":\"traces\",$down},{\"signal\":\"logs\",\"hang\":true},{\"signal\":\"traces\",\"hang\":true}]"
	start_daemon
	producers=''
	for s in plain question unicode fork; do sed "s/\(ses\|msg\|prt\)_/&k$n/g" "$(fixture $s sse.jsonl)" | "$LFSPOOL" ingest >/dev/null 2>&1 & producers="$producers $!"; done
	sleep "0.$((n * 2))"
	kill -9 "$daemon_pid"
	for p in $daemon_pid $producers; do wait "$p" 2>/dev/null; done
	daemon_pid=''
	for s in plain question unicode fork; do sed "s/\(ses\|msg\|prt\)_/&k$n/g" "$(fixture $s sse.jsonl)" | "$LFSPOOL" ingest >/dev/null 2>&1; done
done
start_daemon
wait_for 100 "not everything arrives after kills" done_with
as_langfuse "after kills"
stop_daemon || fail "the daemon did not stop well"
exit 0
