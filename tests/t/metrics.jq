# Compares the metrics of one recording with what the agent recorded.
#   jq -n -r --rawfile text METRICS --slurpfile truth truth.json --slurpfile exports … --slurpfile v2 … --slurpfile changes … -f metrics.jq
# Prints a line per difference. Copies of messages that a fork made are taken off the truth; messages that a revert took away were
# paid for and stay counted: $changes are the events of messages of a stream that removes some.

def series: [ split("\n")[] | select(test("^[a-z]"))
  | capture("^(?<name>[a-zA-Z_]+)(\\{(?<labels>.*)\\})? (?<value>.*)$")
  | { name, value: (.value | tonumber), labels: ([(.labels // "") | scan("([a-z_]+)=\"((?:[^\"\\\\]|\\\\.)*)\"") | { key: .[0], value: .[1] }] | from_entries) } ];
def without_zeros: with_entries(select(.value != 0));
def by(f): reduce .[] as $s ({}; ($s | f) as $k | .[$k] += ($s.value // 1));
def total: map(.value) | add // 0;
def tools($messages): [$messages[].parts[] | select(.type == "tool" and (.state.status == "completed" or .state.status == "error"))];

($text | series) as $all
| def of($name): [$all[] | select(.name == $name)];
$truth[0] as $t
| ($v2 | map(.data[])) as $next
| [$changes[] | select(.info | not) | .messageID] as $gone
| ([$changes[] | .info // empty | select(.id as $id | $gone | index($id))] | group_by(.id) | map({ info: last, parts: [] })) as $reverted
| ([$exports[] | .info.time.created as $since | .messages[] | select(.info.time.created >= $since)] + $reverted) as $own
| [$own[] | select(.info.role == "assistant" and .info.time.completed)] as $answers
| ($t.totals.unfinishedMessages == 0 and ($gone | length) == 0) as $whole
| [$own[] | select(.info.role == "user") | .info.summary.diffs // [] | .[]] as $diffs

| (if ($next | length) > 0 then
    ([$next[] | select(.type == "assistant" and .time.completed)]) as $a
    | { tokens: ({ input: ([$a[].tokens.input] | add), output: ([$a[].tokens.output] | add), reasoning: ([$a[].tokens.reasoning] | add),
                   cacheRead: ([$a[].tokens.cache.read] | add), cacheCreation: ([$a[].tokens.cache.write] | add) } | without_zeros),
        messages: ($a | length), cost: ([$a[].cost // 0] | add), lines: {}, errors: {},
        tools: ([$next[].content // [] | .[] | select(.type == "tool")] | by("\(.name) \(.state.status == "completed")")) }
  elif ($exports | length) > 0 then
    { tokens: ({ input: ([$answers[].info.tokens.input] | add), output: ([$answers[].info.tokens.output] | add),
                 reasoning: ([$answers[].info.tokens.reasoning] | add), cacheRead: ([$answers[].info.tokens.cache.read] | add),
                 cacheCreation: ([$answers[].info.tokens.cache.write] | add) } | with_entries(.value //= 0) | without_zeros),
      messages: ($answers | length), cost: ([$answers[].info.cost] | add // 0),
      lines: (if ($gone | length) > 0 then null else { added: ([$diffs[].additions] | add // 0), removed: ([$diffs[].deletions] | add // 0) } | without_zeros end),
      errors: ([$own[].info.error.name // empty | { key: . }] | by(.key)),
      tools: (tools($own) | by("\(.tool) \(.state.status == "completed")")) }
  else
    { tokens: ($t.totals.tokens | .cacheCreation = .cacheWrite | del(.cacheWrite) | without_zeros), messages: $t.totals.assistantMessages,
      cost: $t.totals.cost, lines: null, errors: $t.totals.errors,
      tools: ([$t.totals.toolCalls | to_entries[] | .key as $n | .value | to_entries[] | select(.key != "running") | { key: "\($n) \(.key == "completed")", value }] | by(.key)) }
  end
  + { sessions: ([$t.sessions[] | { key: (.parentID != null | tostring) }] | by(.key)),
      commits: ($t.commits | length), retries: ($t.retries | length) }) as $want

| { tokens: (of("opencode_token_usage_tokens_total") | by(.labels.type)),
    messages: (of("opencode_message_count_total") | total), cost: (of("opencode_cost_usage_USD_total") | total),
    lines: (of("opencode_lines_of_code_count_total") | by(.labels.type)),
    errors: (of("opencode_error_count_total") | by(.labels.type)),
    tools: (of("opencode_tool_duration_seconds_count") | by("\(.labels.tool_name) \(.labels.success)")),
    sessions: (of("opencode_session_count_total") | by(.labels.is_subagent)),
    commits: (of("opencode_commit_count_total") | total), retries: (of("opencode_retry_count_total") | total) } as $got

| ([$want | keys_unsorted[] | select(. != "cost") as $k | select($want[$k] != null and $want[$k] != $got[$k]) | "\($k): expected \($want[$k]), got \($got[$k])"]
   + (if (($want.cost - $got.cost) | fabs) > 1e-12 then ["cost: expected \($want.cost), got \($got.cost)"] else [] end)
   + (if $whole and (of("opencode_session_token_total_tokens_sum") | total) != ($got.tokens | add // 0)
      then ["tokens of turns: \(of("opencode_session_token_total_tokens_sum") | total)"] else [] end)
   + (if $whole and ((of("opencode_session_cost_total_USD_sum") | total) - $got.cost | fabs) > 1e-12 then ["cost of turns"] else [] end)
   + (if (of("opencode_model_usage_total") | total) != $got.messages then ["model.usage"] else [] end)
   + (if (of("gen_ai_client_operation_duration_seconds_count") | total) != $got.messages then ["gen_ai.client.operation.duration"] else [] end)
   + (if (of("gen_ai_client_token_usage_sum") | total) != ($got.tokens | add // 0) then ["gen_ai.client.token.usage"] else [] end)
   + (if (of("opencode_tool_usage_total") | by("\(.labels.tool) \(.labels.status == "completed")")) != $got.tools then ["tool.usage"] else [] end)
   + (if (of("claude_code_token_usage_tokens_total") | by(.labels.type)) != $got.tokens then ["claude_code.token.usage"] else [] end)
   + (if $want.lines and (of("opencode_lines_of_code") | by(.labels.type)) != $got.lines then ["lines_of_code.total"] else [] end))
| .[]
