/* What the scripted model says and what the user does. A scenario returns the sessions it made; their sub-agents are found later. */
import fs from "node:fs"
import { isRunning, until } from "./opencode.mjs"

const bash = (command) => ["bash", { command, description: "Run it" }]
const task = (subagent_type, prompt) => ["task", { description: "A part of it", prompt, subagent_type }]

/* A tool that runs until GATE is there. */
const gated = (gate) => bash(`until [ -e '${gate}' ]; do sleep 0.1; done; echo through`)

export const scripts = (demo) => ({
  plain: [{ text: "A plain answer.", usage: [1200, 20, 1024] }],
  thinking: [{ reasoning: "First this, then that.", text: "After some thought.", usage: [1500, 90, 1024, 64] }],
  tools: [
    { text: "Looking around.", tools: [bash("ls -a"), ["read", { filePath: demo + "/README.md" }], ["glob", { pattern: "*.md" }]], usage: [2000, 60] },
    { tools: [["read", { filePath: demo + "/missing.txt" }], bash("exit 3")], usage: [2300, 40, 1920] },
    { tools: [["write", { filePath: demo + "/notes.txt", content: "one\ntwo\n" }]], usage: [2500, 40, 2176] },
    { text: "That was it.", usage: [2600, 12, 2432] }],
  subagents: [{ tools: [task("delegate", "[[middle]] hand it on"), task("general", "[[leaf]] look")], usage: [2000, 80] }, { text: "Both reported.", usage: [2200, 10, 1920] }],
  middle: [{ tools: [task("general", "[[leaf]] look closer")], usage: [700, 30] }, { text: "It was handed on.", usage: [760, 9, 640] }],
  leaf: [{ tools: [bash("echo leaf")], usage: [600, 20] }, { text: "A leaf's report.", usage: [640, 7, 512] }],
  retry: [{ failures: 1, text: "Recovered.", usage: [500, 9] }],
  abort: [{ text: "Going on", hold: true, usage: [500, 400] }],
  aborttool: [{ tools: [bash("echo begin; sleep 30")], usage: [500, 40] }],
  permission: [{ tools: [bash("touch asked.txt")], usage: [900, 30] }, { text: "It was allowed.", usage: [950, 8, 896] }],
  ...Object.fromEntries(["crash", "restart", "both"].map((name) =>
    [name, [{ text: "Something slow.", tools: [gated(`${demo}/../gate-${name}`)], usage: [500, 40] }, { text: "Through.", usage: [560, 4, 512] }]])),
})

/* Is cut while a tool runs, then goes on; `meanwhile` runs beside that. */
async function cut(o, name, kill, meanwhile = async () => {}) {
  const { id } = await o.create()
  await o.prompt(id, "[[plain]] before")
  await o.begin(id, `[[${name}]] go`)
  await o.hasPart(id, isRunning)
  await kill()
  fs.writeFileSync(`${o.home}/gate-${name}`, "")
  await o.idle(id)
  const beside = meanwhile()
  for (let i = 0; i < 3; i++) await o.prompt(id, `[[tools]] after ${i}`)
  await beside
  return [id]
}

const one = (name) => async (o) => {
  const { id } = await o.create()
  await o.prompt(id, `[[${name}]] please`)
  return [id]
}

/* These run side by side. */
export const together = {
  plain: one("plain"),
  thinking: one("thinking"),
  tools: one("tools"),
  subagents: one("subagents"),
  retry: one("retry"),
  async abort(o) {
    const { id } = await o.create()
    await o.begin(id, "[[abort]] talk")
    await o.hasPart(id, (part) => part.type === "text")
    await o.ask("POST", `/session/${id}/abort`)
    await o.idle(id)
    return [id]
  },
  async aborttool(o) {
    const { id } = await o.create()
    await o.begin(id, "[[aborttool]] run")
    await o.hasPart(id, isRunning)
    await o.ask("POST", `/session/${id}/abort`)
    await o.idle(id)
    return [id]
  },
  async compaction(o) {
    const { id } = await o.create()
    for (const word of ["one", "two"]) await o.prompt(id, `[[plain]] ${word}`)
    await o.ask("POST", `/session/${id}/summarize`, { providerID: "scripted", modelID: "large", auto: false })
    await o.prompt(id, "[[plain]] three")
    return [id]
  },
  async permission(o) {
    const { id } = await o.create()
    await o.begin(id, "[[permission]] touch")
    const asked = await until("the question", async () => (await o.ask("GET", "/permission")).find((p) => p.sessionID === id))
    await o.ask("POST", `/permission/${asked.id}/reply`, { reply: "once" })
    await o.idle(id)
    return [id]
  },
  async fork(o) {
    const { id } = await o.create()
    for (const word of ["one", "two"]) await o.prompt(id, `[[plain]] ${word}`)
    const fork = await o.ask("POST", `/session/${id}/fork`, { messageID: (await o.messages(id))[2].info.id })
    await o.prompt(fork.id, "[[plain]] in the fork")
    await o.prompt(id, "[[thinking]] in the original")
    return [id, fork.id]
  },
  async rename(o) {
    const { id } = await o.create({ title: "The first name" })
    await o.prompt(id, "[[plain]] one")
    await o.ask("PATCH", `/session/${id}`, { title: "The second name" })
    await o.prompt(id, "[[plain]] two")
    return [id]
  },
  async delete(o, world) {
    const { id } = await o.create({ title: "To be deleted" })
    await o.prompt(id, "[[plain]] one")
    await world.arrived(id) /* what was never seen cannot be known */
    await world.keep(id)
    await o.ask("DELETE", `/session/${id}`)
    return [id]
  },
  async large(o) {
    const { id } = await o.create({ title: "Two hundred messages" })
    for (let i = 0; i < 100; i++) await o.prompt(id, `[[plain]] ${i}`)
    return [id]
  },
}

const restartDaemons = async (world) => {
  await world.killDaemons()
  await world.startDaemons()
}

/* Each of these has the world to itself. */
export const alone = {
  crash: (o) => cut(o, "crash", async () => { await o.stop("SIGKILL"); await o.start() }),
  restart: (o, world) => cut(o, "restart", () => restartDaemons(world), async () => { for (let i = 0; i < 4; i++) await restartDaemons(world) }),
  both: (o, world) => cut(o, "both", async () => {
    await Promise.all([world.killDaemons(), o.stop("SIGKILL")])
    await world.startDaemons()
    await o.start()
  }),
}

/* What is nowhere in an export: observations by name. */
export const signals = { retry: { retry: 1 }, permission: { permission: 1 } }
