import { type DocumentId, documentKey } from './document-id.js'
import type { LogRecord } from './log-store.js'

interface Tail {
  /** The lowest offset not delivered yet. */
  next: bigint
  /** What became durable while the history was being delivered; undefined afterwards. */
  backlog: LogRecord[] | undefined
  readonly onRecord: (record: LogRecord) => void
}

/** Who follows which document. Joins a document's history with what is appended meanwhile and later. */
export class Tails {
  readonly #tails = new Map<string, { readonly document: DocumentId; readonly tails: Set<Tail> }>()

  /**
   * Follows a document: everything that `deliver` is given from now on, and before it what `history` yields from
   * `from` on, each record once. Resolves, with a function that ends it, when the history was delivered.
   */
  async follow(
    document: DocumentId,
    from: bigint,
    onRecord: (record: LogRecord) => void,
    history: () => AsyncIterable<LogRecord>
  ): Promise<() => void> {
    const tail: Tail = { next: from, backlog: [], onRecord }
    // Registered before reading: a record is in the history, in the backlog, or in both, but never in neither.
    const stop = this.#register(document, tail)
    try {
      for await (const record of history()) deliver(tail, record)
    } catch (error) {
      stop()
      throw error
    }
    for (const record of tail.backlog ?? []) deliver(tail, record)
    tail.backlog = undefined
    return stop
  }

  /** Hands a record to all who follow its document. It has to be in the history by now. */
  deliver(document: DocumentId, record: LogRecord): void {
    for (const tail of this.#tails.get(documentKey(document))?.tails ?? []) {
      if (tail.backlog === undefined) deliver(tail, record)
      else tail.backlog.push(record)
    }
  }

  /** The documents that somebody follows. */
  *documents(): Iterable<DocumentId> {
    for (const { document } of this.#tails.values()) yield document
  }

  #register(document: DocumentId, tail: Tail): () => void {
    const key = documentKey(document)
    const entry = this.#tails.get(key) ?? { document, tails: new Set() }
    this.#tails.set(key, entry)
    entry.tails.add(tail)
    return () => {
      entry.tails.delete(tail)
      if (entry.tails.size === 0 && this.#tails.get(key) === entry) this.#tails.delete(key)
    }
  }
}

function deliver(tail: Tail, record: LogRecord): void {
  if (record.offset < tail.next) return
  tail.next = record.offset + 1n
  tail.onRecord(record)
}
