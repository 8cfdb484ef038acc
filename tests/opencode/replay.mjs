/*
 * An OpenCode server that plays a recorded session: the live stream, the lists that lfspool reads, and their weaknesses.
 * node replay.mjs FOLDER [key=value…]
 *   live=FROM-TO      which events of sse.jsonl go out over the stream (first-last, from 0); the rest happened while nobody listened
 *   cut=N             ends the stream cleanly after N events; the next connection goes on behind them
 *   half=1            cuts in the middle of an event instead
 *   garbage=N         the first N connections get a page of HTML
 *   password=P        HTTP Basic, user opencode
 *   schema=1          lists of messages fail with 400, as after an output format
 *   old=1             there is no /global/event and no /experimental/session
 *   page=N            messages on a page
 * Prints its address, then a line for each request.
 */
import fs from "node:fs"
import http from "node:http"

const folder = process.argv[2]
const option = Object.fromEntries(process.argv.slice(3).map((word) => word.split("=")))
const events = fs.readFileSync(folder + "/sse.jsonl", "utf8").split("\n").filter(Boolean)
const exported = fs.readFileSync(folder + "/export.json", "utf8")
const sessions = fs.readdirSync(folder).filter((name) => /^export.*\.json$/.test(name)).sort()
  .map((name) => JSON.parse(fs.readFileSync(folder + "/" + name, "utf8")))
const [from, to] = (option.live || `0-${events.length}`).split("-").map(Number)
let next = from, garbage = Number(option.garbage || 0)
void exported

function stream(response, wrap) {
  response.writeHead(200, { "content-type": "text/event-stream" })
  response.write(`data: ${JSON.stringify(wrap({ id: "evt_0", type: "server.connected", properties: {} }))}\n\n`)
  let sent = 0
  const timer = setInterval(() => {
    if (next >= to || next >= events.length) return clearInterval(timer)
    const line = `data: ${JSON.stringify(wrap(JSON.parse(events[next])))}\r\n\r\n`
    if (option.cut && sent === Number(option.cut)) {
      clearInterval(timer)
      option.cut = undefined
      if (option.half) response.write(line.slice(0, line.length >> 1), () => response.destroy())
      else response.end()
      return
    }
    /* In two pieces, so that a line is read in halves. */
    response.write(line.slice(0, 7))
    response.write(line.slice(7))
    next++
    sent++
  }, 2)
  response.on("close", () => clearInterval(timer))
}

function list(response, items, query, cursorOf) {
  const limit = Number(query.get("limit") || 1e9)
  const before = query.get("before") || query.get("cursor")
  const rest = before ? items.filter((item) => cursorOf(item) < Number(before)) : items
  const page = rest.slice(0, limit)
  const headers = { "content-type": "application/json" }
  if (rest.length > limit) headers["x-next-cursor"] = String(cursorOf(page.at(-1)))
  response.writeHead(200, headers).end(JSON.stringify(page))
}

function answer(request, response, body) {
  const url = new URL(request.url, "http://x"), path = url.pathname
  console.log(request.method, request.url)
  if (option.password && request.headers.authorization !== "Basic " + Buffer.from("opencode:" + option.password).toString("base64"))
    return response.writeHead(401, { "www-authenticate": 'Basic realm="Secure Area"' }).end()
  if (path === "/global/event" && !option.old) {
    if (garbage-- > 0) return response.writeHead(200, { "content-type": "text/html" }).end("<html>\n\ndata: {\"half\n\n</html>\n")
    return stream(response, (payload) => ({ directory: "/home/dev/src/demo", payload }))
  }
  if (path === "/event" && option.old) return stream(response, (payload) => payload)
  if ((path === "/experimental/session" && !option.old) || path === "/session")
    return list(response, sessions.map((s) => s.info).sort((a, b) => b.time.updated - a.time.updated), url.searchParams, (s) => s.time.updated)
  const match = /^\/session\/([^/]+)\/message$/.exec(path)
  const session = match && sessions.find((s) => s.info.id === match[1])
  if (session && option.schema) return response.writeHead(400, { "content-type": "application/json" }).end('{"name":"BadRequest"}')
  if (session) {
    if (option.page) url.searchParams.set("limit", option.page)
    return list(response, [...session.messages].sort((a, b) => b.info.time.created - a.info.time.created), url.searchParams, (m) => m.info.time.created)
  }
  if (path === "/sync/history" && request.method === "POST") {
    const known = JSON.parse(body)
    const rows = events.map((line) => JSON.parse(line)).filter((e) => /^(session\.(created|updated)|message\.(updated|removed)|message\.part\.(updated|removed))$/.test(e.type))
      .map((e, seq) => ({ id: e.id, aggregate_id: e.properties.sessionID, seq, type: e.type + ".1", data: e.properties }))
      .filter((row) => row.seq > (known[row.aggregate_id] ?? -1))
    return response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(rows))
  }
  response.writeHead(404).end()
}

const server = http.createServer(async (request, response) => {
  let body = ""
  for await (const piece of request) body += piece
  answer(request, response, body)
})
server.listen(0, "127.0.0.1", () => console.log(`listening on http://127.0.0.1:${server.address().port}`))
setTimeout(() => process.exit(0), 120000).unref()
