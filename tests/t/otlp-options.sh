#!/bin/sh
# OpenTelemetry's variables, for all signals and for one: which endpoint, path, protocol, headers, packing and limit counts.
. "${srcdir:-.}/tests/t/lib.sh"
. "$srcdir/tests/otlp/collector.sh"
otlp_install
export LFSPOOL_SOURCES=none LFSPOOL_STALE_AFTER=0s LFSPOOL_OTLP_INTERVAL=100ms LFSPOOL_BACKOFF_MAX=100ms
unset $(env | sed -n 's/^\(OTEL_[A-Z0-9_]*\)=.*/\1/p')
start_collector
arrived() { [ -s "$tmp/otlp.jsonl" ] && head -1 "$tmp/otlp.jsonl" | jq -e . >"$tmp/line.json" 2>/dev/null; }
sends() { # PROTOCOL PATH FILTER NAME=VALUE…: what a daemon with these variables sends
	want="$1 $2 true" filter=$3; shift 3
	: >"$tmp/otlp.jsonl"
	(
		export "$@"
		start_daemon
		wait_for 60 "nothing arrives: $*" arrived
		stop_daemon || fail "the daemon did not stop well"
	) || exit 1
	expect "$want" "$(jq -r "\"\(.protocol) \(.path) \($filter)\"" "$tmp/line.json")" "$*"
}
http=http://127.0.0.1:$otlp_http grpc=http://127.0.0.1:$otlp_grpc
service=/opentelemetry.proto.collector.metrics.v1.MetricsService/Export
sends http/protobuf /v1/metrics .gzip "OTEL_EXPORTER_OTLP_ENDPOINT=$http"
sends http/protobuf /v1/metrics .gzip "OTEL_EXPORTER_OTLP_ENDPOINT=127.0.0.1:$otlp_http"
sends http/json /base/v1/metrics '.gzip | not' "OTEL_EXPORTER_OTLP_ENDPOINT=$http/base/" OTEL_EXPORTER_OTLP_PROTOCOL=http/json OTEL_EXPORTER_OTLP_COMPRESSION=none
sends http/protobuf /own/metrics/ .gzip "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=$http/own/metrics/" OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:1
sends http/json /v1/metrics true "OTEL_EXPORTER_OTLP_ENDPOINT=$http" OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=http/json
sends grpc $service .gzip "OTEL_EXPORTER_OTLP_ENDPOINT=$grpc/ignored" OTEL_EXPORTER_OTLP_PROTOCOL=grpc OTEL_EXPORTER_OTLP_LOGS_PROTOCOL=http/json
sends grpc $service true "OPENCODE_OTLP_ENDPOINT=$grpc"
sends http/protobuf /v1/metrics true "OPENCODE_OTLP_ENDPOINT=$http" OPENCODE_OTLP_PROTOCOL=http/protobuf
sends grpc $service '.headers.a == null and .headers.b == "two, words" and (.gzip | not)' "OTEL_EXPORTER_OTLP_ENDPOINT=$grpc" OTEL_EXPORTER_OTLP_PROTOCOL=grpc \
	OTEL_EXPORTER_OTLP_HEADERS=a=1 'OTEL_EXPORTER_OTLP_METRICS_HEADERS=b=two%2C words' OTEL_EXPORTER_OTLP_METRICS_COMPRESSION=none
sends http/protobuf /v1/metrics '.headers.a == "1" and .headers.b == "x=y"' "OTEL_EXPORTER_OTLP_ENDPOINT=$http" 'OTEL_EXPORTER_OTLP_HEADERS=a=1 ,b=x=y' OTEL_EXPORTER_OTLP_LOGS_HEADERS=b=3
for variable in OTEL_EXPORTER_OTLP_TIMEOUT OTEL_EXPORTER_OTLP_METRICS_TIMEOUT; do # milliseconds; gRPC tells the server
	sends grpc $service '.left > 300000 and .left <= 600000' "OTEL_EXPORTER_OTLP_ENDPOINT=$grpc" OTEL_EXPORTER_OTLP_PROTOCOL=grpc $variable=600000
done
exit 0
