import type { DocumentId } from './document-id.js'
import type { KafkaCluster } from './kafka-cluster.js'
import { type IndexOperation, LevelIndex } from './level-index.js'
import { decodeOffset, encodeOffset, identityKey, positionKey } from './level-keys.js'
import type { LogRecord, Snapshot } from './log-store.js'

export interface ViewPosition {
  readonly topic: string
  readonly partition: number
  /** The offset up to which, not including it, the view has the partition. */
  readonly next: bigint
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

  async takeRecords(
    records: readonly { readonly document: DocumentId; readonly record: LogRecord }[],
    position: ViewPosition
  ): Promise<void> {
    await this.#commit(
      records.map(({ document, record }) => this.#index.recordAdded(document, record)),
      position
    )
  }

  /** Snapshots of several gateways may come in any order: the one that covers most is kept. */
  async takeSnapshots(
    snapshots: readonly { readonly document: DocumentId; readonly snapshot: Snapshot }[],
    position: ViewPosition
  ): Promise<void> {
    for (const { document, snapshot } of snapshots) {
      const known = await this.#index.getSnapshot(document)
      if (known !== undefined && known.offset >= snapshot.offset) continue
      await this.#index.commit(await this.#index.snapshotReplaced(document, snapshot), { sync: false })
    }
    await this.#commit([], position)
  }

  close(): Promise<void> {
    return this.#index.close()
  }

  async #commit(operations: IndexOperation[], { topic, partition, next }: ViewPosition): Promise<void> {
    operations.push({ type: 'put', key: positionKey(topic, partition), value: encodeOffset(next) })
    await this.#index.commit(operations, { sync: false })
    this.#positions.set(nameOf(topic, partition), next)
  }
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
