import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

/** The command line in a process of its own, killed with the test. */
export class GatewayProcess {
  readonly #child: ChildProcess
  readonly port: number

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
  }

  static async start(t: ExecutionContext, ...args: string[]): Promise<GatewayProcess> {
    const command = ['--import=tsx', CLI, '--port', '0', '--log-level', 'warn', ...args]
    const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] })
    t.teardown(() => child.kill('SIGKILL'))
    let output = ''
    for await (const chunk of child.stdout) {
      output += String(chunk)
      const port = /listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1]
      if (port !== undefined) return new GatewayProcess(child, Number(port))
    }
    throw new Error(`the gateway ended: ${output}`)
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Stops it where it is, as a machine does that is suspended, until `resume`. */
  suspend(): void {
    this.#child.kill('SIGSTOP')
  }

  resume(): void {
    this.#child.kill('SIGCONT')
  }

  /** Resolves with its exit code, or the signal that ended it. */
  async end(signal: NodeJS.Signals): Promise<number | string> {
    const exit = once(this.#child, 'exit') as Promise<[number | null, string | null]>
    this.#child.kill(signal)
    const [code, killedBy] = await exit
    return code ?? killedBy!
  }
}
