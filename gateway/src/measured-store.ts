import type { DocumentId } from './document-id.js'
import type { LogPosition, LogRecord, LogStore, LogStream, Snapshot, SnapshotStore } from './log-store.js'
import type { Metrics } from './metrics.js'

/** A log whose writes are counted and timed. */
export class MeasuredStore implements LogStore, SnapshotStore {
  readonly #store: LogStore & SnapshotStore
  readonly #metrics: Metrics

  constructor(store: LogStore & SnapshotStore, metrics: Metrics) {
    this.#store = store
    this.#metrics = metrics
  }

  async append(document: DocumentId, value: Uint8Array): Promise<LogPosition> {
    const startedAt = performance.now()
    try {
      const position = await this.#store.append(document, value)
      this.#metrics.appended(value.length, startedAt)
      return position
    } catch (error) {
      this.#metrics.appendFailed()
      throw error
    }
  }

  async putSnapshot(document: DocumentId, snapshot: Snapshot): Promise<void> {
    try {
      await this.#store.putSnapshot(document, snapshot)
      this.#metrics.snapshot('written')
    } catch (error) {
      this.#metrics.snapshot('failed')
      throw error
    }
  }

  locate(document: DocumentId): LogStream {
    return this.#store.locate(document)
  }

  read(document: DocumentId, from: bigint): AsyncIterable<LogRecord> {
    return this.#store.read(document, from)
  }

  tail(document: DocumentId, from: bigint, onRecord: (record: LogRecord) => void): Promise<() => void> {
    return this.#store.tail(document, from, onRecord)
  }

  highWatermark(document: DocumentId): Promise<bigint> {
    return this.#store.highWatermark(document)
  }

  getSnapshot(document: DocumentId): Promise<Snapshot | undefined> {
    return this.#store.getSnapshot(document)
  }

  close(): Promise<void> {
    return this.#store.close()
  }
}
