import type { DocumentId } from './document-id.js'

/** The log a document is written to. Many documents may share one. */
export interface LogStream {
  readonly topic: string
  readonly partition: number
}

export interface LogPosition extends LogStream {
  readonly offset: bigint
}

export interface LogRecord {
  readonly offset: bigint
  /** An envelope with one update message, ready to be sent to clients. */
  readonly value: Uint8Array
}

/**
 * An append-only log with Kafka's terms and guarantees. Within a stream every record has its own offset, in the order
 * of the `append` calls, and no offset is given twice, not even after a restart. A document's offsets rise but
 * need not be consecutive.
 */
export interface LogStore {
  /** Where the document's records go; constant for the life of the store. */
  locate(document: DocumentId): LogStream

  /** Resolves when the record is durable; every tail has received it by then. Rejects when it may not be. */
  append(document: DocumentId, value: Uint8Array): Promise<LogPosition>

  /** The document's retained records from `from` on that are durable now, by rising offset. */
  read(document: DocumentId, from: bigint): AsyncIterable<LogRecord>

  /**
   * Delivers each of the document's records from `from` on, once, by rising offset, without a gap between the history
   * and what is appended later. Where a snapshot has replaced records from `from` on, its state comes in their place, as
   * one update with the offset of the snapshot. Resolves, with a function that ends the delivery, once the history was
   * delivered. `onRecord` must not throw.
   */
  tail(document: DocumentId, from: bigint, onRecord: (record: LogRecord) => void): Promise<() => void>

  /** The offset that the stream's next record will have. */
  highWatermark(document: DocumentId): Promise<bigint>

  /** Resolves when everything appended or snapshotted before is durable or rejected, and all resources are free. */
  close(): Promise<void>
}

/** A document's state that stands for all its records up to and including `offset`. */
export interface Snapshot {
  readonly offset: bigint
  /** A Yjs V1 update. */
  readonly state: Uint8Array
}

export interface SnapshotStore {
  getSnapshot(document: DocumentId): Promise<Snapshot | undefined>

  /** Replaces the document's snapshot. The store may delete the records it covers, but only together with this. */
  putSnapshot(document: DocumentId, snapshot: Snapshot): Promise<void>
}
