/*
 * lfspool's plugin for OpenCode: hands what only the running agent knows (retries, permissions, questions, errors, idle,
 * deletions, diffs) to the lfspool daemon, and the rest sooner than the database would. In opencode.json:
 *
 *     { "plugin": ["file:///usr/share/lfspool/opencode-plugin/lfspool.js"] }
 *
 * It never waits: events go to the daemon's socket as far as there is room, and are dropped beyond MAX_WAITING_BYTES or while no
 * daemon listens. What is dropped here is read from OpenCode's database. It says nothing, writes no file, and keeps no secret:
 * the daemon redacts before it stores. It depends on nothing but node:net.
 */
import net from "node:net"
import os from "node:os"
import path from "node:path"

const MAX_WAITING_BYTES = 4 << 20
const RETRY_FIRST_MS = 1000
const RETRY_LAST_MS = 60000
const HELLO = '{"cmd":"events","source":"opencode","name":"plugin"}\n'

/* Nothing in these is ever kept: pieces of texts that come whole later, and what is not about a session. */
const SKIPPED = /^(message\.part\.delta|server\.|lsp\.|file\.|tui\.|installation\.|ide\.|vcs\.|pty\.|mcp\.|project\.|plugin\.|catalog\.|models|account\.|session\.next\..*\.delta)/

function socketPath(env) {
  if (env.LFSPOOL_SOCKET) return env.LFSPOOL_SOCKET
  const dir = env.LFSPOOL_SPOOL_DIR || env.OPENCODE_LANGFUSE_SPOOL_DIR
  if (dir) return path.join(dir, "control.sock")
  return path.join(env.XDG_STATE_HOME || path.join(env.HOME || os.homedir(), ".local", "state"), "lfspool", "control.sock")
}

/* Parts are sent when they are whole; the steps on the way there are in the database. */
function isWorthSending(event) {
  if (!event || typeof event.type !== "string" || SKIPPED.test(event.type)) return false
  if (event.type !== "message.part.updated") return true
  const part = event.properties && event.properties.part
  if (!part) return false
  if (part.type === "tool") return !!part.state && (part.state.status === "completed" || part.state.status === "error")
  if (part.type === "reasoning") return !!(part.time && part.time.end)
  return part.type !== "text" || !part.time || !!part.time.end
}

class Link {
  constructor(file) {
    this.file = file
    this.socket = null
    this.open = false /* the daemon has said that it listens */
    this.waiting = [] /* until then */
    this.waitingBytes = 0
    this.retryMs = RETRY_FIRST_MS
    this.retryAt = 0
    this.dropped = 0
  }

  connect() {
    if (this.socket || Date.now() < this.retryAt) return
    const socket = net.createConnection({ path: this.file })
    this.socket = socket
    if (socket.unref) socket.unref() /* never keeps the agent alive */
    socket.on("connect", () => socket.write(HELLO))
    socket.on("data", (bytes) => {
      if (this.open || this.socket !== socket) return
      if (!String(bytes).startsWith('{"rc":0')) return this.close()
      this.open = true
      this.retryMs = RETRY_FIRST_MS
      for (const line of this.waiting.splice(0)) socket.write(line)
      this.waitingBytes = 0
    })
    socket.on("error", () => this.close(socket))
    socket.on("close", () => this.close(socket))
  }

  close(socket = this.socket) {
    if (!socket || this.socket !== socket) return
    this.socket = null
    this.open = false
    this.retryAt = Date.now() + this.retryMs
    this.retryMs = Math.min(this.retryMs * 2, RETRY_LAST_MS)
    socket.destroy()
  }

  send(event) {
    this.connect()
    const held = this.open ? this.socket.writableLength : this.waitingBytes
    if (!this.socket || held > MAX_WAITING_BYTES) {
      this.dropped++
      return
    }
    const line = JSON.stringify(event) + "\n"
    if (this.open) {
      this.socket.write(line)
    } else {
      this.waiting.push(line)
      this.waitingBytes += line.length
    }
  }

  end() {
    const socket = this.socket
    this.socket = null
    this.retryAt = Infinity
    if (socket) socket.end()
  }
}

export const LfspoolPlugin = async () => {
  const link = new Link(socketPath(process.env))
  return {
    event: async ({ event }) => {
      try {
        if (isWorthSending(event)) link.send(event)
      } catch {
        /* the agent's work is never disturbed */
      }
    },
    dispose: async () => link.end(),
  }
}

export default LfspoolPlugin
