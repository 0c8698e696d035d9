import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import type { ExecutionContext } from 'ava'

/** A `redis-server` (Debian package of that name) on a loopback port, in RAM; killed with the test. */
export class RedisServer {
  readonly port: number
  #child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
  }

  /** Resolves when it answers. A port that somebody else took meanwhile is replaced by another one. */
  static async start(t: ExecutionContext): Promise<RedisServer> {
    for (;;) {
      const port = await freePort()
      const child = await launch(port)
      if (child === undefined) continue
      const server = new RedisServer(child, port)
      t.teardown(() => server.#child.kill('SIGKILL'))
      return server
    }
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** Kills it. */
  async stop(): Promise<void> {
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }

  /** Starts it again on its port. */
  async restart(): Promise<void> {
    const child = await launch(this.port)
    if (child === undefined) throw new Error(`port ${this.port} was taken meanwhile`)
    this.#child = child
  }
}

/** Undefined when the port is in use. */
async function launch(port: number): Promise<ChildProcess | undefined> {
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const child = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'inherit'] })
  const failed = once(child, 'error').then(([error]) => {
    throw new Error('these tests need redis-server: apt-get install redis-server', { cause: error })
  })
  const ready = (async () => {
    for await (const line of createInterface(child.stdout)) {
      if (line.includes('Ready to accept connections')) return child
    }
    return undefined
  })()
  const result = await Promise.race([ready, failed])
  child.stdout.resume() // read on, or it would block when the pipe is full
  return result
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
