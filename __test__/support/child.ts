import type { ExecutionContext } from 'ava'
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { bounded } from './wait.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A Node process of its own; killed with the test. */
export class Child {
  readonly lines: string[] = []
  readonly #process
  readonly #exit: Promise<{ code: number | null; signal: string | null }>
  readonly #waiting: { line: string; resolve: () => void }[] = []
  #stderr = ''

  /** A CommonJS script with the package in scope. */
  static ofScript(t: ExecutionContext, script: string, flags: string[] = []): Child {
    return new Child(t, [...flags, '-e', `const { ProtocolManager, YDoc } = require('./index.js');\n${script}`])
  }

  static ofFile(t: ExecutionContext, file: string, flags: string[] = []): Child {
    return new Child(t, [...flags, file])
  }

  private constructor(t: ExecutionContext, args: string[]) {
    this.#process = spawn(process.execPath, args, {
      cwd: ROOT,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '' }
    })
    t.teardown(() => this.#process.kill('SIGKILL'))
    this.#exit = new Promise((resolve) => this.#process.once('close', (code, signal) => resolve({ code, signal })))
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text))
    createInterface(this.#process.stdout).on('line', (line) => {
      this.lines.push(line)
      for (const waiter of this.#waiting.filter((it) => it.line === line)) waiter.resolve()
    })
  }

  /** Resolves when the script has printed this line. Rejects when it ends without. */
  printed(line: string): Promise<void> {
    if (this.lines.includes(line)) return Promise.resolve()
    const printed = new Promise<void>((resolve) => this.#waiting.push({ line, resolve }))
    const ended = this.#exit.then(() => {
      if (!this.lines.includes(line)) throw new Error(`ended without '${line}': ${this.#stderr}`)
    })
    return bounded(Promise.race([printed, ended]), `'${line}' of a child process`)
  }

  /** Whether it still runs. */
  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null
  }

  /** Writes a line to its standard input. */
  write(line: string): void {
    this.#process.stdin.write(`${line}\n`)
  }

  /** Waits for its end; fails the test unless it ends by itself with this code. */
  async exits(t: ExecutionContext, expected = 0): Promise<string> {
    const { code, signal } = await bounded(this.#exit, `a child process (${this.lines.join(', ')}; ${this.#stderr})`)
    t.deepEqual({ code, signal }, { code: expected, signal: null }, this.#stderr)
    return this.#stderr
  }
}
