# Compares each observation with the message or tool of OpenCode's export that it came from.
#   jq -n -r --slurpfile obs … --slurpfile exports … --slurpfile truth … -f exact.jq
# Prints one line per difference: what differs, where, expected, got.
def zero: . // 0;

($obs | map(select(.name == "assistant-response")) | INDEX(.message)) as $generations
| ($obs | map(select(.part and (.name | startswith("tool-")))) | INDEX(.part)) as $tools
| [$exports[] | .info.time.created as $since | .messages[] | select(.info.role == "assistant" and .info.time.created >= $since)] as $answers
| ($answers[] | select(.info.time.completed and (.info.error or any(.parts[]; .type == "step-start"))) | .info as $m
   | $generations[$m.id] as $got | select($got)
   | (select([$got.start, $got.end] != [$m.time.created, $m.time.completed]) | "times: \($m.id): expected \($m.time), got \([$got.start, $got.end])"),
     (($got.cost // "0" | tonumber) as $cost | select(($cost - $m.cost) | fabs > 1e-12) | "cost: \($m.id): expected \($m.cost), got \($cost)"),
     ({ input: $m.tokens.input, output: $m.tokens.output, reasoning: $m.tokens.reasoning, cache_read: $m.tokens.cache.read, cache_write: $m.tokens.cache.write } as $want
      | ($got.usage | { input: (.input | zero), output: (.output | zero), reasoning: (.reasoning | zero), cache_read: (.cache_read | zero), cache_write: (.cache_write | zero) })
      | select(. != $want) | "tokens: \($m.id): expected \($want), got \(.)")),
  ($answers[].parts[] | select(.type == "tool" and .state.time.end) | . as $part | $tools[.id] | select(.)
   | select([.start, .end] != [$part.state.time.start, $part.state.time.end]) | "times: \($part.id): expected \($part.state.time), got \([.start, .end])"),
  ($exports[] | .info as $session | select($session.parentID == null and any(.messages[]; .info.time.created >= $session.time.created))
   | [$obs[] | select(.own_session == $session.id).title] | select(index($session.title) == null) | "title: expected \($session.title), got \(unique)"),
  ($truth[0].signals // {} | to_entries[] | . as $want | [$obs[] | select(.name == $want.key)] | length
   | select(. != $want.value) | "\($want.key): expected \($want.value), got \(.)")
