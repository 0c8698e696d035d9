import type { Admin } from '@platformatic/kafka'
import { hasKafkaCode } from './kafka-error.js'
import { DEFAULT_PARTITIONS, DEFAULT_REPLICAS, type KafkaSettings } from './kafka-options.js'

/** Bytes that an update grows by between the gateway's limit on messages and the log: metadata and Kafka's framing. */
const RECORD_OVERHEAD = 32 * 1024

export interface ClusterBounds {
  /** How many there are now. */
  readonly brokers: number
  /** Bytes of the largest envelope. */
  readonly maxMessageBytes: number
}

/** Creates the topics of updates and of snapshots unless they are there. */
export async function createTopics(admin: Admin, settings: KafkaSettings, bounds: ClusterBounds): Promise<void> {
  const { topic, snapshotTopic, maxSnapshotBytes } = settings
  const existing = new Set(await admin.listTopics())
  if (!existing.has(topic)) {
    // What snapshots don't cover is nowhere else, so nothing goes by itself. And a compacted topic would keep a
    // document's last update only.
    const configs = { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' }
    const maxBytes = bounds.maxMessageBytes + RECORD_OVERHEAD
    await createTopic(admin, topic, settings, bounds, { ...configs, 'max.message.bytes': maxBytes })
  }
  if (!existing.has(snapshotTopic)) {
    const configs = { 'cleanup.policy': 'compact', 'max.message.bytes': maxSnapshotBytes + RECORD_OVERHEAD }
    await createTopic(admin, snapshotTopic, settings, bounds, configs)
  }
}

async function createTopic(
  admin: Admin,
  topic: string,
  settings: KafkaSettings,
  { brokers }: ClusterBounds,
  configs: Record<string, string | number>
): Promise<void> {
  const replicas = settings.replicas ?? Math.min(DEFAULT_REPLICAS, brokers)
  // One replica may be away, as long as one is left that has everything.
  const all = { ...configs, 'min.insync.replicas': Math.max(1, replicas - 1) }
  try {
    await admin.createTopics({
      topics: [topic],
      partitions: settings.partitions ?? DEFAULT_PARTITIONS,
      replicas,
      configs: Object.entries(all).map(([name, value]) => ({ name, value: String(value) }))
    })
  } catch (error) {
    if (!hasKafkaCode(error, 'TOPIC_ALREADY_EXISTS')) throw error // Another gateway was faster.
  }
}
