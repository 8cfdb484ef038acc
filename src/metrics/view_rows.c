/* The table of metrics: one row is all that is known of one. Names, units and attributes are those of the exporters that they are named after. */
#include "metrics/view_rows.h"

#define OPENCODE "opencode", NULL
#define EXPORTER "exporter", "opencode."
#define GEN_AI "gen_ai", "gen_ai."
#define CLAUDE "claude_code", "claude_code."
#define OWN NULL, "lfspool."
#define MODEL "model=model agent=agent"
#define CALL "gen_ai.operation.name:chat gen_ai.provider.name=provider gen_ai.request.model=model"

const struct view_row view_rows[] = {
	{ OPENCODE, "session.count", "{session}", "Sessions that were begun.", METRIC_SUM, FACT_SESSIONS, NULL, "is_subagent=is_subagent?true", NULL, 0, NULL },
	{ OPENCODE, "token.usage", "tokens", "Tokens of finished answers.", METRIC_SUM, FACT_TOKENS, NULL, MODEL " type=type", NULL, 0, NULL },
	{ OPENCODE, "cost.usage", "USD", "Price of finished answers.", METRIC_SUM, FACT_COST, NULL, MODEL, NULL, 0, NULL },
	{ OPENCODE, "lines_of_code.count", "{line}", "Lines that were added or removed.", METRIC_SUM, FACT_LINES, NULL, "type=type", NULL, 0, NULL },
	{ OPENCODE, "lines_of_code.total", "{line}", "Lines that the turns changed, as they stand now.", METRIC_GAUGE, FACT_LINES_NOW, NULL, "type=type", NULL, 0, NULL },
	{ OPENCODE, "commit.count", "{commit}", "Commands that made a git commit.", METRIC_SUM, FACT_COMMITS, NULL, "", NULL, 0, NULL },
	{ OPENCODE, "tool.duration", "ms", "How long calls of tools took.", METRIC_HISTOGRAM, FACT_TOOL_MS, NULL, "tool_name=tool success=status?completed", NULL, 0, NULL },
	{ OPENCODE, "cache.count", "{request}", "Answers that read or wrote the prompt cache.", METRIC_SUM, FACT_CACHE, NULL, MODEL " type=type", NULL, 0, NULL },
	{ OPENCODE, "session.duration", "ms", "How long turns of sessions took.", METRIC_HISTOGRAM, FACT_TURN_MS, NULL, "", NULL, 0, NULL },
	{ OPENCODE, "message.count", "{message}", "Finished answers.", METRIC_SUM, FACT_MESSAGES, NULL, MODEL, "role=assistant", 0, NULL },
	{ OPENCODE, "session.token.total", "tokens", "Tokens of turns of sessions.", METRIC_HISTOGRAM, FACT_TURN_TOKENS, NULL, "", NULL, 0, NULL },
	{ OPENCODE, "session.cost.total", "USD", "Price of turns of sessions.", METRIC_HISTOGRAM, FACT_TURN_COST, NULL, "", NULL, 0, NULL },
	{ OPENCODE, "model.usage", "{request}", "Finished answers, by model and provider.", METRIC_SUM, FACT_MESSAGES, NULL, "model=model provider=provider agent=agent", "role=assistant", 0, NULL },
	{ OPENCODE, "retry.count", "{retry}", "Requests that the agent tried again.", METRIC_SUM, FACT_RETRIES, NULL, "", NULL, 0, NULL },
	{ OPENCODE, "subtask.count", "{subtask}", "Sub-tasks that a prompt asked for.", METRIC_SUM, FACT_SUBTASKS, NULL, "agent=agent", NULL, 0, NULL },

	{ EXPORTER, "session.count", "1", "Sessions that were begun.", METRIC_SUM, FACT_SESSIONS, NULL, "", NULL, 0, "opencode" },
	{ EXPORTER, "message.count", "1", "Messages.", METRIC_SUM, FACT_MESSAGES, NULL, "role=role model=model provider=provider", NULL, 0, "opencode" },
	{ EXPORTER, "token.usage", "tokens", "Tokens of finished answers.", METRIC_SUM, FACT_TOKENS, NULL, "type=type model=model provider=provider", NULL, 0, "opencode" },
	{ EXPORTER, "tool.usage", "1", "Calls of tools.", METRIC_SUM, FACT_TOOL_MS, NULL, "tool=tool status=status", NULL, 0, NULL },
	{ EXPORTER, "error.count", "1", "Answers that ended with an error.", METRIC_SUM, FACT_ERRORS, NULL, "type=type", NULL, 0, NULL },

	{ GEN_AI, "client.token.usage", "{token}", "Tokens of a request.", METRIC_HISTOGRAM, FACT_CALL_TOKENS, NULL, CALL " gen_ai.token.type=type", NULL, 0, NULL },
	{ GEN_AI, "client.operation.duration", "s", "How long requests took.", METRIC_HISTOGRAM, FACT_CALL_MS, NULL, CALL, NULL, 0, NULL },
	{ GEN_AI, "execute_tool.duration", "s", "How long calls of tools took.", METRIC_HISTOGRAM, FACT_TOOL_MS, NULL, "gen_ai.operation.name:execute_tool gen_ai.tool.name=tool", NULL, 0.001, NULL },
	{ GEN_AI, "invoke_agent.duration", "s", "How long turns took.", METRIC_HISTOGRAM, FACT_TURN_MS, NULL, "gen_ai.operation.name:invoke_agent", NULL, 0.001, NULL },

	{ CLAUDE, "session.count", "", "Sessions that were begun.", METRIC_SUM, FACT_SESSIONS, NULL, "", NULL, 0, NULL },
	{ CLAUDE, "lines_of_code.count", "", "Lines that were added or removed.", METRIC_SUM, FACT_LINES, NULL, "type=type", NULL, 0, NULL },
	{ CLAUDE, "commit.count", "", "Commands that made a git commit.", METRIC_SUM, FACT_COMMITS, NULL, "", NULL, 0, NULL },
	{ CLAUDE, "pull_request.count", "", "Commands that opened a pull request.", METRIC_SUM, FACT_PULL_REQUESTS, NULL, "", NULL, 0, NULL },
	{ CLAUDE, "code_edit_tool.decision", "", "Answers to requests for a change of files.", METRIC_SUM, FACT_DECISIONS, NULL, "tool_name=tool decision=decision source=origin", "tool=edit", 0, NULL },
	{ CLAUDE, "cost.usage", "USD", "Price of finished answers.", METRIC_SUM, FACT_COST, NULL, "model=model", NULL, 0, NULL },
	{ CLAUDE, "token.usage", "tokens", "Tokens of finished answers.", METRIC_SUM, FACT_TOKENS, NULL, "type=type model=model", NULL, 0, NULL },
	{ CLAUDE, "active_time.total", "s", "Time in which turns were worked on.", METRIC_SUM, FACT_TURN_MS, NULL, "type:cli", NULL, 0.001, NULL },

	{ OWN, "flush.duration", "ms", "How long requests to Langfuse took.", METRIC_HISTOGRAM, FACT_FLUSH_MS, NULL, "", NULL, 0, NULL },
	{ OWN, "ingest.duration", "ms", "How long records waited until they were written.", METRIC_HISTOGRAM, FACT_INGEST_MS, NULL, "", NULL, 0, NULL },
	{ OWN, "records", "{record}", "Records that were stored.", METRIC_SUM, -1, "records", "source", NULL, 0, NULL },
	{ OWN, "delivered", "{observation}", "Observations that the server has taken.", METRIC_SUM, -1, "delivered", "sink", NULL, 0, NULL },
	{ OWN, "retries", "{request}", "Requests that will be sent again.", METRIC_SUM, -1, "retries", "sink", NULL, 0, NULL },
	{ OWN, "dropped", "{record}", "What was dropped on purpose.", METRIC_SUM, -1, "dropped", "reason", NULL, 0, NULL },
	{ OWN, "redacted", "{secret}", "What was taken out, by rule.", METRIC_SUM, -1, "redacted", "rule", NULL, 0, NULL },
	{ OWN, "metrics.series", "{series}", "Series of the agents, by what is counted.", METRIC_GAUGE, -1, "series", "fact", NULL, 0, NULL },
	{ OWN, "metrics.overflow", "{amount}", "What was counted without names, as there were too many series.", METRIC_SUM, -1, "metrics_overflow", "fact", NULL, 0, NULL },
	{ OWN, "metrics.exports", "{request}", "Exports of metrics, by how they ended.", METRIC_SUM, -1, "metrics_exports", "result", NULL, 0, NULL },
	{ OWN, "metrics.rejected", "{point}", "Points that a collector refused.", METRIC_SUM, -1, "metrics_rejected", "reason", NULL, 0, NULL },
};
const unsigned view_row_count = sizeof view_rows / sizeof view_rows[0];
