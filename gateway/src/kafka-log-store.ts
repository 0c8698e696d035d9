import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { DocumentId } from './document-id.js'
import { KafkaCleaner } from './kafka-cleaner.js'
import { KafkaCluster } from './kafka-cluster.js'
import { type Chunk, type FetchedRecord, KafkaFollower } from './kafka-follower.js'
import { documentOfKey, kafkaKey, partitionOf } from './kafka-key.js'
import { type KafkaOptions, resolveKafkaOptions } from './kafka-options.js'
import { KafkaProducer, type RecordToProduce } from './kafka-producer.js'
import { KafkaView, type SnapshotOf, type UpdateOf } from './kafka-view.js'
import { recordOf } from './level-index.js'
import { encodeOffset, OFFSET_BYTES, splitOffset } from './level-keys.js'
import type { LogPosition, LogRecord, LogStore, LogStream, Snapshot, SnapshotStore } from './log-store.js'
import { Refusal } from './refusal.js'
import { Tails } from './tails.js'

export interface KafkaStoreOptions extends KafkaOptions {
  /** Folder of what was read from Kafka, by document. May be lost at any time. Without it, a temporary one. */
  readonly cache?: string | undefined
  /** Bytes of the largest envelope that will be appended. Default 8 MiB. */
  readonly maxMessageBytes?: number | undefined
  /** Is told of failures that have no caller. Default: nobody is. */
  readonly report?: ((error: unknown, context: string) => void) | undefined
}

const MIB = 1024 * 1024

/** How long `close` waits for what was produced to come back, in milliseconds. */
const CLOSE_TIMEOUT = 5000

/**
 * The log and the snapshots on Apache Kafka, for any number of gateways. A document's updates are in one partition of one
 * topic, its snapshots in the same partition of another, compacted one. Kafka can't be asked for the records of one
 * document, so each gateway keeps the partitions that it uses, by document, in a local view that follows them.
 */
export class KafkaLogStore implements LogStore, SnapshotStore {
  readonly #cluster: KafkaCluster
  readonly #view: KafkaView
  readonly #removeView: () => Promise<void>
  readonly #updates: KafkaProducer
  readonly #snapshots: KafkaProducer
  readonly #follower: KafkaFollower
  readonly #cleaner: KafkaCleaner
  readonly #tails = new Tails()
  /** The partitions that are read. */
  readonly #partitions = new Set<number>()
  readonly #underWay = new Set<Promise<unknown>>()
  #isClosed = false

  private constructor(
    cluster: KafkaCluster,
    view: KafkaView,
    removeView: () => Promise<void>,
    report: (error: unknown, context: string) => void
  ) {
    this.#cluster = cluster
    this.#view = view
    this.#removeView = removeView
    this.#updates = new KafkaProducer(cluster)
    // Apart, because a large snapshot would hold updates up.
    this.#snapshots = new KafkaProducer(cluster)
    this.#follower = new KafkaFollower(cluster, {
      onChunk: (chunk) => this.#takeChunk(chunk),
      onGap: (topic, partition, start) => this.#crossGap(topic, partition, start),
      report
    })
    this.#cleaner = new KafkaCleaner({
      cluster,
      view,
      putSnapshot: (document, snapshot) => this.putSnapshot(document, snapshot),
      caughtUp: (partition) => this.#reachEnds(partition),
      report
    })
    const { retention } = cluster.settings
    if (Number.isFinite(retention)) this.#cleaner.start(retention, () => [...this.#partitions])
  }

  /**
   * Connects, and creates the topics unless they are there. Rejects when Kafka can't be reached, when its topics don't
   * fit the options, or when the cache is in use. Throws a `TypeError` for an option out of range.
   */
  static async open(options: KafkaStoreOptions): Promise<KafkaLogStore> {
    const { maxMessageBytes = 8 * MIB, report = () => {} } = options
    const cluster = await KafkaCluster.connect(resolveKafkaOptions(options), maxMessageBytes)
    try {
      const folder = options.cache ?? (await mkdtemp(join(tmpdir(), 'y-kafka-gateway-')))
      const removeView = () =>
        options.cache === undefined ? rm(folder, { recursive: true, force: true }) : Promise.resolve()
      return new KafkaLogStore(cluster, await KafkaView.open(folder, cluster), removeView, report)
    } catch (error) {
      await cluster.close()
      throw error
    }
  }

  locate(document: DocumentId): LogStream {
    return { topic: this.#cluster.settings.topic, partition: partitionOf(kafkaKey(document), this.#cluster.partitions) }
  }

  append(document: DocumentId, value: Uint8Array): Promise<LogPosition> {
    const { topic, partition } = this.locate(document)
    return this.#produce(this.#updates, { topic, partition, key: kafkaKey(document), value: toBuffer(value) })
  }

  async *read(document: DocumentId, from: bigint): AsyncGenerator<LogRecord> {
    await this.#caughtUp(document)
    yield* this.#view.read(document, from)
  }

  async tail(document: DocumentId, from: bigint, onRecord: (record: LogRecord) => void): Promise<() => void> {
    await this.#caughtUp(document)
    return this.#tails.follow(document, from, onRecord, () => this.#view.history(document, from))
  }

  async highWatermark(document: DocumentId): Promise<bigint> {
    const { topic, partition } = this.locate(document)
    return this.#cluster.endOffset(topic, partition)
  }

  async getSnapshot(document: DocumentId): Promise<Snapshot | undefined> {
    await this.#caughtUp(document)
    return this.#view.getSnapshot(document)
  }

  async putSnapshot(document: DocumentId, { offset, state }: Snapshot): Promise<void> {
    const { snapshotTopic: topic, maxSnapshotBytes } = this.#cluster.settings
    if (state.length > maxSnapshotBytes) {
      throw new Refusal('too-large', `a snapshot of ${state.length} bytes exceeds ${maxSnapshotBytes}`)
    }
    const value = Buffer.concat([encodeOffset(offset), state])
    const { partition } = this.locate(document)
    await this.#produce(this.#snapshots, { topic, partition, key: kafkaKey(document), value })
  }

  /**
   * Replaces updates that are older than a time by snapshots, and deletes them from the topic, in the partitions that are
   * read here. Happens by itself as `retention` says.
   */
  clean(olderThan: Date): Promise<void> {
    return this.#cleaner.clean(olderThan.getTime(), [...this.#partitions])
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#cleaner.stop()
    await Promise.all([this.#updates.close(), this.#snapshots.close()])
    // What was produced just now is on its way back. Without a broker it would never come.
    await Promise.race([Promise.allSettled(this.#underWay), delay(CLOSE_TIMEOUT, undefined, { ref: false })])
    await this.#follower.close()
    await this.#cluster.close()
    await this.#view.close()
    await this.#removeView()
  }

  /** Resolves when the record is in the log and came back from it, in its turn among those of other gateways. */
  #produce(producer: KafkaProducer, record: RecordToProduce): Promise<LogPosition> {
    if (this.#isClosed) return Promise.reject(new Error('the log is closed'))
    const { topic, partition } = record
    this.#follow(partition)
    const producing = producer.append(record).then(async (offset) => {
      await this.#follower.passed(topic, partition, offset + 1n)
      return { topic, partition, offset }
    })
    const settled: Promise<unknown> = producing.catch(() => {}).finally(() => this.#underWay.delete(settled))
    this.#underWay.add(settled)
    return producing
  }

  #follow(partition: number): void {
    if (this.#partitions.has(partition)) return
    this.#partitions.add(partition)
    const { topic, snapshotTopic } = this.#cluster.settings
    for (const name of [topic, snapshotTopic]) {
      this.#follower.follow(name, partition, this.#view.position(name, partition))
    }
  }

  /** Resolves when the view has all that was acknowledged to anybody before the call. */
  async #caughtUp(document: DocumentId): Promise<void> {
    if (this.#isClosed) throw new Error('the log is closed')
    const { partition } = this.locate(document)
    this.#follow(partition)
    await this.#reachEnds(partition)
  }

  async #reachEnds(partition: number): Promise<void> {
    const { topic, snapshotTopic } = this.#cluster.settings
    await Promise.all([this.#reachEnd(topic, partition), this.#reachEnd(snapshotTopic, partition)])
  }

  async #reachEnd(topic: string, partition: number): Promise<void> {
    await this.#follower.passed(topic, partition, await this.#cluster.endOffset(topic, partition))
  }

  async #takeChunk({ topic, partition, records, next }: Chunk): Promise<void> {
    const position = { topic, partition, next }
    if (topic === this.#cluster.settings.snapshotTopic) {
      await this.#view.takeSnapshots(records.flatMap(toSnapshot), position)
      return
    }
    const updates = records.flatMap(toUpdate)
    await this.#view.takeRecords(updates, position)
    for (const { document, record } of updates) this.#tails.deliver(document, record)
  }

  /** Records are deleted when snapshots cover them: who follows a document gets its snapshot instead. */
  async #crossGap(topic: string, partition: number, start: bigint): Promise<void> {
    const { topic: updates, snapshotTopic } = this.#cluster.settings
    if (topic !== updates) return
    await this.#reachEnd(snapshotTopic, partition)
    for (const document of this.#tails.documents()) {
      if (this.locate(document).partition !== partition) continue
      const snapshot = await this.#view.getSnapshot(document)
      if (snapshot !== undefined) this.#tails.deliver(document, recordOf(document, snapshot))
    }
    await this.#view.takeRecords([], { topic, partition, next: start })
  }
}

function toUpdate({ offset, key, value }: FetchedRecord): UpdateOf[] {
  const document = documentOfKey(key)
  return document === undefined || value === null ? [] : [{ document, record: { offset, value } }]
}

/** What somebody else may have written into the topic is skipped. */
function toSnapshot({ key, value }: FetchedRecord): SnapshotOf[] {
  const document = documentOfKey(key)
  if (document === undefined || value === null || value.length < OFFSET_BYTES) return []
  const { offset, rest } = splitOffset(value)
  return [{ document, snapshot: { offset, state: rest } }]
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}
