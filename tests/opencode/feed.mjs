/*
 * Plays recorded hook calls into the plugin as OpenCode would. node feed.mjs PLUGIN RECORDING [REPEAT]
 * Prints one line of JSON: calls, and how long the plugin held its caller (microseconds).
 */
import fs from "node:fs"
import path from "node:path"
import { pathToFileURL } from "node:url"

const [pluginFile, recording, repeat = "1"] = process.argv.slice(2)
const { LfspoolPlugin } = await import(pathToFileURL(path.resolve(pluginFile)))
const hooks = await LfspoolPlugin({})
const events = fs.readFileSync(recording, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line))
  .filter((call) => call.hook === "event").flatMap((call) => call.args)
const held = []
for (let round = 0; round < Number(repeat); round++) {
  for (const event of events) {
    const start = process.hrtime.bigint()
    await hooks.event({ event: event.type ? event : event.event })
    held.push(Number(process.hrtime.bigint() - start) / 1000)
    if (held.length % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
/* As long as an agent that goes on would live; nothing of the plugin keeps the process up. */
await new Promise((resolve) => setTimeout(resolve, 300))
await hooks.dispose()
held.sort((a, b) => a - b)
console.log(JSON.stringify({ calls: held.length, p50: held[held.length >> 1], p99: held[Math.floor(held.length * 0.99)], max: held.at(-1) }))
