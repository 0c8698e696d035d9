import { Consumer } from '@platformatic/kafka'

export interface LoggedRecord {
  readonly partition: number
  readonly offset: bigint
  readonly key: string
  readonly value: Buffer
}

/** All that a topic has, partition by partition, read without any of the gateway's code. */
export async function readTopic(brokers: string[], topic: string): Promise<LoggedRecord[]> {
  const consumer = new Consumer({ clientId: 'test', groupId: 'test', bootstrapBrokers: brokers })
  try {
    const metadata = await consumer.metadata({ topics: [topic] })
    const { id, partitions } = metadata.topics.get(topic)!
    const ends = (await consumer.listOffsets({ topics: [topic] })).get(topic)!
    const starts = (await consumer.listOffsets({ topics: [topic], timestamp: -2n })).get(topic)!
    const records: LoggedRecord[] = []
    for (const [partition, { leader }] of partitions.entries()) {
      for (let next = starts[partition]!; next < ends[partition]!;) {
        const place = {
          partition,
          fetchOffset: next,
          partitionMaxBytes: 1 << 20,
          currentLeaderEpoch: -1,
          lastFetchedEpoch: -1
        }
        const topics = [{ topicId: id, partitions: [place] }]
        const { responses } = await consumer.fetch({
          node: leader,
          topics,
          maxWaitTime: 1000,
          minBytes: 1,
          maxBytes: 1 << 20
        })
        for (const batch of responses[0]?.partitions[0]?.records ?? []) {
          for (const { offsetDelta, key, value } of batch.records) {
            const offset = batch.firstOffset + BigInt(offsetDelta)
            if (offset >= next) records.push({ partition, offset, key: String(key), value: value! })
          }
          next = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
        }
      }
    }
    return records
  } finally {
    await consumer.close()
  }
}
