#!/bin/sh
# The receiver answers as each Langfuse does: routes, keys, bodies, the batch API, and what v4 refuses.
. "${srcdir:-.}/tests/t/lib.sh"
have curl || skip "no curl"
have jq || skip "no jq"
key="test-public:test-secret-value"
ask() { # STATUS METHOD PATH [curl arguments]: the body goes to $tmp/body
	want=$1 method=$2 path=$3; shift 3
	got=$(curl -s -o "$tmp/body" -w '%{http_code}' -X "$method" "$@" "$sink_url$path")
	[ "$got" = "$want" ] || fail "$profile: $method $path: $got instead of $want: $(head -c 200 "$tmp/body")"
}
otlp=/api/public/otel/v1/traces batch=/api/public/ingestion
json='content-type: application/json'
span='{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"0123456789abcdef0123456789abcdef","spanId":"0123456789abcdef","name":"a","startTimeUnixNano":"1000000000","endTimeUnixNano":"2000000000","attributes":[]}]}]}]}'
event='{"batch":[{"id":"e1","type":"span-create","timestamp":"2026-11-21T00:00:00.000Z","body":{"id":"s1","traceId":"t1","name":"n","startTime":"2026-11-21T00:00:00.000Z"}},{"id":"e2","type":"span-create","timestamp":"2026-11-21T00:00:00.000Z","body":{"id":"s2","level":"INFO"}}]}'
for profile in v2 v3 v4; do
	start_sink $profile
	ask 200 GET /api/public/health
	case $profile in v2) v=2.95.12 ;; v3) v=3.225.4 ;; v4) v=4.16.0 ;; esac
	expect "$v" "$(jq -r .version "$tmp/body")" "version of $profile"
	ask 401 GET /api/public/projects
	ask 401 GET /api/public/projects -u wrong:keys
	ask 200 GET /api/public/projects -u "$key"
	ask 404 GET /api/public/no-such-thing -u "$key"
	ask 405 GET $batch -u "$key"
	ask 401 POST $batch -H "$json" -d "$event"
	ask 400 POST $batch -u "$key" -H "$json" -d '{"batch":'
	printf '%s' "$event" | gzip >"$tmp/event.gz"
	ask 400 POST $batch -u "$key" -H "$json" -H 'content-encoding: gzip' --data-binary "@$tmp/event.gz"
	head -c 4800000 /dev/zero | tr '\0' ' ' >"$tmp/large"
	ask 413 POST $batch -u "$key" -H "$json" --data-binary "@$tmp/large"
	ask 207 POST $batch -u "$key" -H "$json" -d "$event"
	if [ $profile = v4 ]; then
		expect 0 "$(jq '.successes | length' "$tmp/body")" "what v4 takes of the batch API"
		jq -e '.errors[0].status == 400 and (.errors[0].message | test("not accepted"))' "$tmp/body" >/dev/null || fail "v4's refusal: $(cat "$tmp/body")"
	else
		expect '["e1"]' "$(jq -c '[.successes[].id]' "$tmp/body")" "what $profile takes"
		expect '["e2",400]' "$(jq -c '[.errors[0].id, .errors[0].status]' "$tmp/body")" "what $profile refuses"
	fi
	if [ $profile = v2 ]; then
		ask 404 POST $otlp -u "$key" -H "$json" -d "$span"
	else
		ask 401 POST $otlp -H "$json" -d "$span"
		ask 405 GET $otlp -u "$key"
		ask 400 POST $otlp -u "$key" -H 'content-type: text/plain' -d "$span"
		ask 400 POST $otlp -u "$key" -H "$json" -H 'x-langfuse-ingestion-version: 5' -d "$span"
		ask 400 POST $otlp -u "$key" -H "$json" -H 'content-encoding: gzip' -d 'no gzip'
		ask 400 POST $otlp -u "$key" -H "$json" -d "$(printf '%s' "$span" | sed 's/"spanId":"[0-9a-f]*",//')"
		ask 400 POST $otlp -u "$key" -H "$json" -d "$(printf '%s' "$span" | sed 's/"attributes":\[\]/"attributes":{}/')"
		ask 400 POST $otlp -u "$key" -H 'content-type: application/x-protobuf' --data-binary 'no protobuf'
		ask 200 POST $otlp -u "$key" -H "$json" -d '{"resourceSpans":[]}'
		expect '{}' "$(cat "$tmp/body")" "the answer to no spans"
		for again in 1 2; do
			ask 200 POST $otlp -u "$key" -H "$json" -H 'x-langfuse-ingestion-version: 4' -d "$span"
			expect otel-ingestion-job "$(jq -r .name "$tmp/body")" "the answer to a span"
		done
	fi
	if [ $profile = v4 ]; then
		ask 200 GET "/api/public/v2/observations?traceId=0123456789abcdef0123456789abcdef" -u "$key"
		expect 2 "$(jq '.data | length' "$tmp/body")" "rows of a span that was sent twice to v4"
		ask 200 GET "/api/public/v2/observations?traceId=0123456789abcdef0123456789abcdef&limit=1" -u "$key"
		cursor=$(jq -r .meta.cursor "$tmp/body")
		ask 200 GET "/api/public/v2/observations?traceId=0123456789abcdef0123456789abcdef&limit=1&cursor=$cursor" -u "$key"
		expect '[1,null]' "$(jq -c '[(.data | length), .meta.cursor]' "$tmp/body")" "the second page"
	else
		ask 404 GET "/api/public/v2/observations?traceId=0123456789abcdef0123456789abcdef" -u "$key"
	fi
	stop_sink
	rm -f "$tmp/observations.jsonl"
done
"$LFSPOOL" sink --listen 0.0.0.0:0 --for 1 2>"$tmp/err" && fail "listens on all addresses"
grep -q loopback "$tmp/err" || fail "does not say why: $(cat "$tmp/err")"
"$LFSPOOL" sink --fault nonsense --for 1 2>"$tmp/err" && fail "takes an unknown fault"
exit 0
