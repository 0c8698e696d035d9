import type { ExecutionContext } from 'ava'
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { bounded } from './wait.ts'

const CLI = fileURLToPath(new URL('../../gateway/src/cli.ts', import.meta.url))

/** The gateway's command line in a process of its own; killed with the test. */
export class GatewayProcess {
  readonly url: string
  readonly port: number
  readonly #child: ChildProcess
  readonly #exit: Promise<{ code: number | null; signal: string | null }>

  private constructor(child: ChildProcess, url: string) {
    this.#child = child
    this.#exit = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })))
    this.url = url.replace('http', 'ws')
    this.port = Number(new URL(url).port)
  }

  /** Resolves when it listens, with its log in the folder. */
  static async start(t: ExecutionContext, data: string, ...args: string[]): Promise<GatewayProcess> {
    const flags = ['--import=tsx', CLI, '--data', data, '--log-level', 'warn', ...args]
    const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] })
    t.teardown(() => child.kill('SIGKILL'))
    const listening = (async () => {
      for await (const line of createInterface(child.stdout)) {
        const url = /http:\S+/.exec(line)?.[0]
        if (url !== undefined) return url
      }
      throw new Error('the gateway ended before it listened')
    })()
    return new GatewayProcess(child, await bounded(listening, 'the start of a gateway'))
  }

  /** Sends the signal; resolves with how the process ended. */
  end(signal: NodeJS.Signals): Promise<{ code: number | null; signal: string | null }> {
    this.#child.kill(signal)
    return bounded(this.#exit, `the end of a gateway after ${signal}`)
  }
}
