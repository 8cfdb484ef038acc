# Compares what a receiver stored with the truth of Claude Code's samples; prints one line per difference.
#   jq -n -r --slurpfile obs OBSERVATIONS.jsonl --slurpfile truth truth.json --rawfile metrics METRICS -f claude.jq
# The metrics are those of profile opencode, or nothing.
def tally(f): reduce .[] as $x ({}; ($x | f) as $k | .[$k] += 1);
def sum(f): [.[] | f // 0] | add // 0;
def series: [ split("\n")[] | select(test("^[a-z]"))
  | capture("^(?<name>[a-zA-Z_]+)(\\{(?<labels>.*)\\})? (?<value>.*)$")
  | { name, value: (.value | tonumber), labels: ([(.labels // "") | scan("([a-z_]+)=\"((?:[^\"\\\\]|\\\\.)*)\"") | { key: .[0], value: .[1] }] | from_entries) } ];
def by(f): reduce .[] as $s ({}; ($s | f) as $k | .[$k] += $s.value);
def without_zeros: with_entries(select((.value // 0) != 0));

$truth[0] as $t
| ([$t.files[]] | map(select(.agentId == null))) as $main
| [$obs[] | select(.name == "assistant-response")] as $generations
| [$obs[] | select(.type == "tool" or .metadata.type == "tool")] as $tools
| [$obs[] | select(.name == "turn")] as $turns
| ($obs | map(.span)) as $spans
| ($tools | map({key: .span, value: .}) | from_entries) as $tool_of

| { generations: $t.totals.generations,
    tokens: $t.totals.tokens,
    prompts: $t.totals.userPrompts,
    agents: ([$t.files[] | select(.agentId)] + [$t.files[] | select((.sidechainLines // 0) > 0)] | length),
    models: (reduce ($t.files[].generationsByModel | to_entries[]) as $e ({}; .[$e.key] += $e.value)),
    tools: (reduce ($t.files[].toolCalls | to_entries[] | .key as $name | .value | to_entries[]
              | select(.value > 0) | {key: "\($name) \({ok: "completed", error: "error", unanswered: "interrupted"}[.key])", value}) as $e
              ({}; .[$e.key] += $e.value)),
    errors: ($t.files | map(.apiErrorMessages) | add),
    compactions: ($t.files | map(.compactions) | add),
    cost: ($t.files | map(.costUSD // 0) | add),
    by_session: ($main | map({key: .sessionId, value: .generations}) | from_entries | without_zeros) } as $want

| { generations: ($generations | length),
    tokens: { input: ($generations | sum(.usage.input)), output: ($generations | sum(.usage.output)),
              cacheCreation: ($generations | sum(.usage.cache_write)), cacheRead: ($generations | sum(.usage.cache_read)) },
    prompts: ([$turns[] | select(.own_session == .session)] | length),
    agents: ([$turns[] | select(.own_session != .session)] | length),
    models: ($generations | tally(.model)),
    tools: ($tools | tally("\(.name | ltrimstr("tool-")) \(.metadata.status)")),
    errors: ([$obs[] | select(.name == "error" and .level == "ERROR")] | length),
    compactions: ([$obs[] | select(.name == "compaction")] | length),
    cost: ([$generations[] | .cost // "0" | tonumber] | add // 0),
    by_session: ([$generations[] | select(.own_session == .session or (.session | endswith("000000000006")))] | tally(.session)) } as $got

| ($metrics | series) as $all
| def of($name): [$all[] | select(.name == $name)];
{ tokens: ($want.tokens | without_zeros), models: $want.models,
  tools: ($want.tools | with_entries(select(.key | endswith(" interrupted") | not))), cost: $want.cost, sessions: { "false": ($main | length), "true": $want.agents } } as $want_metrics
| { tokens: (of("opencode_token_usage_tokens_total") | by(.labels.type)), models: (of("opencode_message_count_total") | by(.labels.model)),
    tools: (of("opencode_tool_duration_seconds_count") | by("\(.labels.tool_name) \(if .labels.success == "true" then "completed" else "error" end)")),
    cost: ([of("opencode_cost_usage_USD_total")[].value] | add // 0), sessions: (of("opencode_session_count_total") | by(.labels.is_subagent)) } as $got_metrics

| ((if $metrics == "" then {} else $want_metrics end) | [keys_unsorted[] | select(. != "cost") as $k | select($want_metrics[$k] != $got_metrics[$k])
    | "metric \($k): expected \($want_metrics[$k]), got \($got_metrics[$k])"]) as $differences
| ([$want | keys_unsorted[] | select(. != "cost") as $k | select($want[$k] != $got[$k]) | "\($k): expected \($want[$k]), got \($got[$k])"]
   + (if (($want.cost - $got.cost) | fabs) > 1e-9 then ["cost: expected \($want.cost), got \($got.cost)"] else [] end)
   + $differences
   + (if $metrics != "" and (($want_metrics.cost - $got_metrics.cost) | fabs) > 1e-9 then ["metric cost: expected \($want_metrics.cost), got \($got_metrics.cost)"] else [] end)
   + [$generations[] | select(.cost and (.cost | tonumber) == 0) | "\(.span): a price of nothing"]
   + [$generations[] | select(.cost == null and ((.model // "") == "" or .usage == null)) | "\(.span): nothing that Langfuse could price"]
   + (if ($spans | unique | length) != ($spans | length) then ["a span id occurs twice"] else [] end)
   + [$obs[] | select((.trace // "") == "" or (.session // "") == "" or (.title // "") == "") | "\(.name) \(.span): no trace, session or name"]
   + [$obs[] | select(.parent and (.parent as $p | $spans | index($p) | not)) | "\(.name) \(.span): its parent is not there"]
   + [$obs[] | select(.name != "turn" and (.parent | not)) | "\(.name) \(.span): no parent"]
   + [$turns[] | select(.own_session != .session and ($tool_of[.parent // ""].name | . != "tool-Agent" and . != "tool-Task")) | "\(.span): a sub-agent not under its call"]
   + [$obs[] | select((.end // 0) > 0 and .end < .start) | "\(.name) \(.span): ends before it starts"])
| .[]
