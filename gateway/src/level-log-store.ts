import { setImmediate } from 'node:timers/promises'
import type { DocumentId } from './document-id.js'
import { type IndexOperation, LevelIndex } from './level-index.js'
import { decodeOffset, encodeOffset, nextOffsetKey } from './level-keys.js'
import type { LogPosition, LogRecord, LogStore, LogStream, Snapshot, SnapshotStore } from './log-store.js'
import { Tails } from './tails.js'
import { syncTopic } from './topic.js'

interface PendingAppend {
  readonly document: DocumentId
  readonly value: Uint8Array
  readonly resolve: (position: LogPosition) => void
  readonly reject: (error: unknown) => void
}

const PARTITION = 0
const MAX_CACHED_ROOMS = 10_000

/** The embedded log and snapshots: on disk with LevelDB, or in RAM. One log per room. */
export class LevelLogStore implements LogStore, SnapshotStore {
  readonly #index: LevelIndex
  readonly #tails = new Tails()
  readonly #nextOffsets = new Map<string, bigint>()
  readonly #snapshotting = new Set<Promise<void>>()
  #pending: PendingAppend[] = []
  #committing: Promise<void> | undefined
  #isClosed = false

  private constructor(index: LevelIndex) {
    this.#index = index
  }

  /** @param folder where the log is kept, made if it is missing; without it the log is lost on `close`. */
  static async open(folder?: string): Promise<LevelLogStore> {
    return new LevelLogStore(await LevelIndex.open(folder))
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

  read(document: DocumentId, from: bigint): AsyncIterable<LogRecord> {
    return this.#index.read(document, from)
  }

  tail(document: DocumentId, from: bigint, onRecord: (record: LogRecord) => void): Promise<() => void> {
    return this.#tails.follow(document, from, onRecord, () => this.#index.history(document, from))
  }

  async highWatermark({ roomId }: DocumentId): Promise<bigint> {
    const stored = await this.#index.get(nextOffsetKey(roomId))
    return stored === undefined ? 0n : decodeOffset(stored)
  }

  getSnapshot(document: DocumentId): Promise<Snapshot | undefined> {
    return this.#index.getSnapshot(document)
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
    await this.#index.close()
  }

  async #replaceRecords(document: DocumentId, snapshot: Snapshot): Promise<void> {
    await this.#index.commit(await this.#index.snapshotReplaced(document, snapshot), { sync: true })
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
    const batch: IndexOperation[] = []
    const offsets: bigint[] = []
    const rooms = new Set<string>()
    if (this.#nextOffsets.size > MAX_CACHED_ROOMS) this.#nextOffsets.clear()
    for (const { document, value } of appends) {
      const offset = this.#nextOffsets.get(document.roomId) ?? (await this.highWatermark(document))
      this.#nextOffsets.set(document.roomId, offset + 1n)
      offsets.push(offset)
      rooms.add(document.roomId)
      batch.push(this.#index.recordAdded(document, { offset, value }))
    }
    for (const roomId of rooms) {
      batch.push({ type: 'put', key: nextOffsetKey(roomId), value: encodeOffset(this.#nextOffsets.get(roomId)!) })
    }
    await this.#index.commit(batch, { sync: true })
    appends.forEach(({ document, value, resolve }, index) => {
      const offset = offsets[index]!
      this.#tails.deliver(document, { offset, value })
      resolve({ ...this.locate(document), offset })
    })
  }
}
