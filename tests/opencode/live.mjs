/*
 * The real OpenCode under scripted scenarios, with one daemon and one receiver for each channel, all at the same time.
 *   node live.mjs --opencode FILE --lfspool FILE --plugin FILE --out DIR [--channels a,b] [SCENARIO...]
 * Leaves DIR/SCENARIO/{export.json,truth.json} and DIR/CHANNEL/{observations.jsonl,sink.out,daemon.err}. What a scenario must give is
 * counted in OpenCode's own export alone.
 */
import assert from "node:assert"
import fs from "node:fs"
import path from "node:path"
import { execFileSync, spawn, spawnSync } from "node:child_process"
import { parseArgs } from "node:util"
import { Server, environment, freePort, prepare, until } from "./opencode.mjs"
import { startModel } from "./scripted.mjs"
import { alone, scripts, signals, together } from "./scenarios.mjs"

const { values: option, positionals } = parseArgs({ allowPositionals: true, options: Object.fromEntries(
  ["opencode", "lfspool", "plugin", "out", "channels"].map((name) => [name, { type: "string" }])) })
const out = path.resolve(option.out), home = out + "/home"
const lfspool = path.resolve(option.lfspool), pluginFile = path.resolve(option.plugin)
const channelNames = (option.channels || "database,server,plugin,all").split(",")
const wanted = (name) => !positionals.length || positionals.includes(name)

/* A daemon that gets one channel (or all), and its receiver. */
class Channel {
  constructor(name, url) {
    const has = (what) => name === what || name === "all"
    this.name = name
    this.dir = `${out}/${name}`
    fs.mkdirSync(this.dir, { recursive: true })
    this.env = { PATH: process.env.PATH, HOME: this.dir, XDG_DATA_HOME: home + "/.local/share", LFSPOOL_SPOOL_DIR: this.dir + "/spool",
      LFSPOOL_LANGFUSE_PUBLIC_KEY: "test-public", LFSPOOL_LANGFUSE_SECRET_KEY: "test-value", LFSPOOL_FLUSH_INTERVAL: "500ms", LFSPOOL_LOOKUP_DELAY: "1s",
      LFSPOOL_SOURCES: has("database") ? "opencode" : "none", ...(has("server") ? { LFSPOOL_OPENCODE_URL: url } : {}) }
    this.observations = this.dir + "/observations.jsonl"
  }

  run(args, file) {
    const log = fs.openSync(`${this.dir}/${file}`, "a")
    const child = spawn(lfspool, args, { env: this.env, stdio: ["ignore", log, log] })
    fs.closeSync(log)
    return child
  }

  command = (...args) => spawnSync(lfspool, args, { env: this.env, encoding: "utf8" })
  has = (word) => fs.existsSync(this.observations) && fs.readFileSync(this.observations, "utf8").includes(word)

  async listen() {
    this.sink = this.run(["sink", "--profile", "v4", "--for", "900", "--out", this.observations], "sink.out")
    this.env.LFSPOOL_LANGFUSE_HOST = await until("the receiver", () => /listening on (\S+)/.exec(fs.readFileSync(this.dir + "/sink.out", "utf8"))?.[1])
  }

  async start() {
    this.daemon = this.run(["run"], "daemon.err")
    await until(`the daemon of ${this.name}`, () => JSON.parse(this.command("status", "--json").stdout || "{}").pid === this.daemon.pid)
  }

  async stop(what, signal) {
    const child = this[what]
    this[what] = null
    if (!child || child.exitCode !== null || child.signalCode) return
    const ended = new Promise((resolve) => child.once("exit", resolve))
    child.kill(signal)
    await ended
  }

  /* What is not in the database is lost on those who do not listen yet. */
  async listens() {
    const said = () => fs.readFileSync(this.dir + "/daemon.err", "utf8").includes('"event":"server.state","url":"' + this.env.LFSPOOL_OPENCODE_URL + '","state":"ok"')
    if (this.env.LFSPOOL_OPENCODE_URL) await until(`${this.name} to listen to OpenCode`, said, 120)
  }

  /* All that is on the disk has been read. */
  async caughtUp() {
    if (this.env.LFSPOOL_SOURCES !== "none") await until(`${this.name} to have read the database`, () => this.command("backfill", "--dry-run", "--json").status === 3)
  }
}

const add = (into, from) => { for (const [key, n] of Object.entries(from)) into[key] = (into[key] || 0) + n }

function countSession({ info, messages }) {
  const s = { id: info.id, userMessages: 0, assistantMessages: 0, generations: 0, compactions: 0, copiedMessages: 0, unfinishedMessages: 0, toolCalls: {},
    errors: {}, tokens: { input: 0, output: 0, reasoning: 0, cacheRead: 0, cacheWrite: 0 }, cost: 0 }
  for (const { info: m, parts } of messages) {
    s.copiedMessages += m.time.created < info.time.created
    if (m.role === "user") s.userMessages++
    else {
      s.assistantMessages++
      s.generations += !!m.error || parts.some((part) => part.type === "step-start")
      s.compactions += m.summary === true
      s.unfinishedMessages += !m.time.completed
      if (m.error) add(s.errors, { [m.error.name]: 1 })
      add(s.tokens, { input: m.tokens.input, output: m.tokens.output, reasoning: m.tokens.reasoning, cacheRead: m.tokens.cache.read, cacheWrite: m.tokens.cache.write })
      s.cost += m.cost
    }
    for (const part of parts) if (part.type === "tool") add(s.toolCalls[part.tool] ||= {}, { [part.state.status]: 1 })
  }
  return s
}

/* In the form that tests/t/truth.jq reads. */
function truthOf(scenario, exports) {
  const sessions = exports.map(countSession)
  const totals = { sessions: sessions.length, toolCalls: {}, errors: {}, tokens: {} }
  for (const s of sessions) {
    for (const [key, value] of Object.entries(s)) if (typeof value === "number") add(totals, { [key]: value })
    for (const [tool, states] of Object.entries(s.toolCalls)) add(totals.toolCalls[tool] ||= {}, states)
    add(totals.errors, s.errors)
    add(totals.tokens, s.tokens)
  }
  return { scenario, sessions, totals, signals: signals[scenario] }
}

async function withSubagents(server, ids) {
  const all = [...ids]
  for (const id of all) for (const child of await server.ask("GET", `/session/${id}/children`).catch(() => [])) all.push(child.id)
  return all
}

fs.mkdirSync(out, { recursive: true })
const url = `http://127.0.0.1:${await freePort()}`, port = Number(new URL(url).port)
const channels = channelNames.map((name) => new Channel(name, url))
const socket = (name) => `${out}/${name}/spool/control.sock`
/* The plugin knows one daemon; the second one gets a copy of its own. */
const copy = home + "/all.mjs"
const model = await startModel(scripts(home + "/demo"))
const demo = prepare(home, option.opencode, model.url, [pluginFile, copy])
fs.writeFileSync(copy, `import { LfspoolPlugin } from ${JSON.stringify(pluginFile)}
export default async (input) => { process.env.LFSPOOL_SOCKET = ${JSON.stringify(socket("all"))}; const hooks = LfspoolPlugin(input); delete process.env.LFSPOOL_SOCKET; return hooks }\n`)
const server = new Server({ program: path.resolve(option.opencode), home, demo, port, env: { LFSPOOL_SPOOL_DIR: `${out}/plugin/spool` } })
const kept = {}
const world = {
  keep: async (id) => { kept[id] = await server.exported(id) },
  arrived: (id) => Promise.all(channels.map((channel) => until(`${id} through ${channel.name}`, () => channel.has(`"name":"turn","source":"opencode","session":"${id}"`)))),
  killDaemons: () => Promise.all(channels.map((channel) => channel.stop("daemon", "SIGKILL"))),
  startDaemons: () => Promise.all(channels.map((channel) => channel.start())),
}

async function play(name, scenario) {
  const start = Date.now(), ids = await scenario(server, world)
  console.error(`${name}: ${Date.now() - start} ms`)
  return [name, ids]
}

async function main() {
  for (const channel of channels) await channel.listen()
  await world.startDaemons()
  await server.start()
  await Promise.all(channels.map((channel) => channel.listens()))
  const played = await Promise.all(Object.entries(together).filter(([name]) => wanted(name)).map(([name, run]) => play(name, run)))
  for (const [name, run] of Object.entries(alone)) if (wanted(name)) played.push(await play(name, run))
  const [, last] = await play("last", together.plain) /* streams are in order: behind this one nothing is under way */
  await world.arrived(last[0])
  for (const [name, ids] of played) {
    const exports = []
    for (const id of await withSubagents(server, ids)) exports.push(kept[id] || await server.exported(id))
    fs.mkdirSync(`${out}/${name}`, { recursive: true })
    fs.writeFileSync(`${out}/${name}/export.json`, exports.map((e) => JSON.stringify(e) + "\n").join(""))
    fs.writeFileSync(`${out}/${name}/truth.json`, JSON.stringify(truthOf(name, exports), null, 1) + "\n")
  }
  /* REST and the command line tell the same. */
  const printed = execFileSync(server.program, ["export", last[0]], { cwd: demo, env: environment(home), stdio: ["ignore", "pipe", "ignore"] })
  assert.deepEqual(JSON.parse(printed), await server.exported(last[0]))
  for (const channel of channels) await channel.caughtUp()
  await server.stop()
  for (const channel of channels) {
    await channel.stop("daemon", "SIGTERM")
    const flush = channel.command("flush", "--set", "stale_after=0s", "--set", "sources=none", "--set", "opencode_url=")
    if (flush.status !== 0) throw new Error(`${channel.name}: flush ${flush.status}: ${flush.stderr}`)
    await channel.stop("sink", "SIGTERM")
  }
}

try {
  await main()
} finally {
  for (const channel of channels) for (const what of ["daemon", "sink"]) channel[what]?.kill("SIGKILL")
  for (const name of Object.keys(alone)) fs.writeFileSync(`${home}/gate-${name}`, "")
  await server.stop("SIGKILL")
  model.close()
}
