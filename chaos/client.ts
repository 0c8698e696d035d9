import { createHash } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'

import { Editor, type Entry } from './editor.ts'
import type { ClientPlan } from './plan.ts'
import { Random } from './random.ts'
import { contentOf, type Replica } from './replica.ts'

/** What a client tells. */
export interface ClientReports {
  /** Edits, in their order; deletions before they are made. */
  journal(entries: readonly Entry[]): void
  /** The first `count` entries, as far as they are in these documents, are in the log. */
  flushed(count: number, docIds: readonly string[]): void
  violation(text: string): void
  /** The token that is taken now. */
  token(): Promise<string>
}

export interface ClientOptions {
  readonly plan: ClientPlan
  readonly url: string
  readonly roomId: string
  readonly docIds: readonly string[]
  readonly reports: ClientReports
}

/** How long anything may take while nothing goes wrong, in ms. Far more than it takes on a slow machine. */
export const PATIENCE = 90_000

/** A client with its documents; how they are synced, its kind decides. */
export abstract class Client<R extends Replica = Replica> {
  protected readonly options: ClientOptions
  protected readonly replicas = new Map<string, R>()
  /** Documents that are synced now. */
  protected readonly added = new Set<string>()
  readonly #random: Random
  readonly #editor: Editor
  /** Documents of every flush under way. */
  readonly #flushing = new Set<Set<string>>()
  #unreported: Entry[] = []
  #entries = 0

  constructor(options: ClientOptions) {
    this.options = options
    this.#random = new Random(options.plan.seed)
    this.#editor = new Editor(options.plan.name, this.#random.fork(), (entry) => {
      this.#entries++
      this.#unreported.push(entry)
    })
  }

  abstract goOnline(): void
  abstract goOffline(): void
  abstract addDoc(docId: string): void
  /** Whether it was there. */
  abstract removeDoc(docId: string): boolean
  /** Ends the provider, and goes on with another one. */
  abstract recreate(from: 'docs' | 'state'): void
  /** Resolves when it is connected, and every document is synced and in the log. */
  protected abstract untilSettled(): Promise<void>
  /** Whether, at the end, every edit of the documents added is in the log. */
  protected abstract untilFlushed(): Promise<boolean>
  /** What is not as it must be when nothing goes on. */
  abstract unrest(): string[]
  abstract destroy(): void

  /** Makes edits for about this long. Resolves with how many were made. */
  async edit(count: number, isLarge: boolean, milliseconds: number): Promise<number> {
    const start = this.#editor.count
    if (isLarge) this.#editLargely()
    const pause = (milliseconds / count) * 4
    for (let left = count; left > 0; left = start + count - this.#editor.count) {
      this.#editor.edit(this.#pickReplica(), left)
      this.#report()
      if (this.#random.chance(0.15)) void this.#flush()
      await setTimeout(this.#random.int(0, pause))
    }
    return this.#editor.count - start
  }

  /** Makes an edit and starts to flush. */
  flush(): void {
    this.#editor.edit(this.#pickReplica(), 1)
    this.#report()
    void this.#flush()
  }

  /** Puts an end to what the plan did to this client; resolves when everything is in the log. */
  async settle(): Promise<void> {
    this.goOnline()
    for (const docId of this.replicas.keys()) if (!this.added.has(docId)) this.addDoc(docId)
    await this.untilSettled()
    this.options.reports.flushed(this.#entries, [...this.added])
  }

  /** Digests of the content by document. */
  digests(): Record<string, string> {
    const digests = [...this.replicas].map(([docId, replica]) => [docId, digestOf(contentOf(replica))])
    return Object.fromEntries(digests) as Record<string, string>
  }

  content(docId: string): string {
    return contentOf(this.replicas.get(docId)!)
  }

  protected violation(text: string): void {
    this.options.reports.violation(`${this.options.plan.name}: ${text}`)
  }

  /** For subclasses: the document is synced no longer. */
  protected noteRemoved(docId: string): void {
    this.added.delete(docId)
    for (const docIds of this.#flushing) docIds.delete(docId)
  }

  /** What a flush promised is looked for in the log. It promises nothing for a document that was removed meanwhile. */
  async #flush(): Promise<void> {
    const count = this.#entries
    const docIds = new Set(this.added)
    this.#flushing.add(docIds)
    try {
      if (await this.untilFlushed()) this.options.reports.flushed(count, [...docIds])
    } finally {
      this.#flushing.delete(docIds)
    }
  }

  #editLargely(): void {
    this.#editor.editLargely(this.#pickReplica())
    this.#report()
  }

  #pickReplica(): R {
    return this.#random.pick([...this.replicas.values()])
  }

  #report(): void {
    this.options.reports.journal(this.#unreported)
    this.#unreported = []
  }
}

export function digestOf(content: string): string {
  return createHash('sha1').update(content).digest('hex')
}
