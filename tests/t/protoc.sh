#!/bin/sh
# An independent decoder must read our protobuf as OpenTelemetry defines it.
srcdir=${srcdir:-.}
dump=${OTLP_DUMP:-tests/unit/otlp_dump}
proto=$srcdir/tests/fixtures/opentelemetry-proto

if ! command -v protoc >/dev/null 2>&1; then
	echo "protoc is not installed: skipped (package protobuf-compiler)"
	exit 77
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
fail() { echo "FAIL: $*"; exit 1; }

"$dump" > "$work/request" || fail "otlp_dump"
protoc --proto_path="$proto" \
	--decode=opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest \
	opentelemetry/proto/collector/trace/v1/trace_service.proto \
	< "$work/request" > "$work/text" || fail "protoc does not read the request"

want() { # COUNT LINE
	n=$(grep -cxF -- "$2" "$work/text")
	[ "$n" = "$1" ] || { cut -c1-200 "$work/text"; fail "$n times, not $1: $2"; }
}
# protoc prints a field that it does not know by its number
if grep -qE '^ *[0-9]+[: ]' "$work/text"; then fail "an unknown field"; fi
want 1 'resource_spans {'
want 1 '  scope_spans {'
want 1 '      name: "lfspool"'
want 1 '      version: "1.2.3"'
want 2 '    spans {'
want 2 '      trace_id: "\240\241\242\243\244\245\246\247\250\251\252\253\254\255\256\257"'
want 1 '      span_id: "\020\021\022\023\024\025\026\027"'
want 1 '      parent_span_id: " !\"#$%&'"\\'"'"'
want 2 '      name: "assistant-response"'
want 2 '      kind: SPAN_KIND_INTERNAL'
want 2 '      start_time_unix_nano: 1795233553671000000'
want 2 '      end_time_unix_nano: 1795233555000000000'
want 1 '        code: STATUS_CODE_ERROR'
want 1 '        message: "it broke"'
want 2 '        key: "langfuse.observation.usage_details"'
want 2 '          string_value: "{\"input\":0,\"output\":25,\"cache_read_input_tokens\":300,\"output_reasoning_tokens\":7}"'
want 2 '          string_value: "{\"total\":0.0123400}"'
want 2 '        key: "langfuse.trace.tags"'
want 2 '              string_value: "three"'
want 1 "          string_value: \"$(head -c 70000 /dev/zero | tr '\0' x)\""
echo "protoc reads the request"
