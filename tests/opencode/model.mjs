// A model that plays parts: speaks the chat completions that OpenCode asks for. "play NAME" in the newest prompt that has one picks the
// part; how many answers stand behind that prompt picks the step. node model.mjs prints its port.
import http from "node:http";

const bash = (command) => ({ name: "bash", input: { command, description: command } });
const task = (description) => ({ name: "task", input: { description, prompt: "play child", subagent_type: "general" } });
const parts = {
	plain: [{ say: "Forty-two." }],
	parallel: [
		{ think: "Look first.", say: "Three at once.", call: [bash("echo one; sleep 0.2"), { name: "glob", input: { pattern: "*.txt" } }, bash("exit 3")] },
		{ say: "All three are done." },
	],
	agents: [{ call: [task("first look"), task("second look")] }, { say: "Both are back." }],
	child: [{ call: [bash("echo from a child")] }, { say: "Nothing to be seen." }],
	stuck: [{ say: "This takes long.", call: [bash("sleep 300")] }],
};

function next(request) {
	const text = (message) => (typeof message.content === "string" ? message.content : (message.content ?? []).map((part) => part.text ?? "").join(" "));
	const messages = request.messages ?? [];
	if (!request.tools?.length) return { say: "A part is played" }; // the title
	for (let i = messages.length - 1; i >= 0; i--) {
		const name = messages[i].role === "user" && /play (\w+)/.exec(text(messages[i]))?.[1];
		if (!name) continue;
		const steps = parts[name] ?? parts.plain, answers = messages.slice(i).filter((m) => m.role === "assistant").length;
		return steps[Math.min(answers, steps.length - 1)];
	}
	return parts.plain[0];
}

let answers = 0;
const server = http.createServer(async (request, response) => {
	let body = "";
	for await (const chunk of request) body += chunk;
	const asked = JSON.parse(body), step = next(asked), id = ++answers;
	response.writeHead(200, { "content-type": "text/event-stream" });
	const send = (choices, usage) => response.write(`data: ${JSON.stringify({ id: `answer-${id}`, object: "chat.completion.chunk", created: 1, model: asked.model, choices, ...(usage && { usage }) })}\n\n`);
	const piece = (delta, finish_reason = null) => send([{ index: 0, delta, finish_reason }]);
	piece({ role: "assistant", content: "" });
	for (const word of step.think?.split(/(?= )/) ?? []) piece({ reasoning_content: word });
	for (const word of step.say?.split(/(?= )/) ?? []) piece({ content: word });
	step.call?.forEach((call, index) => piece({ tool_calls: [{ index, id: `call_${id}_${index}`, type: "function", function: { name: call.name, arguments: JSON.stringify(call.input) } }] }));
	piece({}, step.call ? "tool_calls" : "stop");
	send([], { prompt_tokens: 100 + id, completion_tokens: 10 + id, total_tokens: 110 + 2 * id });
	response.end("data: [DONE]\n\n");
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
