#!/bin/sh
# No attribute of a metric holds a planted secret, whatever the agent calls its tools, agents, models and errors, and whatever is asked
# for; in metadata_only none holds content. True of the text, of OpenMetrics, and of what goes to a collector.
. "${srcdir:-.}/tests/t/lib.sh"
. "$srcdir/tests/t/load.sh"
have jq || skip "no jq"
export LFSPOOL_STALE_AFTER=0s LFSPOOL_FLUSH_INTERVAL=100ms LFSPOOL_OTLP_INTERVAL=100ms LFSPOOL_OTLP_PROTOCOL=http/json LFSPOOL_OTLP_COMPRESSION=none \
	LFSPOOL_METRICS_PROFILES=opencode,exporter,gen_ai,claude_code LFSPOOL_METRICS_LABELS=source,session,project,title,error,message
words='Zimtstern quokka' # stands for content
# secrets that are known by their form alone, and so in a name too
jq -r '.secrets[] | select(.kind | test("openai|anthropic|github|gitlab|slack|google|jwt|aws access")) | .value' "$(fixture secrets truth.json)" >"$tmp/values"
[ "$(wc -l <"$tmp/values")" -ge 8 ] || fail "too few secrets are planted: $(wc -l <"$tmp/values")"
i=0
while IFS= read -r value; do # a session each that has it in every name
	i=$((i + 1))
	for recording in tools err400 subagent; do
		sed -E "s/((ses|msg|prt|evt)_[A-Za-z0-9]{20})[A-Za-z0-9]{6}/\1$(printf %06d $i)/g" "$(fixture $recording sse.jsonl)"
	done | jq -c --arg v "$value" --arg words "$words" 'def plant($w): if type == "string" then . + " " + $w else . end;
		walk(if type == "object" then with_entries(
			if .key | IN("agent", "mode", "modelID", "providerID", "tool", "projectID", "slug") then .value |= plant($v)
			elif .key == "name" then .value |= plant($v)
			elif .key | IN("title", "message", "description", "prompt", "text", "output") then .value |= plant($v + " " + $words) else . end) else . end)
		| if .properties.info.title then .properties.info.title |= plant("") else . end' >"$tmp/planted.$i.jsonl"
	grep -q -F -e "$value" "$tmp/planted.$i.jsonl" || fail "nothing was planted"
done <"$tmp/values"
search() { # WHERE FILE...
	where=$1; shift
	while IFS= read -r value; do
		if cat "$@" | grep -q -a -F -e "$value"; then fail "$where: an attribute holds a planted secret: $(cat "$@" | grep -a -F -e "$value" | head -1 | cut -c1-300)"; fi
	done <"$tmp/values"
}
sent() { find "$tmp/requests" -name '*.json' | sort | tail -1 | xargs cat 2>/dev/null | grep -q 'error.info.*APIError'; }
for mode in full metadata_only; do
	rm -rf "$tmp/spool" "$tmp/requests"
	mkdir "$tmp/requests"
	start_sink v4 --requests "$tmp/requests"
	(
		unset LFSPOOL_LANGFUSE_HOST LFSPOOL_LANGFUSE_SECRET_KEY LFSPOOL_LANGFUSE_PUBLIC_KEY
		export LFSPOOL_OTLP_ENDPOINT="$sink_url" LFSPOOL_MODE=$mode
		start_daemon
		trap 'kill -9 $daemon_pid' EXIT
		# the errors of the recordings are to be of this day
		now=$(date +%s)000
		for f in "$tmp"/planted.*.jsonl; do
			sed -E "s/\"completed\":17[0-9]{11}/\"completed\":$now/g" "$f" >"$tmp/now.jsonl"
			exits 0 "$LFSPOOL" ingest "$tmp/now.jsonl"
		done
		wait_for 60 "errors are exported" sent
		exits 0 "$LFSPOOL" metrics; mv "$tmp/out" "$tmp/$mode.text"
		exits 0 "$LFSPOOL" metrics --openmetrics; mv "$tmp/out" "$tmp/$mode.open"
	) || exit 1
	stop_sink
	grep -q '^opencode_error_info{.*type="APIError' "$tmp/$mode.text" || fail "no error.info when asked for ($mode)"
	grep -q 'session_id="ses_' "$tmp/$mode.text" && grep -q 'project_id="' "$tmp/$mode.text" || fail "no session or project when asked for ($mode)"
	search "$mode, text" "$tmp/$mode.text" "$tmp/$mode.open"
	search "$mode, requests" "$tmp"/requests/*.json
done
grep -q "^opencode_error_info{.*message=\".*$words" "$tmp/full.text" || fail "no message when asked for"
grep -q 'REDACTED' "$tmp/full.text" || fail "nothing was planted where attributes come from"
if cat "$tmp"/metadata_only.* "$tmp"/requests/*.json | grep -a -e "${words% *}" -e /home/ -e 'scripted'; then fail "metadata_only: an attribute holds content"; fi
# none of it unless it is asked for
unset LFSPOOL_METRICS_LABELS
"$LFSPOOL" metrics >"$tmp/plain.text"
! grep -q -e ses_ -e 'error_info' -e 'project_id' "$tmp/plain.text" || fail "what names things is there unasked"
echo "$(wc -l <"$tmp/values") secrets in every name: none in $(wc -l <"$tmp/full.text") lines"
exit 0
