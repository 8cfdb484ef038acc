#!/bin/sh
# score: numbers, yes and no, categories; on a trace and on a session; redacted; sent again without harm.
. "${srcdir:-.}/tests/t/lib.sh"
have jq || skip "no jq"
have curl || skip "no curl"
session=ses_e0379994cffe8A2YOO1MMe1rfe
exits 0 "$LFSPOOL" ingest "$(fixture subagent sse.jsonl)"
trace=$("$LFSPOOL" show $session --json | head -1 | jq -r .trace)
child=$("$LFSPOOL" show --json | jq -r 'select(.parent != "") | .session' | head -1)
scores() { curl -s "$sink_url/sink/scores"; }
last() { scores | tail -1 | jq -c "$1"; }

exits 3 "$LFSPOOL" score $session 1
says 'no server'
exits 2 "$LFSPOOL" score $session
for profile in v2 v3 v4; do
	start_sink $profile
	exits 0 "$LFSPOOL" score $session 0.75 --comment 'better than I' --json
	id=$(jq -r .id "$tmp/out")
	expect "[\"$id\",\"$trace\",null,\"user-feedback\",0.75,\"NUMERIC\",\"better than I\"]" \
		"$(last '[.id, .traceId, .sessionId, .name, .value, .dataType, .comment]')" "a number ($profile)"
	exits 0 "$LFSPOOL" score "$child" -1 --json
	expect "[\"$id\",-1]" "$(last '[.id, .value]')" "a sub-agent is scored as the trace that it is in, again"
	exits 0 "$LFSPOOL" score "$trace" yes --name helpful --json
	expect "[\"$trace\",\"helpful\",1,\"BOOLEAN\"]" "$(last '[.traceId, .name, .value, .dataType]')" "yes"
	[ "$(jq -r .id "$tmp/out")" != "$id" ] || fail "another name has the same id"
	exits 0 "$LFSPOOL" score "$trace" 'no idea' --set environment=Team-A
	expect '["no idea","CATEGORICAL","team-a"]' "$(last '[.value, .dataType, .environment]')" "a category"
	exits 0 "$LFSPOOL" score $session 1 --set trace_unit=turn
	expect "[null,\"$session\"]" "$(last '[.traceId, .sessionId]')" "with a trace a turn the session is scored"
	secret=$(jq -r '[.. | strings | select(test("^gh[p]_[A-Za-z0-9]{36}$"))] | first // empty' "$(fixture secrets sse.jsonl)" | head -1)
	[ -n "$secret" ] || secret=test-secret-value # our own key is one, too
	exits 0 "$LFSPOOL" score "$trace" 1 --comment "it printed $secret there"
	says 'taken out'
	scores | grep -qF "$secret" && fail "a secret left the machine"
	scores | grep -q REDACTED || fail "nothing was redacted"
	n=$(scores | wc -l)
	exits 3 "$LFSPOOL" score no-such-session 1
	exits 1 "$LFSPOOL" score "$trace" ''
	exits 1 "$LFSPOOL" score "$trace" 1 --set mode=off
	exits 1 "$LFSPOOL" score "$trace" 1 --comment x --set mode=metadata_only
	exits 1 "$LFSPOOL" score "$trace" 1 --set langfuse_secret_key=another-value
	says 'keys'
	expect "$n" "$(scores | wc -l)" "scores after refusals"
	curl -s -d 'status=503:1,reset-after:1,status=400:1' "$sink_url/sink/fault" >/dev/null
	exits 75 "$LFSPOOL" score "$trace" 1
	exits 75 "$LFSPOOL" score "$trace" 1
	exits 1 "$LFSPOOL" score "$trace" 1
	exits 0 "$LFSPOOL" score "$trace" 1
	stop_sink
done
exits 75 "$LFSPOOL" score "$trace" 1
start_daemon # changes nothing
exits 75 "$LFSPOOL" score "$trace" 1
stop_daemon || fail "the daemon did not stop well"
exit 0
