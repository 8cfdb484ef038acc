# Spans that the collector read, in either convention, as the lines of a receiver of Langfuse's (see tests/t/truth.jq).
#   jq -c -f spans.jq otlp.jsonl
def convention: if .attributes["openinference.span.kind"] then "openinference" else "gen_ai" end;
def verb: .attributes["gen_ai.operation.name"] // ({AGENT: "invoke_agent", LLM: "chat", TOOL: "execute_tool"}[.attributes["openinference.span.kind"] // ""]);
def tool: .attributes["gen_ai.tool.name"] // .attributes["tool.name"];
def interrupted: .attributes["lfspool.interrupted"] == true;
def ms: .[:-6] | tonumber; # no number of jq holds nanoseconds
def count($names): first(.attributes[$names[]] | select(. != null)) // 0;
select(.signal == "traces") | .items[]
| . as $span | .attributes as $a | verb as $verb
| { name: (if $verb == "invoke_agent" then "turn" elif $verb == "chat" then "assistant-response" elif $verb == "execute_tool" then "tool-" + tool
           else .name | ltrimstr("opencode.") end),
    convention: convention, span: .spanId, trace: .traceId, parent: .parentSpanId, title: "any", kind, own_name: .name,
    type: (if $verb == "execute_tool" then "tool" elif $verb == "chat" then "generation" else "span" end),
    session: ($a["gen_ai.conversation.id"] // $a["session.id"]), own_session: $a["session.id"],
    start: (.startTimeUnixNano | ms), end: (.endTimeUnixNano | ms),
    level: (if .status.code == 2 then "ERROR" elif interrupted then "WARNING" else null end),
    status: (if .status.code == 2 then .status.message elif interrupted then "interrupted" else null end),
    metadata: { error_name: $a["error.type"], summary: $a["lfspool.summary"],
                status: (if $verb != "execute_tool" then null elif interrupted then "interrupted" elif .status.code == 2 then "error" else "completed" end) },
    cost: (($a["gen_ai.usage.cost"] // $a["llm.cost.total"] // 0) | tostring),
    usage: (if $verb != "chat" then null else
      { cache_read: count(["gen_ai.usage.cache_read.input_tokens", "llm.token_count.prompt_details.cache_read"]),
        cache_write: count(["gen_ai.usage.cache_creation.input_tokens", "llm.token_count.prompt_details.cache_write"]),
        reasoning: count(["gen_ai.usage.reasoning.output_tokens", "llm.token_count.completion_details.reasoning"]) } as $d
      | $d + { input: (count(["gen_ai.usage.input_tokens", "llm.token_count.prompt"]) - $d.cache_read - $d.cache_write),
               output: (count(["gen_ai.usage.output_tokens", "llm.token_count.completion"]) - $d.reasoning) } end),
    totals: $a["session.total_tokens"] }
