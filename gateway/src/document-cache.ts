import type { AwarenessExchange } from './awareness-exchange.js'
import type { Fanout } from './channel.js'
import { Document, type DocumentContext } from './document.js'
import { type DocumentId, documentKey } from './document-id.js'
import type { Limits } from './options.js'

interface Entry {
  readonly loading: Promise<Document>
  document: Document | undefined
  holds: number
}

interface CacheOptions {
  readonly store: DocumentContext['store']
  readonly fanout: Fanout
  readonly exchange: AwarenessExchange | undefined
  readonly limits: Limits
  readonly report: DocumentContext['report']
}

/**
 * The documents in memory, one instance each. A document that is held stays; of the others, the ones used last stay,
 * up to a number and a size.
 */
export class DocumentCache {
  readonly #entries = new Map<string, Entry>()
  /** The entries nobody holds with their bytes, least recently used first. */
  readonly #idle = new Map<string, number>()
  readonly #context: DocumentContext
  readonly #limits: Limits
  #idleBytes = 0

  constructor({ store, fanout, exchange, limits, report }: CacheOptions) {
    this.#limits = limits
    this.#context = { store, fanout, exchange, limits, report, hold: (id) => this.#hold(documentKey(id)) }
  }

  /** Loads the document unless it is here, and holds it until `release`. Holds nothing when loading fails. */
  async acquire(id: DocumentId): Promise<{ document: Document; release: () => void }> {
    const key = documentKey(id)
    if (!this.#entries.has(key)) this.#load(key, id)
    const release = this.#hold(key)
    try {
      return { document: await this.#entries.get(key)!.loading, release }
    } catch (error) {
      release()
      throw error
    }
  }

  /** The documents that are loaded. */
  *loaded(): Iterable<Document> {
    for (const { document } of this.#entries.values()) if (document !== undefined) yield document
  }

  /** The document if it is loaded. */
  find(id: DocumentId): Document | undefined {
    return this.#entries.get(documentKey(id))?.document
  }

  #load(key: string, id: DocumentId): void {
    const entry: Entry = { loading: Document.load(id, this.#context), document: undefined, holds: 0 }
    this.#entries.set(key, entry)
    entry.loading.then(
      (document) => {
        entry.document = document
      },
      () => this.#entries.delete(key)
    )
  }

  #hold(key: string): () => void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return () => {}
    entry.holds++
    this.#idleBytes -= this.#idle.get(key) ?? 0
    this.#idle.delete(key)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      entry.holds--
      if (entry.holds === 0 && entry.document !== undefined) this.#retire(key, entry.document.bytes)
    }
  }

  #retire(key: string, bytes: number): void {
    this.#idle.set(key, bytes)
    this.#idleBytes += bytes
    for (const [oldest, size] of this.#idle) {
      if (this.#idle.size <= this.#limits.maxIdleDocuments && this.#idleBytes <= this.#limits.maxIdleBytes) break
      this.#idle.delete(oldest)
      this.#idleBytes -= size
      this.#entries.get(oldest)?.document?.close()
      this.#entries.delete(oldest)
    }
  }
}
