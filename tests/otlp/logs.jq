# What the log records say against the spans of the same requests, which equal the truth. Prints one line per difference.
#   jq -n -r --slurpfile requests otlp.jsonl --slurpfile spans SPANS -f logs.jq
def tokens: .input + .output + .reasoning + .cache_read + .cache_write;
def log_tokens: .attributes | .input_tokens + .output_tokens + .reasoning_tokens + .cache_read_tokens + .cache_creation_tokens;
def same($what; $a; $b): if $a == $b then empty else "\($what): logs \($a), spans \($b)" end;
def near($what; $a; $b): if ($a - $b | fabs) < 1e-9 then empty else "\($what): logs \($a), spans \($b)" end;
[$requests[] | select(.signal == "logs") | .items[]] as $logs
| ($spans | map({key: .span, value: .}) | from_entries) as $by
| [$spans[] | select(.name == "assistant-response")] as $answers
| [$spans[] | select(.name == "turn")] as $turns
| def logs($name): $logs[] | select(.body == $name);
  def of($name): [logs($name) | .spanId] | sort;
  def span_ids(f): [$spans[] | select(f) | .span] | sort;
( same("names"; [$logs[] | select(.body != .attributes["event.name"])] | length; 0),
  same("unknown names"; [$logs[].body] | unique - ["session.created", "session.idle", "session.error", "user_prompt", "api_request", "api_error", "tool_result",
                                                   "tool_decision", "commit", "subtask_invoked"]; []),
  same("session.created"; [logs("session.created") | select(.spanId) | .attributes["session.id"]] | sort; [$spans[].own_session] | unique),
  same("session.idle"; of("session.idle"); span_ids(.name == "turn")),
  same("user_prompt"; of("user_prompt"); span_ids(.name == "user-message")),
  same("api_request"; of("api_request"); span_ids(.name == "assistant-response" and .level == null)),
  same("api_error"; of("api_error"); span_ids(.name == "assistant-response" and .level != null)),
  same("tool_result"; of("tool_result"); span_ids(.type == "tool")),
  same("commit"; of("commit"); span_ids(.name == "commit")),
  same("session.error"; of("session.error"); span_ids((.name == "assistant-response" or .name == "error") and .level == "ERROR")),
  same("severity"; [$logs[] | select((.severityNumber == 17) != (.body | test("error")))] | length; 0),
  ($logs[] | select(.body != "session.created" or .spanId) | . as $log | $by[.spanId // ""] | if . == null then "\($log.body): no span \($log.spanId)" else
     same("\($log.body): trace"; $log.traceId; .trace), same("\($log.body): session"; $log.attributes["session.id"]; .own_session) end),
  (logs("api_request") | . as $log | $by[.spanId] | same("tokens of \(.span)"; $log | log_tokens; .usage | tokens),
     near("cost of \(.span)"; $log.attributes.cost_usd; .cost | tonumber), same("duration"; $log.attributes.duration_ms; .end - .start)),
  (logs("tool_result") | . as $log | $by[.spanId] | same("success of \(.span)"; $log.attributes.success; .metadata.status == "completed"),
     same("tool"; "tool-" + $log.attributes.tool_name; .name), same("duration"; $log.attributes.duration_ms; .end - .start)),
  (logs("tool_decision") | same("decision"; .attributes.decision; if .attributes.source == "user_reject" then "reject" else "accept" end)),
  ([logs("session.idle")] | group_by(.attributes["session.id"])[] | max_by([.attributes.total_messages, .timeUnixNano]) | .attributes as $a
     | [$answers[] | select(.own_session == $a["session.id"])] as $own
     | select(([$turns[] | select(.own_session == $a["session.id"])] | length) == ([logs("session.idle") | select(.attributes["session.id"] == $a["session.id"])] | length))
     | same("total_messages"; $a.total_messages; $own | length), same("total_tokens"; $a.total_tokens; [$own[].usage | tokens] | add // 0),
       near("total_cost_usd"; $a.total_cost_usd; [$own[].cost | tonumber] | add // 0)) )
