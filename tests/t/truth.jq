# Compares what a receiver stored with what the agent recorded.
#   jq -n --slurpfile obs OBSERVATIONS.jsonl --slurpfile truth truth.json --slurpfile exports … --slurpfile v2 … -r -f truth.jq
# Prints one line per difference. Copies of messages that a fork made (older than their session) are taken off the truth: they are
# counted in their own session. A tool that was still running counts as interrupted.

def tally(f): reduce .[] as $x ({}; ($x | f) as $k | .[$k] += 1);
def tokens_zero: {input: 0, output: 0, reasoning: 0, cacheRead: 0, cacheWrite: 0};
def add_tokens(list): reduce list as $t (tokens_zero; reduce keys_unsorted[] as $k (.; .[$k] += ($t[$k] // 0)));
def tool_key: "\(.tool) \(if .state.status == "running" or .state.status == "pending" then "interrupted" else .state.status end)";
def without_zeros: with_entries(select(.value != 0));

$truth[0] as $t
| [$exports[] | .info.time.created as $since | .messages[] | select(.info.time.created < $since)] as $copied
| [$copied[] | select(.info.role == "assistant")] as $copied_answers
| ($v2 | map(.data[])) as $next
| [$obs[] | select(.name == "assistant-response")] as $generations
| [$obs[] | select(.type == "tool" or .metadata.type == "tool")] as $tools
| ($obs | map(.span)) as $spans

| (if ($next | length) > 0 then
     { sessions: ($t.totals.sessions),
       turns: ([$next[] | select(.type == "user")] | length),
       generations: ([$next[] | select(.type == "assistant")] | length),
       compactions: 0, errors: {}, cost: 0,
       tools: ([$next[].content // [] | .[] | select(.type == "tool")] | tally("\(.name) \(.state.status)")),
       tokens: add_tokens($next[] | select(.tokens) | .tokens | {input, output, reasoning, cacheRead: .cache.read, cacheWrite: .cache.write}) }
   else
     { sessions: ([$t.sessions[] | select(.userMessages + .assistantMessages > .copiedMessages)] | length),
       turns: ($t.totals.userMessages - ([$copied[] | select(.info.role == "user")] | length)),
       generations: ($t.totals.generations - ([$copied_answers[] | select(.info.error or any(.parts[]; .type == "step-start"))] | length)),
       compactions: ($t.totals.compactions - ([$copied_answers[] | select(.info.summary == true)] | length)),
       errors: (reduce ($copied_answers[] | .info.error.name // empty) as $n ($t.totals.errors; .[$n] -= 1) | without_zeros),
       cost: ($t.totals.cost - ([$copied_answers[].info.cost] | add // 0)),
       tools: (reduce ($copied_answers[].parts[] | select(.type == "tool") | tool_key) as $k
                 ([$t.totals.toolCalls | to_entries[] | .key as $name | .value | to_entries[]
                   | {key: {tool: $name, state: {status: .key}} | tool_key, value}] | reduce .[] as $e ({}; .[$e.key] += $e.value);
                  .[$k] -= 1) | without_zeros),
       tokens: (add_tokens($copied_answers[].info.tokens | {input, output, reasoning, cacheRead: .cache.read, cacheWrite: .cache.write}) as $c
                | $t.totals.tokens | with_entries(.value -= $c[.key])) }
   end) as $want

| { sessions: ([$obs[].own_session] | unique | length),
    turns: ([$obs[] | select(.name == "turn")] | length),
    generations: ($generations | length),
    compactions: ([$generations[] | select(.metadata.summary == true)] | length),
    errors: ([$generations[] | select(.level == "ERROR")] | tally(.metadata.error_name)),
    cost: ([$generations[] | .cost // "0" | tonumber] | add // 0),
    tools: ($tools | tally("\(.name | ltrimstr("tool-")) \(.metadata.status)")),
    tokens: add_tokens($generations[] | .usage // {} | {input, output, reasoning, cacheRead: .cache_read, cacheWrite: .cache_write}) } as $got

| ([$want | keys_unsorted[] | select(. != "cost") as $k | select($want[$k] != $got[$k]) | "\($k): expected \($want[$k]), got \($got[$k])"]
   + (if (($want.cost - $got.cost) | fabs) > 1e-9 then ["cost: expected \($want.cost), got \($got.cost)"] else [] end)
   + (if ($spans | unique | length) != ($spans | length) then ["a span id occurs twice"] else [] end)
   + [$obs[] | select((.trace // "") == "" or (.session // "") == "") | "\(.name) \(.span): no trace or session id"]
   + [$obs[] | select((.title // "") == "") | "\(.name) \(.span): no trace name"]
   + [$obs[] | select(.parent and (.parent as $p | $spans | index($p) | not)) | "\(.name) \(.span): its parent is not there"]
   + [$obs[] | select(.name != "turn" and (.parent | not)) | "\(.name) \(.span): no parent"]
   + [$obs[] | select((.end // 0) > 0 and .end < .start) | "\(.name) \(.span): ends before it starts"]
   + (if $t.totals.unfinishedMessages > ([$generations[] | select(.level == "WARNING" and .status == "interrupted")] | length)
      then ["an unfinished message is not marked as interrupted"] else [] end))
| .[]
