/*
 * A scripted model: an OpenAI-compatible chat-completions server on loopback. A prompt that contains [[NAME]] starts the script
 * NAME; the answers since then say which of its steps comes next. A step:
 *   text, reasoning   streamed in pieces
 *   tools             [[name, arguments], ...]
 *   usage             [prompt, completion, cached, reasoning] tokens
 *   failures          so many tries get HTTP 500 first
 *   hold              go on streaming until the caller hangs up
 *   stamps            so many words, 5 ms apart, each the time at which it was sent
 * Titles and summaries are answered without a script. Alone: node scripted.mjs PROJECT
 */
import http from "node:http"
import { pathToFileURL } from "node:url"

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const textOf = (content) => typeof content === "string" ? content : (content || []).map((part) => part.text || "").join("\n")
const halves = (text) => [text.slice(0, text.length / 2), text.slice(text.length / 2)].filter(Boolean)

function chosen(request, scripts) {
  const messages = request.messages || []
  if (messages.some((m) => m.role === "system" && /title generator/i.test(textOf(m.content))))
    return { kind: "title", step: { text: "A scripted title", usage: [150, 5] } }
  if (!(request.tools || []).length)
    return { kind: "summary", step: { text: "## Goal\n- A summary.\n", usage: [2400, 40] } }
  for (let i = messages.length - 1; i >= 0; i--) {
    const name = messages[i].role === "user" && /\[\[([\w-]+)\]\]/.exec(textOf(messages[i].content))?.[1]
    if (!name) continue
    const done = messages.slice(i).filter((m) => m.role === "assistant").length
    const steps = scripts[name]
    return { kind: `${name} ${done}`, step: steps[Math.min(done, steps.length - 1)] }
  }
  return { kind: "unscripted", step: { text: "Hello.", usage: [100, 3] } }
}

async function answer(request, step, id, res) {
  const [prompt, completion, cached = 0, reasoning = 0] = step.usage
  const base = { id: "chatcmpl-" + id, object: "chat.completion.chunk", created: Math.floor(Date.now() / 1000), model: request.model }
  const send = (more) => res.write(`data: ${JSON.stringify({ ...base, ...more })}\n\n`)
  const delta = (piece, finish_reason = null) => send({ choices: [{ index: 0, delta: piece, finish_reason }] })
  res.writeHead(200, { "content-type": "text/event-stream" })
  delta({ role: "assistant", content: "" })
  for (const piece of halves(step.reasoning || "")) delta({ reasoning_content: piece })
  for (const piece of halves(step.text || "")) delta({ content: piece })
  while (step.hold && !res.destroyed) {
    await sleep(50)
    delta({ content: " and on" })
  }
  for (let i = 0; i < (step.stamps || 0); i++) {
    await sleep(5)
    delta({ content: `@${Date.now()} ` })
  }
  for (const [index, [name, args]] of (step.tools || []).entries()) {
    delta({ tool_calls: [{ index, id: `call_${id}_${index}`, type: "function", function: { name, arguments: "" } }] })
    for (const piece of halves(JSON.stringify(args))) delta({ tool_calls: [{ index, function: { arguments: piece } }] })
  }
  delta({}, step.tools ? "tool_calls" : "stop")
  send({ choices: [], usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached }, completion_tokens_details: { reasoning_tokens: reasoning } } })
  res.end("data: [DONE]\n\n")
}

/* Returns { url, asked: {kind: times}, close() }. */
export async function startModel(scripts, port = 0) {
  const asked = {}
  let count = 0
  const server = http.createServer(async (req, res) => {
    let body = ""
    for await (const piece of req) body += piece
    if (!req.url.endsWith("/chat/completions")) return res.writeHead(404).end("{}")
    const request = JSON.parse(body)
    const { kind, step } = chosen(request, scripts)
    asked[kind] = (asked[kind] || 0) + 1
    if (asked[kind] <= (step.failures || 0))
      return res.writeHead(500, { "content-type": "application/json" }).end('{"error":{"message":"scripted failure","type":"server_error"}}')
    await answer(request, step, ++count, res)
  })
  await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve))
  return { url: `http://127.0.0.1:${server.address().port}`, asked, close: () => { server.closeAllConnections(); server.close() } }
}

if (import.meta.url === pathToFileURL(process.argv[1] || "").href) {
  const { scripts } = await import("./scenarios.mjs")
  console.log((await startModel(scripts(process.argv[2] || process.cwd()))).url)
}
