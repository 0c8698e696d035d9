import { mkdir } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import type { AbstractBatchOperation, AbstractLevel } from 'abstract-level'
import { ClassicLevel } from 'classic-level'
import { MemoryLevel } from 'memory-level'
import { type DocumentId, documentKey } from './document-id.js'
import {
  decodeOffset,
  encodeOffset,
  nextOffsetKey,
  offsetOfKey,
  recordKey,
  recordRange,
  snapshotKey,
  splitOffset
} from './level-keys.js'
import type { LogPosition, LogRecord, LogStore, LogStream, Snapshot, SnapshotStore } from './log-store.js'
import { syncTopic } from './topic.js'

type Level = AbstractLevel<string | Buffer | Uint8Array, Uint8Array, Uint8Array>
type Operation = AbstractBatchOperation<Level, Uint8Array, Uint8Array>

interface PendingAppend {
  readonly document: DocumentId
  readonly value: Uint8Array
  readonly resolve: (position: LogPosition) => void
  readonly reject: (error: unknown) => void
}

interface Tail {
  /** The lowest offset not delivered yet. */
  next: bigint
  /** What became durable while the history was being delivered; undefined afterwards. */
  backlog: LogRecord[] | undefined
  readonly onRecord: (record: LogRecord) => void
}

const ENCODING = { keyEncoding: 'view', valueEncoding: 'view' } as const
const PARTITION = 0
const MAX_CACHED_ROOMS = 10_000

/** The embedded log and snapshots: on disk with LevelDB, or in RAM. One log per room. */
export class LevelLogStore implements LogStore, SnapshotStore {
  readonly #db: Level
  readonly #tails = new Map<string, Set<Tail>>()
  readonly #nextOffsets = new Map<string, bigint>()
  readonly #snapshotting = new Set<Promise<void>>()
  #pending: PendingAppend[] = []
  #committing: Promise<void> | undefined
  #isClosed = false

  private constructor(db: Level) {
    this.#db = db
  }

  /** @param folder where the log is kept, made if it is missing; without it the log is lost on `close`. */
  static async open(folder?: string): Promise<LevelLogStore> {
    if (folder !== undefined) await mkdir(folder, { recursive: true })
    const db =
      folder === undefined
        ? new MemoryLevel<Uint8Array, Uint8Array>(ENCODING)
        : new ClassicLevel<Uint8Array, Uint8Array>(folder, ENCODING)
    await db.open()
    return new LevelLogStore(db as Level)
  }

  locate({ roomId }: DocumentId): LogStream {
    return { topic: syncTopic(roomId), partition: PARTITION }
  }

  append(document: DocumentId, value: Uint8Array): Promise<LogPosition> {
    if (this.#isClosed) return Promise.reject(new Error('the log is closed'))
    return new Promise((resolve, reject) => {
      this.#pending.push({ document, value, resolve, reject })
      this.#committing ??= this.#commitPending()
    })
  }

  async *read(document: DocumentId, from: bigint): AsyncGenerator<LogRecord> {
    for await (const [key, value] of this.#db.iterator(recordRange(document, from))) {
      yield { offset: offsetOfKey(key), value }
    }
  }

  async tail(document: DocumentId, from: bigint, onRecord: (record: LogRecord) => void): Promise<() => void> {
    const tail: Tail = { next: from, backlog: [], onRecord }
    // Registered before reading: a record is in the history, in the backlog, or in both, but never in neither.
    const stop = this.#register(documentKey(document), tail)
    try {
      for await (const record of this.read(document, from)) deliver(tail, record)
    } catch (error) {
      stop()
      throw error
    }
    for (const record of tail.backlog ?? []) deliver(tail, record)
    tail.backlog = undefined
    return stop
  }

  async highWatermark({ roomId }: DocumentId): Promise<bigint> {
    const stored = await this.#db.get(nextOffsetKey(roomId))
    return stored === undefined ? 0n : decodeOffset(stored)
  }

  async getSnapshot(document: DocumentId): Promise<Snapshot | undefined> {
    const stored = await this.#db.get(snapshotKey(document))
    if (stored === undefined) return undefined
    const { offset, rest } = splitOffset(stored)
    return { offset, state: rest }
  }

  putSnapshot(document: DocumentId, snapshot: Snapshot): Promise<void> {
    const writing = this.#replaceRecords(document, snapshot)
    const settled = writing.catch(() => {}).finally(() => this.#snapshotting.delete(settled))
    this.#snapshotting.add(settled)
    return writing
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#committing
    await Promise.all(this.#snapshotting) // the last records may have made some due
    await this.#db.close()
  }

  async #replaceRecords(document: DocumentId, { offset, state }: Snapshot): Promise<void> {
    const value = Buffer.concat([encodeOffset(offset), state])
    const batch: Operation[] = [{ type: 'put', key: snapshotKey(document), value }]
    for await (const key of this.#db.keys(recordRange(document, 0n, offset))) batch.push({ type: 'del', key })
    await this.#write(batch)
  }

  /** Group commit: whatever arrives during one synced write goes into the next, so a lone record never waits. */
  async #commitPending(): Promise<void> {
    await setImmediate() // gather what this turn of the event loop brings
    while (this.#pending.length > 0) {
      const appends = this.#pending
      this.#pending = []
      try {
        await this.#commit(appends)
      } catch (error) {
        // Whether the batch is on disk is unknown, but the counters and the records in it are so together.
        this.#nextOffsets.clear()
        for (const { reject } of appends) reject(error)
      }
    }
    this.#committing = undefined
  }

  async #commit(appends: readonly PendingAppend[]): Promise<void> {
    const batch: Operation[] = []
    const offsets: bigint[] = []
    const rooms = new Set<string>()
    if (this.#nextOffsets.size > MAX_CACHED_ROOMS) this.#nextOffsets.clear()
    for (const { document, value } of appends) {
      const offset = this.#nextOffsets.get(document.roomId) ?? (await this.highWatermark(document))
      this.#nextOffsets.set(document.roomId, offset + 1n)
      offsets.push(offset)
      rooms.add(document.roomId)
      batch.push({ type: 'put', key: recordKey(document, offset), value })
    }
    for (const roomId of rooms) {
      batch.push({ type: 'put', key: nextOffsetKey(roomId), value: encodeOffset(this.#nextOffsets.get(roomId)!) })
    }
    await this.#write(batch)
    appends.forEach(({ document, value, resolve }, index) => {
      const offset = offsets[index]!
      for (const tail of this.#tails.get(documentKey(document)) ?? []) receive(tail, { offset, value })
      resolve({ ...this.locate(document), offset })
    })
  }

  async #write(batch: Operation[]): Promise<void> {
    // LevelDB would answer from the page cache otherwise; MemoryLevel has no such option and ignores it.
    await this.#db.batch(batch, { sync: true } as object)
  }

  #register(key: string, tail: Tail): () => void {
    const tails = this.#tails.get(key) ?? new Set()
    this.#tails.set(key, tails.add(tail))
    return () => {
      tails.delete(tail)
      if (tails.size === 0 && this.#tails.get(key) === tails) this.#tails.delete(key)
    }
  }
}

function receive(tail: Tail, record: LogRecord): void {
  if (tail.backlog === undefined) deliver(tail, record)
  else tail.backlog.push(record)
}

function deliver(tail: Tail, record: LogRecord): void {
  if (record.offset < tail.next) return
  tail.next = record.offset + 1n
  tail.onRecord(record)
}
