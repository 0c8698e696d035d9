import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

import { bounded } from '../__test__/support/wait.ts'
import { PATIENCE } from './client.ts'
import type { ClientMethods, ClientOwner } from './client-process.ts'
import { Link } from './link.ts'
import type { ClientPlan } from './plan.ts'
import { Proxy } from './proxy.ts'

const SCRIPT = fileURLToPath(new URL('client-process.ts', import.meta.url))

/** A client, from the outside. */
export interface RemoteClient {
  readonly name: string
  readonly type: ClientPlan['type']
  readonly link: Link<ClientMethods>
  readonly proxy: Proxy
}

/** A process with clients, each behind a proxy of its own. */
export class ClientHost {
  readonly link: Link<ClientMethods>
  readonly clients: readonly RemoteClient[]
  readonly #process: ChildProcess
  readonly #exit: Promise<unknown[]>

  private constructor(process: ChildProcess, link: Link<ClientMethods>, clients: readonly RemoteClient[]) {
    this.#process = process
    this.#exit = once(process, 'exit')
    this.link = link
    this.clients = clients
  }

  static async start(
    plans: readonly ClientPlan[],
    room: { roomId: string; docIds: readonly string[]; port: () => number | undefined },
    owner: ClientOwner
  ): Promise<ClientHost> {
    const process = fork(SCRIPT, { execArgv: ['--import=tsx'], serialization: 'advanced' })
    const link = new Link<ClientMethods>(process, owner)
    const proxies = await Promise.all(plans.map(() => Proxy.start(room.port)))
    const clients = plans.map(({ name, type }, index) => ({ name, type, link, proxy: proxies[index]! }))
    const host = new ClientHost(process, link, clients)
    const { roomId, docIds } = room
    await link.call(
      'start',
      plans.map((plan, index) => ({ plan, roomId, docIds, url: proxies[index]!.url }))
    )
    return host
  }

  /** Destroys the clients; resolves with what is wrong with how the process ended. */
  async end(): Promise<string | undefined> {
    await this.link.call('end')
    try {
      const [code, signal] = await bounded(this.#exit, 'the exit of a process whose clients were destroyed', PATIENCE)
      if (code !== 0) return `a client process ended with ${code ?? signal}`
      const left = this.clients.filter(({ proxy }) => proxy.liveClients > 0).map(({ name }) => name)
      return left.length > 0 ? `connections outlived the process of ${left}` : undefined
    } catch (error) {
      return (error as Error).message
    }
  }

  /** Frees everything, whatever state it is in. */
  async dispose(): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.#exit
    await Promise.all(this.clients.map(({ proxy }) => proxy.close()))
  }
}
