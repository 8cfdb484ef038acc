/*
 * A world for the real OpenCode: a home, a project, a configuration that knows only a scripted model; a server to start, kill and ask.
 * Alone, it prepares such a home and prints the words that run a program in it: node opencode.mjs HOME OPENCODE MODEL-URL [PLUGIN...]
 */
import fs from "node:fs"
import net from "node:net"
import path from "node:path"
import { execFileSync, spawn } from "node:child_process"
import { pathToFileURL } from "node:url"

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/* What `ask` returns, as soon as it is something. */
export async function until(what, ask, seconds = 180) {
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await sleep(100)) {
    const found = await ask()
    if (found) return found
  }
  throw new Error("waited in vain: " + what)
}

export const freePort = () => new Promise((resolve) => {
  const server = net.createServer().listen(0, "127.0.0.1", () => {
    const { port } = server.address()
    server.close(() => resolve(port))
  })
})

export const environment = (home, more = {}) => ({
  HOME: home, PATH: "/usr/local/bin:/usr/bin:/bin", LANG: "C.UTF-8", TERM: "xterm-256color", TZ: "UTC", SHELL: "/bin/sh",
  XDG_DATA_HOME: home + "/.local/share", XDG_CONFIG_HOME: home + "/.config", XDG_STATE_HOME: home + "/.local/state",
  XDG_CACHE_HOME: home + "/.cache", GIT_CONFIG_NOSYSTEM: "1", OPENCODE_DISABLE_AUTOUPDATE: "1", OPENCODE_DISABLE_MODELS_FETCH: "1",
  OPENCODE_DISABLE_LSP_DOWNLOAD: "1", OPENCODE_DISABLE_SHARE: "1", ...more,
})

const cost = { input: 3, output: 15, cache_read: 0.3, cache_write: 3.75 }
const configuration = (model, plugins) => ({
  $schema: "https://opencode.ai/config.json", autoupdate: false, share: "disabled", model: "scripted/large", small_model: "scripted/small",
  enabled_providers: ["scripted"], plugin: plugins.map((file) => pathToFileURL(file).href),
  provider: { scripted: { npm: "@ai-sdk/openai-compatible", name: "Scripted model", options: { baseURL: model + "/v1", apiKey: "none" }, models: {
    large: { name: "Large", reasoning: true, tool_call: true, limit: { context: 128000, output: 8192 }, cost, interleaved: { field: "reasoning_content" } },
    small: { name: "Small", tool_call: true, limit: { context: 32000, output: 4096 }, cost: { input: 0.25, output: 1.25 } } } } },
  permission: { bash: { "*": "allow", "touch *": "ask" }, task: "allow" },
  subagent_depth: 2,
  agent: { delegate: { mode: "subagent", description: "Hands its work on", permission: { task: "allow" } } },
})

/* What OpenCode would fetch by itself, where it was installed with it. */
function linkPackages(home, program) {
  const from = path.resolve(path.dirname(program), ".."), to = home + "/.config/opencode/node_modules"
  const { version } = JSON.parse(fs.readFileSync(from + "/opencode-ai/package.json", "utf8"))
  fs.writeFileSync(home + "/.config/opencode/package.json", JSON.stringify({ dependencies: { "@opencode-ai/plugin": version } }))
  fs.mkdirSync(to, { recursive: true })
  for (const name of fs.readdirSync(from)) if (!name.startsWith(".")) fs.symlinkSync(`${from}/${name}`, `${to}/${name}`)
}

/* Makes the home and its project (HOME/demo) for a program in a node_modules/.bin; returns the project's folder. */
export function prepare(home, program, model, plugins = []) {
  const demo = home + "/demo"
  fs.mkdirSync(demo, { recursive: true })
  fs.mkdirSync(home + "/.config/opencode", { recursive: true })
  linkPackages(home, program)
  fs.writeFileSync(home + "/.config/opencode/opencode.json", JSON.stringify(configuration(model, plugins), null, 1))
  fs.writeFileSync(home + "/.gitconfig", "[user]\n\tname = Demo\n\temail = demo@example.invalid\n")
  fs.writeFileSync(demo + "/README.md", "# demo\nhello\n")
  for (const args of [["init", "-q"], ["add", "."], ["commit", "-q", "-m", "Start"]])
    execFileSync("git", args, { cwd: demo, env: environment(home), stdio: "ignore" })
  return demo
}

/* `opencode serve` on a port of its own that stays the same over restarts. */
export class Server {
  constructor({ program, home, demo, env = {}, port }) {
    Object.assign(this, { program, home, demo, port, env: environment(home, env), url: `http://127.0.0.1:${port}`, child: null })
  }

  async start() {
    /* What reaches it while it starts may never be answered, and now and then it does not come up at all. */
    for (let attempt = 1; !await this.comesUp(); attempt++) {
      if (attempt === 3) throw new Error("OpenCode does not start: " + fs.readFileSync(this.home + "/serve.log", "utf8").slice(-500))
      await this.stop("SIGKILL")
    }
    await this.ask("GET", "/session")
  }

  async comesUp() {
    const log = fs.openSync(this.home + "/serve.log", "a")
    this.child = spawn(this.program, ["serve", "--port", String(this.port)], { cwd: this.demo, env: this.env, stdio: ["ignore", log, log] })
    fs.closeSync(log)
    const answers = () => fetch(this.url + "/global/health", { signal: AbortSignal.timeout(2000) }).then((response) => response.ok, () => false)
    for (const end = Date.now() + 30000; Date.now() < end && this.child.exitCode === null; await sleep(100)) if (await answers()) return true
    return false
  }

  async stop(signal = "SIGTERM") {
    const child = this.child
    this.child = null
    if (!child || child.exitCode !== null || child.signalCode) return
    const ended = new Promise((resolve) => child.once("exit", resolve))
    child.kill(signal)
    const late = setTimeout(() => child.kill("SIGKILL"), 5000)
    await ended
    clearTimeout(late)
  }

  async ask(method, where, body) {
    const url = `${this.url}${where}${where.includes("?") ? "&" : "?"}directory=${encodeURIComponent(this.demo)}`
    const response = await fetch(url, { method, headers: { "content-type": "application/json" }, body: body && JSON.stringify(body),
      signal: AbortSignal.timeout(120000) })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${where}: ${response.status} ${text.slice(0, 200)}`)
    return text ? JSON.parse(text) : null
  }

  create = (body = {}) => this.ask("POST", "/session", body)
  prompt = (id, text) => this.ask("POST", `/session/${id}/message`, { parts: [{ type: "text", text }] })
  begin = (id, text) => this.ask("POST", `/session/${id}/prompt_async`, { parts: [{ type: "text", text }] })
  messages = (id) => this.ask("GET", `/session/${id}/message`)
  /* As `opencode export` prints it. */
  exported = async (id) => ({ info: await this.ask("GET", `/session/${id}`), messages: await this.messages(id) })
  idle = (id) => until(`session ${id} to be idle`, async () => !(await this.ask("GET", "/session/status"))[id])
  hasPart = (id, wanted) => until(`a part of ${id}`, async () => (await this.messages(id)).some((m) => m.info.role === "assistant" && m.parts.some(wanted)))
}

export const isRunning = (part) => part.type === "tool" && part.state.status === "running"

if (import.meta.url === pathToFileURL(process.argv[1] || "").href) {
  const [home, program, model, ...plugins] = process.argv.slice(2)
  prepare(path.resolve(home), program, model, plugins.map((file) => path.resolve(file)))
  console.log("env -i " + Object.entries(environment(path.resolve(home))).map(([name, value]) => `${name}='${value}'`).join(" "))
}
