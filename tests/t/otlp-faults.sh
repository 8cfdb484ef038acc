#!/bin/sh
# What a collector may do to a request, over each protocol of OTLP, with differences and with sums: tried again only when the
# specification says so and not before the collector wants it, each difference there once, and what is lost is counted.
. "${srcdir:-.}/tests/t/lib.sh"
. "$srcdir/tests/otlp/collector.sh"
otlp_install
export LFSPOOL_SOURCES=none LFSPOOL_STALE_AFTER=0s LFSPOOL_FLUSH_INTERVAL=100ms LFSPOOL_OTLP_INTERVAL=100ms LFSPOOL_BACKOFF_MAX=100ms LFSPOOL_OTLP_TIMEOUT=60s
start_collector
used_up() { [ "$(otlp_orders)" = 0 ]; }
own_sums() { "$LFSPOOL" metrics | jq -R -r -n '[inputs | select(test("^opencode[a-z_A-Z]*_total[{ ]")) | capture(" (?<v>[^ ]*)$").v | tonumber] | add * 1e6 | round'; }
count_of() { "$LFSPOOL" metrics | sed -n "s/^lfspool_metrics_$1 //p"; }
after() { # N: so many more requests have come
	have_now=$(wc -l <"$tmp/otlp.jsonl")
	wait_for 120 "no more requests" more_than $((have_now + $1))
}
more_than() { [ "$(wc -l <"$tmp/otlp.jsonl")" -ge "$1" ]; }
begin() { # PROTOCOL TEMPORALITY: a fresh spool with something in it
	rm -rf "$tmp/spool"
	: >"$tmp/otlp.jsonl"
	case $1 in grpc) port=$otlp_grpc ;; *) port=$otlp_http ;; esac
	export LFSPOOL_OTLP_PROTOCOL=$1 LFSPOOL_OTLP_TEMPORALITY=$2 LFSPOOL_OTLP_ENDPOINT=http://127.0.0.1:$port
	start_daemon
	exits 0 "$LFSPOOL" ingest "$(fixture tools sse.jsonl)"
	after 2
}
finish() { # WHAT
	wait_for 120 "$1: orders are left" used_up
	exits 0 "$LFSPOOL" ingest "$(fixture reasoning sse.jsonl)"
	after 4
	stop_daemon || fail "the daemon did not stop well"
	expect '' "$(jq -r 'select(.faults != []) | .faults[]' "$tmp/otlp.jsonl")" "$1: faults"
}
check() { # WHAT
	jq -n -r -f "$srcdir/tests/otlp/faults.jq" "$tmp/otlp.jsonl" >"$tmp/check" || fail "$1: the requests cannot be checked"
	! grep '^bad' "$tmp/check" || fail "$1"
}
# the sum of all the agent's sums, in millionths, that the collector keeps
kept() { awk '{ n += $NF } END { printf "%.0f\n", n / 1000 }' "$tmp/check"; }

http_again='{"status":429,"headers":{"retry-after":"1"}},{"status":429},{"status":502},{"status":503,"headers":{"retry-after":"2"}},{"status":503,"times":2},{"status":504},{"reset":true}'
http_merged='{"status":500},{"status":401},{"status":403},{"status":404},{"status":408},{"status":302,"headers":{"location":"/v1/metrics"}}'
grpc_again='{"code":1},{"code":4},{"code":10},{"code":11},{"code":14,"message":"later, pl\u00e4ase"},{"code":15},{"code":14,"retryMs":1200},{"code":8,"retryMs":700},{"code":14,"early":true}'
grpc_merged='{"code":2},{"code":5},{"code":6},{"code":7},{"code":8},{"code":9},{"code":12},{"code":13},{"code":16},{"code":13,"retryMs":5000}'

# --- differences: everything that may be kept is kept
for protocol in grpc http/protobuf http/json; do
	begin $protocol delta
	case $protocol in grpc) otlp_order "[$grpc_again,$grpc_merged]" ;; *) otlp_order "[$http_again,$http_merged]" ;; esac
	finish "delta, $protocol"
	check "delta, $protocol"
	expect "$(own_sums)" "$(kept)" "delta, $protocol: all sums"
	expect '' "$(count_of 'rejected_total{.*}')" "delta, $protocol: nothing was rejected"
	[ $protocol != grpc ] || expect 1 "$(jq -r .peer "$tmp/otlp.jsonl" | sort -u | wc -l)" "connections of gRPC"
	! grep -q 'l.ter, pl' "$tmp/daemon.err" || fail "the collector's words are in the log"
done

# --- what is refused is lost and counted, to the point; so are the points of a partial success
for protocol in grpc http/protobuf http/json; do
	case $protocol in grpc) bad='{"code":3}' ;; *) bad='{"status":400}' ;; esac
	begin $protocol delta
	otlp_order "[$bad]"
	wait_for 120 "$protocol: orders are left" used_up
	finish "refused, $protocol"
	check "refused, $protocol"
	lost=$(jq -s '[.[] | select(.answer.code == 3 or .answer.status == 400) | .items[].points | length] | add' "$tmp/otlp.jsonl")
	expect "$lost" "$(count_of 'rejected_total{reason="refused"}')" "$protocol: points that were refused"
	expect 1 "$(count_of 'exports_total{result="refused"}')" "$protocol: requests that were refused"
	begin $protocol delta
	otlp_order '[{"partial":{"rejected":3,"message":"three too many"}},{"partial":{"rejected":0,"message":"a word of warning"}}]'
	finish "partial, $protocol"
	check "partial, $protocol"
	expect "$(own_sums)" "$(kept)" "partial, $protocol: nothing was sent again"
	expect 3 "$(count_of 'rejected_total{reason="partial"}')" "$protocol: points that were rejected"
	! grep -q -e 'three too many' -e 'word of warning' "$tmp/daemon.err" || fail "the collector's words are in the log"
done

# --- sums as they stand: the newest request has them all
for protocol in grpc http/protobuf; do
	begin $protocol cumulative
	case $protocol in grpc) otlp_order "[$grpc_again,$grpc_merged,{\"code\":3}]" ;; *) otlp_order "[$http_again,$http_merged,{\"status\":400}]" ;; esac
	finish "cumulative, $protocol"
	own_sums >"$tmp/own"
	expect "$(cat "$tmp/own")" "$(tail -1 "$tmp/otlp.jsonl" | jq '[.items[] | select(.kind == "sum" and (.name | startswith("opencode."))) | .points[].value] | add * 1e6 | round')" "cumulative, $protocol"
	jq -s -e '[.[] | .items[] | select(.name == "opencode.token.usage") | [.points[].value] | add] as $t | $t == ($t | sort)' "$tmp/otlp.jsonl" >/dev/null || fail "cumulative, $protocol: a sum fell"
done

# --- a collector that hangs: the limit on time cuts it, and the same goes out again
for protocol in grpc http/protobuf; do
	export LFSPOOL_OTLP_TIMEOUT=60s
	begin $protocol delta
	stop_daemon || fail "the daemon did not stop well"
	LFSPOOL_OTLP_TIMEOUT=1s start_daemon
	otlp_order '[{"hang":true}]'
	wait_for 120 "$protocol: orders are left" used_up
	hung=$(jq -c 'select(.answer.hang) | .n' "$tmp/otlp.jsonl")
	is_after() { jq -e -s "any(.[]; .n > $hung and (.answer.hang | not))" "$tmp/otlp.jsonl" >/dev/null; }
	wait_for 120 "$protocol: nothing comes after a request that hung" is_after
	[ $protocol != grpc ] || expect true "$(jq -s 'all(.[]; .deadline)' "$tmp/otlp.jsonl")" "a deadline"
	stop_daemon || fail "the daemon did not stop well while a request may hang"
	# slow machines cut other requests too: each window counts once
	expect "$(own_sums)" "$(jq -n '[inputs | .items[] | select(.temporality == 1 and .kind == "sum" and (.name | startswith("opencode."))) | .name as $n | .points[] | [$n, .attributes, .startTimeUnixNano, .value]]
		| unique | map(.[3]) | add * 1e6 | round' "$tmp/otlp.jsonl")" "$protocol: after a hang"
done

# --- what is no gRPC at all
: >"$tmp/otlp.jsonl"
export LFSPOOL_OTLP_PROTOCOL=grpc LFSPOOL_OTLP_TEMPORALITY=delta
otlp_order '[{"status":503,"headers":{"retry-after":"1"}},{"status":429},{"status":401},{"status":404},{"status":200},{"reset":true}]'
LFSPOOL_OTLP_ENDPOINT=http://127.0.0.1:$otlp_raw2 start_daemon
wait_for 120 "raw2: orders are left" used_up
after 1
stop_daemon || fail "the daemon did not stop well"
expect trailers "$(head -1 "$tmp/otlp.jsonl" | jq -r .headers.te)" "te"
expect application/grpc "$(head -1 "$tmp/otlp.jsonl" | jq -r '.headers["content-type"]')" "content-type"
expect 0 "$(jq -s '[.[:5][] | .at] | if .[1] - .[0] < 980 then 1 else 0 end' "$tmp/otlp.jsonl")" "Retry-After of a proxy"
LFSPOOL_OTLP_ENDPOINT=http://127.0.0.1:$otlp_http start_daemon # HTTP/1.1: kept, and tried again
wait_for 60 "HTTP/1.1 is not noticed" grep -q 'event":"metrics.export' "$tmp/daemon.err"
stop_daemon || fail "the daemon did not stop well"

# --- a connection that was closed while it was idle costs no try
stop_collector
start_collector --idle 100
rm -rf "$tmp/spool"
: >"$tmp/otlp.jsonl"
LFSPOOL_OTLP_INTERVAL=1s LFSPOOL_OTLP_ENDPOINT=http://127.0.0.1:$otlp_grpc start_daemon
after 4
stop_daemon || fail "the daemon did not stop well"
[ "$(jq -r .peer "$tmp/otlp.jsonl" | sort -u | wc -l)" -ge 3 ] || fail "the collector closes no connections"
again=$(count_of 'exports_total{result="again"}')
[ "${again:-0}" -le 1 ] || fail "$again tries were lost on closed connections" # one may meet the closing itself
exit 0
