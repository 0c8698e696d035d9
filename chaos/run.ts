import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

import { ClientHost, type RemoteClient } from './client-host.ts'
import { digestOf, PATIENCE } from './client.ts'
import type { ClientOwner } from './client-process.ts'
import type { FaultKind } from './fault.ts'
import { GatewayHost } from './gateway-host.ts'
import { Injector } from './injector.ts'
import { Journal } from './journal.ts'
import { readLog } from './log-audit.ts'
import type { Plan, Round } from './plan.ts'
import { readFresh } from './reader.ts'

const ROOM = 'chaos'

/** In ms; between two looks at replicas that are not equal yet. */
const LOOK_AGAIN = 50

export interface Figures {
  readonly faults: Partial<Record<FaultKind, number>>
  readonly edits: number
  /** Of these a flush said that they are in the log, before the end of their round or at it. */
  readonly flushed: number
  /** Logs of killed gateways that were read. */
  readonly audits: number
  readonly reconnects: number
}

/** One run: a gateway, clients, faults, and what has to hold. */
export class Run {
  readonly violations: string[] = []
  readonly #plan: Plan
  readonly #journal = new Journal()
  readonly #gateway: GatewayHost
  #hosts: ClientHost[] = []
  #clients: RemoteClient[] = []
  #injector!: Injector
  #edits = 0
  #audits = 0

  private constructor(plan: Plan, folder: string) {
    this.#plan = plan
    this.#gateway = new GatewayHost(folder, (text) => this.#violation(text))
  }

  /** Resolves when everything runs. */
  static async start(plan: Plan): Promise<Run> {
    const run = new Run(plan, await mkdtemp(join(tmpdir(), 'chaos-log-')))
    await run.#start()
    return run
  }

  get figures(): Figures {
    return {
      faults: this.#injector.counts,
      edits: this.#edits,
      flushed: this.#journal.flushed,
      audits: this.#audits,
      reconnects: this.#clients.reduce((sum, { proxy }) => sum + proxy.connections, -this.#clients.length)
    }
  }

  /** Faults and edits at once, then peace, in which everything must come right. Resolves with how long that took. */
  async round({ steps, edits, large }: Round): Promise<number> {
    const milliseconds = steps.reduce((sum, { pause }) => sum + pause, 0)
    const editing = Promise.all(
      this.#clients.map(({ name, link }) => link.call('edit', name, edits, large.includes(name), milliseconds))
    )
    for (const { pause, fault } of steps) {
      await setTimeout(pause)
      await this.#injector.inject(fault)
    }
    this.#edits += (await editing).reduce((sum, count) => sum + count, 0)
    await this.#injector.ended()
    const start = performance.now()
    await this.#settle()
    return performance.now() - start
  }

  /** Ends everything in order, and looks at what is left. */
  async end(): Promise<void> {
    for (const host of this.#hosts) {
      const problem = await host.end()
      if (problem !== undefined) this.#violation(problem)
    }
    await this.#gateway.stop('SIGTERM')
    await this.#auditLog()
  }

  /** Frees everything, whatever state it is in. */
  async dispose(): Promise<void> {
    await this.#gateway.stop('SIGKILL')
    await Promise.all(this.#hosts.map((host) => host.dispose()))
    if (this.violations.length > 0) return console.log(`  the log is kept in ${this.#gateway.folder}`)
    await rm(this.#gateway.folder, { recursive: true, force: true })
  }

  async #start(): Promise<void> {
    await this.#gateway.start()
    const owner = {
      journal: (client, entries) => this.#journal.note(client, entries),
      flushed: (client, count, docIds) => {
        this.#journal.noteFlushed(client, count, docIds)
        this.#injector.handleFlushed(client)
      },
      violation: (text) => this.#violation(text),
      token: () => this.#gateway.token
    } satisfies ClientOwner
    const room = { roomId: ROOM, docIds: this.#plan.documents, port: () => this.#gateway.port }
    for (const plans of this.#plan.processes) this.#hosts.push(await ClientHost.start(plans, room, owner))
    this.#clients = this.#hosts.flatMap(({ clients }) => clients)
    this.#injector = new Injector(this.#gateway, this.#clients, () => this.#auditLog())
  }

  async #settle(): Promise<void> {
    const results = await Promise.allSettled(this.#clients.map(({ name, link }) => link.call('settle', name)))
    for (const [index, result] of results.entries()) {
      if (result.status === 'rejected') this.#violation(`${this.#clients[index]!.name}: ${String(result.reason)}`)
    }
    // The rest would only repeat it.
    if (results.some(({ status }) => status === 'rejected')) return
    const fresh = await readFresh(`ws://127.0.0.1:${this.#gateway.port}`, {
      roomId: ROOM,
      docIds: this.#plan.documents,
      token: this.#gateway.token
    })
    for (const [docId, content] of fresh) {
      for (const problem of this.#journal.checkAll(docId, content)) this.#violation(`the gateway's ${problem}`)
    }
    // All is in the log by now. What others wrote may still be on its way, a connection that is dead may not have been
    // found so yet, and on a slow machine a living one may be taken for dead.
    await Promise.all(this.#clients.map((client) => this.#eventually(() => this.#differences(client, fresh))))
    await this.#eventually(() => this.#strayConnections())
    await Promise.all(this.#clients.map((client) => this.#eventually(() => unrestOf(client))))
  }

  /** Waits until there are no problems; those that stay are violations. */
  async #eventually(look: () => Promise<string[]>): Promise<void> {
    const deadline = performance.now() + PATIENCE
    let problems = await look()
    while (problems.length > 0 && performance.now() < deadline) {
      await setTimeout(LOOK_AGAIN)
      problems = await look()
    }
    for (const problem of problems) this.#violation(problem)
  }

  async #differences({ name, link }: RemoteClient, fresh: ReadonlyMap<string, string>): Promise<string[]> {
    const digests = await link.call('digests', name)
    const different = [...fresh].filter(([docId, content]) => digests[docId] !== digestOf(content))
    return Promise.all(
      different.map(async ([docId, content]) => {
        return `${name}: ${docId} differs: ${difference(await link.call('content', name, docId), content)}`
      })
    )
  }

  /** One provider is one connection, at its own end and at the gateway's. */
  async #strayConnections(): Promise<string[]> {
    const sockets = (await this.#gateway.link?.call('sockets')) ?? {}
    return this.#clients
      .filter((client) => sockets[client.name] !== 1 || connectionsOf(client) !== 1)
      .map((client) => {
        const { name } = client
        return `${name} has ${connectionsOf(client)} connections, ${sockets[name] ?? 0} at the gateway`
      })
  }

  /** What was flushed must be on the disk of a gateway that is gone. */
  async #auditLog(): Promise<void> {
    // Deletions are told before they are made: after this, every one that can be in the log was heard of.
    await Promise.all(this.#hosts.map(({ link }) => link.call('barrier').catch(() => {})))
    const { documents, violations } = await readLog(this.#gateway.folder, ROOM, this.#plan.documents)
    for (const problem of violations) this.#violation(`log: ${problem}`)
    for (const { docId, content } of documents) {
      for (const problem of this.#journal.checkFlushed(docId, content)) this.#violation(`log: flushed, but ${problem}`)
    }
    this.#audits++
  }

  #violation(text: string): void {
    this.violations.push(text)
    console.log(`  VIOLATION ${text}`)
  }
}

async function unrestOf({ name, link }: RemoteClient): Promise<string[]> {
  const problems = await link.call('unrest', name)
  return problems.map((problem) => `${name} ${problem}, though nothing goes on`)
}

/** The official client waits for half a minute for a good-bye from a server that is dead; the product does not. */
function connectionsOf({ type, proxy }: RemoteClient): number {
  return type === 'yjs' ? proxy.liveClients - proxy.deafClients : proxy.liveClients
}

/** Where two contents part, with what is around. */
function difference(ours: string, theirs: string): string {
  let at = 0
  while (at < ours.length && ours[at] === theirs[at]) at++
  const around = (content: string) => content.slice(Math.max(0, at - 60), at + 60)
  return `\n    client:  ${around(ours)}\n    gateway: ${around(theirs)}`
}
