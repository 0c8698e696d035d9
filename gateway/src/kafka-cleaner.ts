import * as Y from 'yjs'
import type { DocumentId } from './document-id.js'
import { decodeEnvelope } from './envelope.js'
import type { KafkaCluster } from './kafka-cluster.js'
import type { KafkaView } from './kafka-view.js'
import type { Snapshot, SnapshotStore } from './log-store.js'
import { decodeMessage } from './message.js'

/** How often the log is cleaned, as parts of the retention, and at most, in milliseconds. */
const RUNS_PER_RETENTION = 8
const MAX_INTERVAL = 60 * 60 * 1000

export interface CleanerContext {
  readonly cluster: KafkaCluster
  readonly view: KafkaView
  readonly putSnapshot: SnapshotStore['putSnapshot']
  /** Resolves when the view has all that is in the partition now. */
  readonly caughtUp: (partition: number) => Promise<void>
  readonly report: (error: unknown, context: string) => void
}

/**
 * Keeps the log from growing without end: replaces what is older than the retention by snapshots, and deletes it. Any
 * number of gateways may do it at once. What can't be read is never deleted, nor what follows it in its partition.
 */
export class KafkaCleaner {
  readonly #context: CleanerContext
  readonly #unreadable = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> = Promise.resolve()
  #isStopped = false

  constructor(context: CleanerContext) {
    this.#context = context
  }

  /** @param partitions asked each time for those to be cleaned. */
  start(retention: number, partitions: () => Iterable<number>): void {
    const interval = Math.min(MAX_INTERVAL, retention / RUNS_PER_RETENTION)
    const schedule = () => {
      // At another time than the other gateways: the first one leaves nothing to be done.
      this.#timer = setTimeout(() => void run(), interval * (0.5 + Math.random())).unref()
    }
    const run = async () => {
      this.#running = this.clean(Date.now() - retention, partitions())
      await this.#running
      if (!this.#isStopped) schedule()
    }
    schedule()
  }

  /** Resolves when nothing is being cleaned any more. */
  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#running
  }

  /** Cleans what is older than a time, in milliseconds since the epoch. Failures are reported, and tried again later. */
  async clean(olderThan: number, partitions: Iterable<number>): Promise<void> {
    for (const partition of partitions) {
      if (this.#isStopped) return
      try {
        await this.#cleanPartition(partition, olderThan)
      } catch (error) {
        if (!this.#isStopped) this.#context.report(error, `cleaning partition ${partition}`)
      }
    }
  }

  async #cleanPartition(partition: number, olderThan: number): Promise<void> {
    const { cluster, view, caughtUp } = this.#context
    const { topic } = cluster.settings
    const end = await cluster.offsetAt(topic, partition, olderThan)
    await caughtUp(partition)
    for (let before = -1n; ;) {
      const oldest = await view.oldestNeeded(partition)
      if (oldest === undefined || oldest.offset >= end) break
      if (this.#isStopped) return
      if (oldest.offset < before) throw new Error(`the snapshot of ${JSON.stringify(oldest.document)} was undone`)
      before = oldest.offset
      if (!(await this.#snapshot(oldest.document))) {
        await cluster.deleteRecords(topic, partition, oldest.offset)
        return
      }
    }
    await cluster.deleteRecords(topic, partition, end)
  }

  /** Whether the document has a snapshot now that covers all of it. */
  async #snapshot(document: DocumentId): Promise<boolean> {
    const { view, putSnapshot, report } = this.#context
    const name = JSON.stringify(document)
    try {
      await putSnapshot(document, await stateOf(view, document))
      this.#unreadable.delete(name)
      return true
    } catch (error) {
      if (!this.#isStopped && !this.#unreadable.has(name))
        report(error, `a snapshot of ${name}, without which its log grows`)
      this.#unreadable.add(name)
      return false
    }
  }
}

/** Rejects when a record can't be read: a snapshot without it would lose it. */
async function stateOf(view: KafkaView, document: DocumentId): Promise<Snapshot> {
  const doc = new Y.Doc()
  let offset = -1n
  const snapshot = await view.getSnapshot(document)
  if (snapshot !== undefined) {
    Y.applyUpdate(doc, snapshot.state)
    offset = snapshot.offset
  }
  for await (const record of view.history(document, offset + 1n)) {
    const message = decodeMessage(decodeEnvelope(record.value).payload)
    if (message.type !== 'update') throw new TypeError(`a ${message.type} message in the log at ${record.offset}`)
    Y.applyUpdate(doc, message.update)
    offset = record.offset
  }
  return { offset, state: Y.encodeStateAsUpdate(doc) }
}
