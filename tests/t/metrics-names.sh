#!/bin/sh
# Each metric by name, unit, kind and attributes, as a collector gets it: the names of the exporters that the profiles are named after,
# and nothing beside them.
. "${srcdir:-.}/tests/t/lib.sh"
. "$srcdir/tests/t/load.sh"
have jq || skip "no jq"
have curl || skip "no curl"
export LFSPOOL_STALE_AFTER=0s LFSPOOL_FLUSH_INTERVAL=100ms LFSPOOL_OTLP_INTERVAL=100ms LFSPOOL_OTLP_PROTOCOL=http/json LFSPOOL_BACKOFF_MAX=100ms
mkdir "$tmp/requests"
start_sink v4 --requests "$tmp/requests" --fault 'posts-only,reject-name=tool-glob'
for s in plain tools subagent gitcommit err500 err400 secrets permission files; do cat "$(fixture $s sse.jsonl)"; done |
	sed 's/"permission":"bash"/"permission":"edit"/' >"$tmp/all.jsonl"
jq -c 'select(.properties.part.type == "text" and .properties.part.text != "") | .properties.part' "$(fixture plain sse.jsonl)" | head -1 | jq -c '. as $p |
	{ type: "message.part.updated", properties: { time: 1795238006194, part: { id: "prt_subtask", type: "subtask", agent: "general", prompt: "p", description: "d", messageID: $p.messageID, sessionID: $p.sessionID } } },
	{ type: "message.part.updated", properties: { time: 1795238006194, part: { id: "prt_request", type: "tool", tool: "bash", callID: "c", messageID: $p.messageID, sessionID: $p.sessionID,
		state: { status: "completed", input: { command: "cd x; gh pr create -f" }, output: "", title: "", metadata: {}, time: { start: 1795238006194, end: 1795238006195 } } } } },
	# what is cached for the first time
	{ type: "message.updated", properties: { info: { id: "msg_cached", role: "assistant", parentID: $p.messageID, sessionID: $p.sessionID, modelID: "m", providerID: "p", agent: "build", cost: 0.5,
		tokens: { input: 1, output: 2, reasoning: 3, cache: { read: 4, write: 5 } }, time: { created: 1795238006194, completed: 1795238007194 } } } }' >>"$tmp/all.jsonl"
newest() { find "$tmp/requests" -name '*.json' -newer "$tmp/mark" | sort | tail -1; }
# NAME UNIT KIND ATTRIBUTES; the attributes of all points, b: those that are bools
lines() { jq -r '.resourceMetrics[].scopeMetrics[].metrics[] | (.sum // .gauge // .histogram) as $d |
	"\(.name) \(.unit | if . == "" then "-" else . end) \(if .sum then "sum" elif .gauge then "gauge" else "histogram" end) \([$d.dataPoints[].attributes[] |
		"\(.key)\(if .value | has("boolValue") then "?" else "" end)"] | unique | join(",") | if . == "" then "-" else . end)"' | sort; }
has_all() { f=$(newest) && [ -n "$f" ] && lines <"$f" >"$tmp/got" && cmp -s "$tmp/want" "$tmp/got"; }
names() { # LABELS PROFILES: what is sent becomes the table on standard input
	sort >"$tmp/want"
	rm -rf "$tmp/spool"
	: >"$tmp/mark"
	curl -s -o /dev/null -X POST --data-binary 'posts-only,reject-name=tool-glob,status=503:1' "$sink_url/sink/fault"
	export LFSPOOL_METRICS_LABELS="$1" LFSPOOL_METRICS_PROFILES="$2"
	exits 0 "$LFSPOOL" ingest "$tmp/all.jsonl"
	"$LFSPOOL" flush >"$tmp/flush" 2>&1 # says that one was refused
	LFSPOOL_OTLP_ENDPOINT=$sink_url start_daemon
	n=0
	until has_all; do
		n=$((n + 1)); [ $n -lt 300 ] || fail "$2 with $1: $(diff "$tmp/want" "$tmp/got")"
		sleep 0.1
	done
	stop_daemon || fail "the daemon did not stop well"
}
own='lfspool.flush.duration ms histogram -
lfspool.ingest.duration ms histogram -
lfspool.records {record} sum source
lfspool.delivered {observation} sum -
lfspool.retries {request} sum -
lfspool.dropped {record} sum reason
lfspool.redacted {secret} sum rule
lfspool.metrics.exports {request} sum result
lfspool.metrics.series {series} gauge fact
lfspool.sink.paused 1 gauge sink
lfspool.spool.size By gauge -
lfspool.spool.limit By gauge -
lfspool.spool.records {record} gauge -
lfspool.spool.sessions {session} gauge -
lfspool.spool.pending {observation} gauge -
lfspool.spool.in_flight {observation} gauge -
lfspool.spool.in_doubt {observation} gauge -
lfspool.spool.dead {letter} gauge -
lfspool.spool.oldest_pending s gauge -
lfspool.uptime s gauge -'
names '' opencode <<EOF
opencode.session.count {session} sum is_subagent?
opencode.token.usage tokens sum agent,model,type
opencode.cost.usage USD sum agent,model
opencode.lines_of_code.count {line} sum type
opencode.lines_of_code.total {line} gauge type
opencode.commit.count {commit} sum -
opencode.tool.duration ms histogram success?,tool_name
opencode.cache.count {request} sum agent,model,type
opencode.session.duration ms histogram -
opencode.message.count {message} sum agent,model
opencode.session.token.total tokens histogram -
opencode.session.cost.total USD histogram -
opencode.model.usage {request} sum agent,model,provider
opencode.retry.count {retry} sum -
opencode.subtask.count {subtask} sum agent
$own
EOF
names session exporter,gen_ai,claude_code <<EOF
opencode.session.count 1 sum session.id
opencode.message.count 1 sum model,provider,role,session.id
opencode.token.usage tokens sum model,provider,session.id,type
opencode.tool.usage 1 sum session.id,status,tool
opencode.error.count 1 sum session.id,type
opencode.session.active 1 gauge -
opencode.service.running 1 gauge source
opencode.session.info 1 gauge session_id,source
gen_ai.client.token.usage {token} histogram gen_ai.operation.name,gen_ai.provider.name,gen_ai.request.model,gen_ai.token.type,session.id
gen_ai.client.operation.duration s histogram gen_ai.operation.name,gen_ai.provider.name,gen_ai.request.model,session.id
gen_ai.execute_tool.duration s histogram gen_ai.operation.name,gen_ai.tool.name,session.id
gen_ai.invoke_agent.duration s histogram gen_ai.operation.name,session.id
claude_code.session.count - sum session.id
claude_code.lines_of_code.count - sum session.id,type
claude_code.commit.count - sum session.id
claude_code.pull_request.count - sum session.id
claude_code.code_edit_tool.decision - sum decision,session.id,source,tool_name
claude_code.cost.usage USD sum model,session.id
claude_code.token.usage tokens sum model,session.id,type
claude_code.active_time.total s sum session.id,type
$own
EOF
# the plugin's defaults: what every point and the resource have, and the kinds of tokens
expect "cacheCreation cacheRead input output reasoning" "$(jq -r '[.. | objects | select(.name? == "claude_code.token.usage") | .. | objects | select(.key? == "type") | .value.stringValue] | unique | join(" ")' "$f")" "types of tokens"
expect "app.version host.arch os.type service.instance.id service.name service.version" "$(jq -r '[.resourceMetrics[0].resource.attributes[].key] | sort | join(" ")' "$f")" "the resource"
exit 0
