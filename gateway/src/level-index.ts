import { mkdir } from 'node:fs/promises'
import type { AbstractBatchOperation, AbstractLevel } from 'abstract-level'
import { ClassicLevel } from 'classic-level'
import { MemoryLevel } from 'memory-level'
import type { DocumentId } from './document-id.js'
import { encodeEnvelope } from './envelope.js'
import { encodeOffset, offsetOfKey, recordKey, recordRange, snapshotKey, splitOffset } from './level-keys.js'
import type { LogRecord, Snapshot } from './log-store.js'
import { encodeMessage } from './message.js'

type Level = AbstractLevel<string | Buffer | Uint8Array, Uint8Array, Uint8Array>

/** A change that `commit` takes. */
export type IndexOperation = AbstractBatchOperation<Level, Uint8Array, Uint8Array>

interface KeyRange {
  readonly gte: Uint8Array
  readonly lt?: Uint8Array
  readonly lte?: Uint8Array
}

const ENCODING = { keyEncoding: 'view', valueEncoding: 'view' } as const

/** Records and snapshots by document, on disk with LevelDB or in RAM. Several changes become visible in one step. */
export class LevelIndex {
  readonly #db: Level

  private constructor(db: Level) {
    this.#db = db
  }

  /** @param folder made if it is missing; without it everything is lost on `close`. */
  static async open(folder?: string): Promise<LevelIndex> {
    if (folder !== undefined) await mkdir(folder, { recursive: true })
    const db =
      folder === undefined
        ? new MemoryLevel<Uint8Array, Uint8Array>(ENCODING)
        : new ClassicLevel<Uint8Array, Uint8Array>(folder, ENCODING)
    await db.open()
    return new LevelIndex(db as Level)
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#db.get(key)
  }

  /** The first entry of a range; undefined when there is none. */
  async first(range: KeyRange): Promise<[key: Uint8Array, value: Uint8Array] | undefined> {
    for await (const entry of this.#db.iterator({ ...range, limit: 1 })) return entry
    return undefined
  }

  async *read(document: DocumentId, from: bigint): AsyncGenerator<LogRecord> {
    for await (const [key, value] of this.#db.iterator(recordRange(document, from))) {
      yield { offset: offsetOfKey(key), value }
    }
  }

  /** As `read`, but what a snapshot replaced from `from` on comes as one update with the state of the snapshot. */
  async *history(document: DocumentId, from: bigint): AsyncGenerator<LogRecord> {
    const snapshot = this.#db.snapshot()
    try {
      const stored = await this.#db.get(snapshotKey(document), { snapshot })
      const replaced = stored === undefined ? undefined : toSnapshot(stored)
      if (replaced !== undefined && replaced.offset >= from) yield recordOf(document, replaced)
      for await (const [key, value] of this.#db.iterator({ ...recordRange(document, from), snapshot })) {
        yield { offset: offsetOfKey(key), value }
      }
    } finally {
      await snapshot.close()
    }
  }

  async getSnapshot(document: DocumentId): Promise<Snapshot | undefined> {
    const stored = await this.#db.get(snapshotKey(document))
    return stored === undefined ? undefined : toSnapshot(stored)
  }

  recordAdded(document: DocumentId, { offset, value }: LogRecord): IndexOperation {
    return { type: 'put', key: recordKey(document, offset), value }
  }

  /** Stores a snapshot and deletes what it covers. */
  async snapshotReplaced(document: DocumentId, { offset, state }: Snapshot): Promise<IndexOperation[]> {
    const value = Buffer.concat([encodeOffset(offset), state])
    const operations: IndexOperation[] = [{ type: 'put', key: snapshotKey(document), value }]
    for await (const key of this.#db.keys(recordRange(document, 0n, offset))) operations.push({ type: 'del', key })
    return operations
  }

  /** @param sync whether to wait until it survives a power loss. */
  async commit(operations: IndexOperation[], { sync }: { sync: boolean }): Promise<void> {
    // LevelDB answers from the page cache without `sync`; MemoryLevel has no such option and ignores it.
    await this.#db.batch(operations, { sync } as object)
  }

  clear(): Promise<void> {
    return this.#db.clear()
  }

  close(): Promise<void> {
    return this.#db.close()
  }
}

/** A record that takes a client, whatever it has, to the state of the snapshot. */
export function recordOf(document: DocumentId, { offset, state }: Snapshot): LogRecord {
  return { offset, value: encodeEnvelope(document, encodeMessage({ type: 'update', update: state })) }
}

function toSnapshot(stored: Uint8Array): Snapshot {
  const { offset, rest } = splitOffset(stored)
  return { offset, state: rest }
}
