import { Client } from './client.ts'
import type { Entry } from './editor.ts'
import { Link, type Methods } from './link.ts'
import { NativeClient } from './native-client.ts'
import type { ClientPlan } from './plan.ts'
import { YjsClient } from './yjs-client.ts'

/*
 * Clients in a process of their own. When its clients are destroyed nothing may keep it alive:
 * there is no call to exit.
 */

export interface ClientStart {
  readonly plan: ClientPlan
  readonly url: string
  readonly roomId: string
  readonly docIds: readonly string[]
}

/** What this process offers. */
export interface ClientMethods extends Methods {
  start(clients: readonly ClientStart[]): void
  goOnline(name: string): void
  goOffline(name: string): void
  addDoc(name: string, docId: string): void
  /** Whether it was there. */
  removeDoc(name: string, docId: string): boolean
  recreate(name: string, from: 'docs' | 'state'): void
  /** Whether it could send it. Only clients that don't know better do. */
  sendTooLarge(name: string): boolean
  edit(name: string, count: number, isLarge: boolean, milliseconds: number): Promise<number>
  /** Edits once more, and starts to flush; what it promises is told when it does. */
  flush(name: string): void
  settle(name: string): Promise<void>
  digests(name: string): Record<string, string>
  content(name: string, docId: string): string
  unrest(name: string): string[]
  /** Everything told before was heard when this resolves. */
  barrier(): void
  /** Destroys all clients and closes the link. */
  end(): void
}

/** What it calls. */
export interface ClientOwner extends Methods {
  journal(client: string, entries: readonly Entry[]): void
  flushed(client: string, count: number, docIds: readonly string[]): void
  violation(text: string): void
  token(): string
}

let isEnding = false
const clients = new Map<string, Client>()
const find = (name: string) => clients.get(name)!

const owner = new Link<ClientOwner>(process, {
  start: (starts) => {
    for (const start of starts) clients.set(start.plan.name, makeClient(start))
  },
  goOnline: (name) => find(name).goOnline(),
  goOffline: (name) => find(name).goOffline(),
  addDoc: (name, docId) => find(name).addDoc(docId),
  removeDoc: (name, docId) => find(name).removeDoc(docId),
  recreate: (name, from) => find(name).recreate(from),
  sendTooLarge: (name) => {
    const client = find(name)
    return client instanceof YjsClient && client.sendTooLarge()
  },
  edit: (name, ...args) => find(name).edit(...args),
  flush: (name) => find(name).flush(),
  settle: (name) => find(name).settle(),
  digests: (name) => find(name).digests(),
  content: (name, docId) => find(name).content(docId),
  unrest: (name) => find(name).unrest(),
  barrier: () => {},
  end: () => {
    isEnding = true
    for (const client of clients.values()) client.destroy()
    // After the answer.
    setImmediate(() => process.disconnect?.())
  }
} satisfies ClientMethods)

// Nobody is left to work for. When it is the end that was asked for, the process has to go by itself.
process.once('disconnect', () => isEnding || process.exit(1))

function makeClient(start: ClientStart): Client {
  const { name, type } = start.plan
  const ignore = () => {} // The owner is gone, and with it this process, soon.
  const reports = {
    journal: (entries: readonly Entry[]) => void owner.call('journal', name, entries).catch(ignore),
    flushed: (count: number, docIds: readonly string[]) =>
      void owner.call('flushed', name, count, docIds).catch(ignore),
    violation: (text: string) => void owner.call('violation', text).catch(ignore),
    token: () => owner.call('token')
  }
  return type === 'native' ? new NativeClient({ ...start, reports }) : new YjsClient({ ...start, reports })
}
