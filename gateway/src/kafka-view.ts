import { type DocumentId, documentKey } from './document-id.js'
import type { KafkaCluster } from './kafka-cluster.js'
import { documentOfKey, kafkaKey } from './kafka-key.js'
import { type IndexOperation, LevelIndex } from './level-index.js'
import {
  decodeOffset,
  encodeOffset,
  identityKey,
  neededKey,
  neededOffsetKey,
  neededOffsetRange,
  offsetOfKey,
  positionKey,
  recordRange
} from './level-keys.js'
import type { LogRecord, Snapshot } from './log-store.js'

export interface ViewPosition {
  readonly topic: string
  readonly partition: number
  /** The offset up to which, not including it, the view has the partition. */
  readonly next: bigint
}

export interface UpdateOf {
  readonly document: DocumentId
  readonly record: LogRecord
}

export interface SnapshotOf {
  readonly document: DocumentId
  readonly snapshot: Snapshot
}

/** What a document's next records meet. */
interface Head {
  /** Whether Kafka has records that its snapshot in Kafka does not cover. */
  isNeeded: boolean
  /** Up to here nothing has to be kept. */
  readonly covered: bigint
}

/** Part of the identity: a view of another layout is not read. */
const LAYOUT = 1

/**
 * What was read from the topics, by document, on disk. Whatever happens to it, it can be read again: it moves with its
 * positions in one step, and one that does not fit the topics is thrown away.
 */
export class KafkaView {
  readonly #index: LevelIndex
  readonly #positions: Map<string, bigint>
  #queue: Promise<void> = Promise.resolve()

  private constructor(index: LevelIndex, positions: Map<string, bigint>) {
    this.#index = index
    this.#positions = positions
  }

  static async open(folder: string, cluster: KafkaCluster): Promise<KafkaView> {
    const index = await LevelIndex.open(folder)
    try {
      const isOurs = (await readIdentity(index)) === identityOf(cluster)
      const positions = isOurs ? await readPositions(index, cluster) : new Map<string, bigint>()
      if (isOurs && (await fits(positions, cluster))) return new KafkaView(index, positions)
      await index.clear()
      const identity = Buffer.from(identityOf(cluster))
      await index.commit([{ type: 'put', key: identityKey(), value: identity }], { sync: true })
      return new KafkaView(index, new Map())
    } catch (error) {
      await index.close()
      throw error
    }
  }

  position(topic: string, partition: number): bigint {
    return this.#positions.get(nameOf(topic, partition)) ?? 0n
  }

  read(document: DocumentId, from: bigint): AsyncIterable<LogRecord> {
    return this.#index.read(document, from)
  }

  history(document: DocumentId, from: bigint): AsyncIterable<LogRecord> {
    return this.#index.history(document, from)
  }

  getSnapshot(document: DocumentId): Promise<Snapshot | undefined> {
    return this.#index.getSnapshot(document)
  }

  /** The lowest offset of the partition that no snapshot in Kafka covers, and whose it is. */
  async oldestNeeded(partition: number): Promise<{ offset: bigint; document: DocumentId } | undefined> {
    const entry = await this.#index.first(neededOffsetRange(partition))
    if (entry === undefined) return undefined
    const document = documentOfKey(entry[1])!
    return { offset: (await this.#neededOf(document))!, document }
  }

  takeRecords(records: readonly UpdateOf[], position: ViewPosition): Promise<void> {
    return this.#inOrder(async () => {
      const operations: IndexOperation[] = []
      const heads = new Map<string, Head>()
      for (const { document, record } of records) {
        const key = documentKey(document)
        const head = heads.get(key) ?? (await this.#headOf(document))
        heads.set(key, head)
        // A snapshot may have come before the records that it covers: they are in another topic.
        if (record.offset <= head.covered) continue
        operations.push(this.#index.recordAdded(document, record))
        if (!head.isNeeded) operations.push(...neededFrom(document, position.partition, record.offset))
        head.isNeeded = true
      }
      await this.#commit(operations, position)
    })
  }

  /**
   * Snapshots of several gateways may come in any order. The one that covers most is kept here; but Kafka keeps the
   * last, and what that does not cover is still needed.
   */
  takeSnapshots(snapshots: readonly SnapshotOf[], position: ViewPosition): Promise<void> {
    return this.#inOrder(async () => {
      for (const taken of snapshots) {
        await this.#index.commit(await this.#snapshotTaken(taken, position.partition), { sync: false })
      }
      await this.#commit([], position)
    })
  }

  async close(): Promise<void> {
    await this.#queue
    await this.#index.close()
  }

  async #snapshotTaken({ document, snapshot }: SnapshotOf, partition: number): Promise<IndexOperation[]> {
    const known = await this.#index.getSnapshot(document)
    const isStale = known !== undefined && known.offset > snapshot.offset
    const operations = isStale ? [] : await this.#index.snapshotReplaced(document, snapshot)
    const before = await this.#neededOf(document)
    const needed = isStale ? snapshot.offset + 1n : await this.#firstRecordAfter(document, snapshot.offset)
    if (before !== undefined) operations.push(...neededNoMore(document, partition, before))
    if (needed !== undefined) operations.push(...neededFrom(document, partition, needed))
    return operations
  }

  /** Two brokers may bring updates and snapshots at once: what is decided on must not change meanwhile. */
  #inOrder(task: () => Promise<void>): Promise<void> {
    const done = this.#queue.then(task)
    this.#queue = done.catch(() => {})
    return done
  }

  /** The snapshot is looked at only where nothing is needed: it may be large. */
  async #headOf(document: DocumentId): Promise<Head> {
    if ((await this.#neededOf(document)) !== undefined) return { isNeeded: true, covered: -1n }
    return { isNeeded: false, covered: (await this.#index.getSnapshot(document))?.offset ?? -1n }
  }

  async #neededOf(document: DocumentId): Promise<bigint | undefined> {
    const stored = await this.#index.get(neededKey(document))
    return stored === undefined ? undefined : decodeOffset(stored)
  }

  async #firstRecordAfter(document: DocumentId, offset: bigint): Promise<bigint | undefined> {
    const entry = await this.#index.first(recordRange(document, offset + 1n))
    return entry === undefined ? undefined : offsetOfKey(entry[0])
  }

  async #commit(operations: IndexOperation[], { topic, partition, next }: ViewPosition): Promise<void> {
    operations.push({ type: 'put', key: positionKey(topic, partition), value: encodeOffset(next) })
    await this.#index.commit(operations, { sync: false })
    this.#positions.set(nameOf(topic, partition), next)
  }
}

function neededFrom(document: DocumentId, partition: number, offset: bigint): IndexOperation[] {
  return [
    { type: 'put', key: neededKey(document), value: encodeOffset(offset) },
    { type: 'put', key: neededOffsetKey(partition, offset, document), value: kafkaKey(document) }
  ]
}

function neededNoMore(document: DocumentId, partition: number, offset: bigint): IndexOperation[] {
  return [
    { type: 'del', key: neededKey(document) },
    { type: 'del', key: neededOffsetKey(partition, offset, document) }
  ]
}

async function readIdentity(index: LevelIndex): Promise<string | undefined> {
  const stored = await index.get(identityKey())
  return stored === undefined ? undefined : Buffer.from(stored).toString()
}

async function readPositions(index: LevelIndex, cluster: KafkaCluster): Promise<Map<string, bigint>> {
  const positions = new Map<string, bigint>()
  for (const topic of [cluster.settings.topic, cluster.settings.snapshotTopic]) {
    for (let partition = 0; partition < cluster.partitions; partition++) {
      const stored = await index.get(positionKey(topic, partition))
      if (stored !== undefined) positions.set(nameOf(topic, partition), decodeOffset(stored))
    }
  }
  return positions
}

/** Whether the topics still have all that the view has: a cluster that lost its end gives its offsets again. */
async function fits(positions: Map<string, bigint>, cluster: KafkaCluster): Promise<boolean> {
  const checks: Promise<boolean>[] = []
  for (const topic of [cluster.settings.topic, cluster.settings.snapshotTopic]) {
    for (let partition = 0; partition < cluster.partitions; partition++) {
      const position = positions.get(nameOf(topic, partition))
      if (position !== undefined) checks.push(cluster.endOffset(topic, partition).then((end) => position <= end))
    }
  }
  return (await Promise.all(checks)).every(Boolean)
}

/** Topics that were deleted and created again have other ids. */
function identityOf({ topicIds, partitions }: KafkaCluster): string {
  return `${LAYOUT} ${topicIds} ${partitions}`
}

function nameOf(topic: string, partition: number): string {
  return `${topic}:${partition}`
}
