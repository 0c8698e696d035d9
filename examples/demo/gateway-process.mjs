// The gateway, as anybody would start it: its command line in a process of its own.
import { spawn } from 'node:child_process'
import { EventEmitter, on, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const PACKAGE = new URL('../../gateway/', import.meta.url)
const { bin } = JSON.parse(readFileSync(new URL('package.json', PACKAGE), 'utf8'))
const CLI = fileURLToPath(new URL(bin['y-kafka-gateway'], PACKAGE))

/** How long, in ms, it may take to start and to stop. */
const DEADLINE = 10_000

/** Emits `failure` with an `Error` when it ends unasked. */
export class GatewayProcess extends EventEmitter {
  #child
  #isAsked = false

  /** Resolves when it listens; rejects with what it said instead. */
  async start({ port, log }) {
    this.#isAsked = false
    const child = spawn(process.execPath, [CLI, '--port', String(port), ...log.args], {
      stdio: ['ignore', 'pipe', 'pipe']
    })
    this.#child = child
    let errors = ''
    child.stderr.on('data', (chunk) => (errors += chunk))
    child.on('exit', (code, signal) => {
      if (this.#isAsked || this.#child !== child) return
      this.emit('failure', new Error(`the gateway ended (${signal ?? `exit code ${code}`}) ${errors}`.trimEnd()))
    })
    this.url = await urlFrom(child.stdout)
    this.port = Number(new URL(this.url).port)
    this.pid = child.pid
  }

  /** Resolves with how it ended: its exit code, or the signal that killed it. */
  async stop(signal) {
    this.#isAsked = true
    const exit = once(this.#child, 'exit', { signal: AbortSignal.timeout(DEADLINE) })
    this.#child.kill(signal)
    const [code, killedBy] = await exit.catch(() => {
      throw new Error(`the gateway did not end after ${signal}`)
    })
    return killedBy ?? code
  }

  /** Resolves when the process is gone. */
  async kill() {
    this.#isAsked = true
    if (this.#child?.kill('SIGKILL')) await once(this.#child, 'exit')
  }
}

async function urlFrom(stdout) {
  const signal = AbortSignal.timeout(DEADLINE)
  let output = ''
  try {
    for await (const [chunk] of on(stdout, 'data', { signal, close: ['end'] })) {
      output += chunk
      const url = /listening on http(:\/\/\S+)/.exec(output)?.[1]
      if (url !== undefined) return `ws${url}`
    }
  } catch (error) {
    if (error.name !== 'AbortError') throw error
  }
  throw new Error(`the gateway did not say where it listens ${output}`.trimEnd())
}
