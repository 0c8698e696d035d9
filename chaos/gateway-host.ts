import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import type { GatewayMethods } from './gateway-process.ts'
import { Link } from './link.ts'

const SCRIPT = fileURLToPath(new URL('gateway-process.ts', import.meta.url))

/** How often the former port is tried. */
const ATTEMPTS = 5

interface Running {
  readonly process: ChildProcess
  readonly link: Link<GatewayMethods>
  readonly exit: Promise<void>
}

/** The gateway's process: started, killed, and started again on its port and folder. */
export class GatewayHost {
  readonly folder: string
  /** The token that is taken now. */
  token = 'token-0'
  readonly #onViolation: (text: string) => void
  #port = 0
  #tokens = 0
  #running: Running | undefined

  constructor(folder: string, onViolation: (text: string) => void) {
    this.folder = folder
    this.#onViolation = onViolation
  }

  /** Undefined while it is down. */
  get port(): number | undefined {
    return this.#running === undefined ? undefined : this.#port
  }

  /** Calls into it; undefined while it is down. */
  get link(): Link<GatewayMethods> | undefined {
    return this.#running?.link
  }

  /** Resolves when it listens. Takes another port only if the former one is taken for good. */
  async start(): Promise<void> {
    for (let attempt = 0; this.#running === undefined; attempt++) {
      const running = this.#spawn()
      try {
        this.#port = await running.link.call('listen', attempt < ATTEMPTS ? this.#port : 0)
        this.#running = running
      } catch (error) {
        running.process.kill('SIGKILL')
        await running.exit
        // While nobody listened, an outgoing connection of this machine may have got the port.
        if (attempt === ATTEMPTS || !String(error).includes('EADDRINUSE')) throw error
        await setTimeout(100)
      }
    }
    // The token may have changed meanwhile; and the next kill need not wait until that is said.
    await this.expire(this.token).catch(() => {})
  }

  /** Ends it with a signal; resolves when the process is gone. */
  async stop(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const running = this.#running
    if (running === undefined) return
    this.#running = undefined
    running.process.kill(signal)
    await running.exit
  }

  /** Makes another token the only one that is taken. Returns how many clients were thrown out. */
  async expire(token = `token-${++this.#tokens}`): Promise<number> {
    this.token = token
    return (await this.link?.call('expire', token)) ?? 0
  }

  #spawn(): Running {
    const argument = JSON.stringify({ data: this.folder, token: this.token })
    const process = fork(SCRIPT, [argument], { execArgv: ['--import=tsx'], serialization: 'advanced' })
    const link = new Link<GatewayMethods>(process, { violation: (text: string) => this.#onViolation(text) })
    const exit = once(process, 'exit').then(() => {
      if (this.#running?.process === process) this.#onViolation(`the gateway ended by itself: ${process.exitCode}`)
    })
    return { process, link, exit }
  }
}
