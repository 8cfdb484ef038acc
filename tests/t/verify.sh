#!/bin/sh
# verify says what the server has of each session: all of it, or what is missing, doubled, different, or not sent yet.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
have curl || skip "no curl"
figure() { jq -r ".$1" "$tmp/out"; }

exits 3 "$LFSPOOL" verify
says 'spool: No such file'
for profile in v4 v3 v2; do
	rm -rf "$tmp/spool" "$tmp/requests"; mkdir "$tmp/requests"
	start_sink "$profile" --requests "$tmp/requests"
	for scenario in tools subagent err401; do
		exits 0 "$LFSPOOL" ingest "$fixtures/$scenario/sse.jsonl"
	done
	exits 0 "$LFSPOOL" verify --json
	[ "$(figure waiting)" -gt 20 ] || fail "nothing waits before anything was sent ($profile)"
	exits 0 "$LFSPOOL" flush
	exits 0 "$LFSPOOL" verify --json
	all=$(figure observations)
	[ "$all" -gt 20 ] || fail "only $all observations"
	expect "$all 0 0 0 0 0" "$(figure equal) $(figure missing) $(figure doubled) $(figure different) $(figure unknown) $(figure waiting)" "after flush ($profile)"
	exits 0 "$LFSPOOL" verify
	grep -q "^3 sessions, $all observations: $all equal, 0 missing" "$tmp/out" || fail "says $(tail -1 "$tmp/out")"
	if [ "$profile" = v4 ]; then
		# What the agent says later cannot be changed there any more.
		jq -c 'select(.type == "message.updated" and .properties.info.role == "assistant" and .properties.info.cost > 0)
			| .properties.info.cost += 1 | .id = "evt_" + .id[4:8] + "fff00001" + .id[16:]' "$fixtures/subagent/sse.jsonl" | tail -1 >"$tmp/later.jsonl"
		exits 0 "$LFSPOOL" ingest "$tmp/later.jsonl"
		exits 0 "$LFSPOOL" flush
		session=$(jq -r .properties.info.sessionID "$tmp/later.jsonl")
		exits 1 "$LFSPOOL" verify --json
		[ "$(figure different)" -gt 0 ] || fail "another cost is not seen ($session)"
		jq -e '[.sessions[].findings[] | select(.kind == "different") | .detail | select(test("cost"))] | length > 0' \
			"$tmp/out" >/dev/null || fail "the field is not named"
		# The same request once more: this server keeps both.
		request=$(find "$tmp/requests" -name '*.pb' | head -1)
		[ -s "$request" ] || fail "no request was kept"
		curl -s -o /dev/null -w '%{http_code}' -u test-public:test-secret-value -H 'content-type: application/x-protobuf' \
			-H 'x-langfuse-ingestion-version: 4' --data-binary "@$request" "$sink_url/api/public/otel/v1/traces" >"$tmp/code"
		expect 200 "$(cat "$tmp/code")" "sending a request again"
		exits 1 "$LFSPOOL" verify --json
		[ "$(figure doubled)" -gt 0 ] || fail "a span that is there twice is not seen"
		expect "$all" "$(($(figure doubled) + $(figure different) + $(figure equal)))" "doubled, different and equal"
	fi
	stop_sink
	exits 75 "$LFSPOOL" verify
	says 'server'
	start_sink "$profile"
	exits 1 "$LFSPOOL" verify --json
	[ "$(figure missing)" -ge "$all" ] || fail "a server that lost everything: $(figure missing) missing of $all ($profile)"
	exits 3 "$LFSPOOL" verify ses_none
	says 'ses_none: there is no such session'
	stop_sink
done
# What the agent itself has on its disk.
grow=${builddir:-.}/tests/database/grow
if [ -x "$grow" ]; then
	rm -rf "$tmp/spool"; mkdir -p "$tmp/data"
	"$grow" "$tmp/data/opencode.db" "$srcdir/tests/fixtures/opencode-db/schema.sql" apply "$fixtures/tools/sse.jsonl" >/dev/null || fail "no database"
	export LFSPOOL_OPENCODE_DB="$tmp/data/opencode.db"
	start_sink v4
	head -90 "$fixtures/tools/sse.jsonl" >"$tmp/part.jsonl"
	exits 0 "$LFSPOOL" ingest "$tmp/part.jsonl"
	exits 0 "$LFSPOOL" flush
	exits 1 "$LFSPOOL" verify --json
	[ "$(figure unspooled)" -gt 5 ] || fail "what only the agent has is not seen: $(cat "$tmp/out")"
	exits 0 "$LFSPOOL" backfill --since 3650d
	exits 0 "$LFSPOOL" flush
	"$LFSPOOL" verify --json >"$tmp/out"
	expect "0 0" "$(figure unspooled) $(figure outdated)" "after the backfill"
	stop_sink
	unset LFSPOOL_OPENCODE_DB
fi
unset LFSPOOL_LANGFUSE_PUBLIC_KEY
exits 1 "$LFSPOOL" verify
exit 0
