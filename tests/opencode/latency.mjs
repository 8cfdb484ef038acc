/*
 * How long OpenCode itself takes from a word of the model to its event, and for a turn, without the plugin and with it: beside a daemon
 * that runs, was stopped, hangs, or was never there. All five in turns, so that what else the machine does hits all alike.
 *   node latency.mjs --opencode FILE --lfspool FILE --plugin FILE [--rounds 12]
 */
import fs from "node:fs"
import http from "node:http"
import os from "node:os"
import path from "node:path"
import { spawn } from "node:child_process"
import { parseArgs } from "node:util"
import { Server, freePort, prepare, sleep, until } from "./opencode.mjs"
import { startModel } from "./scripted.mjs"

const { values: option } = parseArgs({ options: Object.fromEntries(["opencode", "lfspool", "plugin", "rounds"].map((name) => [name, { type: "string" }])) })
const cases = [
  { name: "no plugin", plugins: [] },
  { name: "daemon runs", daemon: true },
  { name: "daemon stopped", daemon: true, then: "SIGTERM" },
  { name: "daemon hangs", daemon: true, then: "SIGSTOP" },
  { name: "no daemon" },
]
const root = fs.mkdtempSync(path.join(os.tmpdir(), "lfspool-latency-"))
const model = await startModel({ words: [
  { stamps: 60, tools: [["glob", { pattern: "*.md" }], ["todowrite", { todos: [] }]], usage: [900, 70] }, { stamps: 60, usage: [1000, 70, 896] }] })

function startDaemon(c) {
  const env = { PATH: process.env.PATH, HOME: c.home, LFSPOOL_SPOOL_DIR: c.spool, LFSPOOL_SOURCES: "none" }
  c.process = spawn(path.resolve(option.lfspool), ["run"], { env, stdio: "ignore" })
  return until("the daemon", () => fs.existsSync(c.spool + "/control.sock"))
}

/* Takes the time of every word as its event comes in. */
function listen(c) {
  let rest = ""
  c.words = []
  http.get(c.server.url + "/global/event", (response) => response.setEncoding("utf8").on("data", (piece) => {
    const now = Date.now(), lines = (rest + piece).split("\n")
    rest = lines.pop()
    for (const line of lines) if (line.includes('"message.part.delta"')) for (const [, sent] of line.matchAll(/@(\d+)/g)) c.words.push(now - Number(sent))
  }).on("error", () => {})).on("error", () => {})
}

async function begin(c) {
  c.home = path.join(root, c.name.replaceAll(" ", "-"))
  c.spool = c.home + "/spool"
  const demo = prepare(c.home, option.opencode, model.url, c.plugins ?? [path.resolve(option.plugin)])
  if (c.daemon) await startDaemon(c)
  c.server = new Server({ program: path.resolve(option.opencode), home: c.home, demo, port: await freePort(), env: { LFSPOOL_SPOOL_DIR: c.spool } })
  await c.server.start()
  c.turns = []
  c.session = (await c.server.create({ title: "Latency" })).id
  await c.server.prompt(c.session, "[[words]] warm up") /* the plugin has its connection now */
  if (c.then) c.process.kill(c.then)
  listen(c)
}

const at = (list, q) => [...list].sort((a, b) => a - b)[Math.min(list.length - 1, Math.floor(list.length * q))]

try {
  for (const c of cases) await begin(c)
  await sleep(1000)
  for (let round = 0; round < Number(option.rounds || 12); round++) {
    for (const c of cases) {
      const start = performance.now()
      await c.server.prompt(c.session, `[[words]] ${round}`)
      c.turns.push(performance.now() - start)
    }
  }
  await sleep(200)
  console.log("ms".padEnd(16) + "events  p50  p99   turns   p50   p99")
  for (const { name, words, turns } of cases)
    console.log(name.padEnd(16) + [[words.length, 6], [at(words, 0.5), 5], [at(words, 0.99), 5], [turns.length, 8],
      [Math.round(at(turns, 0.5)), 6], [Math.round(at(turns, 0.99)), 6]].map(([n, width]) => String(n).padStart(width)).join(""))
} finally {
  for (const c of cases) {
    c.process?.kill("SIGKILL")
    await c.server?.stop("SIGKILL")
  }
  model.close()
  fs.rmSync(root, { recursive: true, force: true, maxRetries: 5 })
}
process.exit(0)
