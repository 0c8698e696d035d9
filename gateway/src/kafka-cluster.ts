import { isIP } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type * as Kafka from '@platformatic/kafka'
import type { KafkaSettings } from './kafka-options.js'
import { createTopics } from './kafka-topics.js'

/** How long a broker may take to accept a connection and to answer, in milliseconds. */
const CONNECT_TIMEOUT = 5000
const REQUEST_TIMEOUT = 10_000

/** The same for requests that may carry a large snapshot. */
export const TRANSFER_TIMEOUT = 60_000

/** How long a new topic may take until all its partitions can be used, in milliseconds. */
const CREATE_TIMEOUT = 30_000
const CREATE_POLL = 100

const EARLIEST = -2n
const LATEST = -1n

interface Topic {
  readonly id: string
  readonly leaders: readonly number[]
}

/** The brokers and our two topics: who leads which partition, and where partitions begin and end. */
export class KafkaCluster {
  readonly kafka: typeof Kafka
  readonly settings: KafkaSettings
  /** For metadata and offsets only: a connection answers in order, and a waiting fetch would hold them up. */
  readonly #consumer: Kafka.Consumer
  readonly #topics = new Map<string, Topic>()
  readonly #asked = new Map<string, { readonly topic: string; readonly partition: number }>()
  #answer: Promise<Map<string, bigint[]>> | undefined
  #answering: Promise<void> = Promise.resolve()

  private constructor(kafka: typeof Kafka, settings: KafkaSettings) {
    this.kafka = kafka
    this.settings = settings
    this.#consumer = this.consumer()
  }

  /**
   * Connects, and creates the topics unless they are there. Rejects when no broker can be reached, or when the topics
   * are not as they have to be.
   * @param maxMessageBytes of the largest envelope.
   */
  static async connect(settings: KafkaSettings, maxMessageBytes: number): Promise<KafkaCluster> {
    const cluster = new KafkaCluster(await loadKafka(), settings)
    try {
      await cluster.#begin(maxMessageBytes)
      cluster.#checkPartitions()
      return cluster
    } catch (error) {
      await cluster.close()
      throw error
    }
  }

  get partitions(): number {
    return this.#topic(this.settings.topic).leaders.length
  }

  /** Of both topics: they are others after having been deleted and created again. */
  get topicIds(): string {
    return `${this.topicId(this.settings.topic)} ${this.topicId(this.settings.snapshotTopic)}`
  }

  topicId(topic: string): string {
    return this.#topic(topic).id
  }

  /** The node that leads a partition; negative while none does. */
  leaderOf(topic: string, partition: number): number {
    return this.#topic(topic).leaders[partition]!
  }

  /** A consumer that joins no group. */
  consumer(requestTimeout = REQUEST_TIMEOUT): Kafka.Consumer {
    // A group id is required, and never sent: we neither join nor commit.
    return new this.kafka.Consumer({
      ...this.clientOptions(requestTimeout),
      groupId: this.settings.clientId,
      isolationLevel: 0
    })
  }

  clientOptions(
    requestTimeout = REQUEST_TIMEOUT
  ): Kafka.ConsumerOptions<Buffer, Buffer, Buffer, Buffer> & { groupId: string } {
    const { clientId, brokers, tls, sasl } = this.settings
    return {
      groupId: clientId,
      clientId,
      bootstrapBrokers: [...brokers],
      connectTimeout: CONNECT_TIMEOUT,
      requestTimeout,
      retries: 0,
      ...(tls === undefined ? {} : { tls, tlsServerName: !brokers.some(isIpAddress) }),
      ...(sasl === undefined ? {} : { sasl: sasl as Kafka.SASLOptions })
    }
  }

  /** Learns who leads what now. */
  async refresh(): Promise<void> {
    const { topic, snapshotTopic } = this.settings
    const { topics } = await this.#consumer.metadata({ topics: [topic, snapshotTopic], forceUpdate: true })
    for (const [name, { id, partitions }] of topics) {
      this.#topics.set(name, { id, leaders: partitions.map(({ leader }) => leader) })
    }
  }

  /** The offset that the partition's next record will have. Whoever asks while a request is under way shares the next. */
  endOffset(topic: string, partition: number): Promise<bigint> {
    this.#asked.set(`${topic}:${partition}`, { topic, partition })
    this.#answer ??= this.#answering.then(() => this.#answerAll())
    return this.#answer.then((offsets) => offsets.get(topic)![partition]!)
  }

  /** The lowest offset that the topic's partitions still have, by partition. */
  async startOffsets(topic: string, partitions: readonly number[]): Promise<readonly bigint[]> {
    return (await this.#offsets({ [topic]: [...partitions] }, EARLIEST)).get(topic)!
  }

  /** The offset of the partition's first record that is as young as `time` or younger; its end when there is none. */
  async offsetAt(topic: string, partition: number, time: number): Promise<bigint> {
    const end = await this.endOffset(topic, partition) // asked first: what is appended meanwhile is younger
    const offset = (await this.#offsets({ [topic]: [partition] }, BigInt(Math.floor(time)))).get(topic)![partition]!
    return offset < 0n ? end : offset
  }

  /** Deletes the records below an offset. */
  async deleteRecords(topic: string, partition: number, offset: bigint): Promise<void> {
    await this.#asAdmin((admin) =>
      admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition, offset }] }] })
    )
  }

  async close(): Promise<void> {
    await this.#consumer.close()
  }

  async #begin(maxMessageBytes: number): Promise<void> {
    try {
      await this.#createTopics(maxMessageBytes)
      await this.#topicsKnown(maxMessageBytes)
    } catch (cause) {
      throw new Error(`Kafka at ${this.settings.brokers.join(', ')} can't be used`, { cause })
    }
  }

  async #createTopics(maxMessageBytes: number): Promise<void> {
    const { brokers } = await this.#consumer.metadata({ topics: [] })
    await this.#asAdmin((admin) => createTopics(admin, this.settings, { brokers: brokers.size, maxMessageBytes }))
  }

  async #asAdmin(use: (admin: Kafka.Admin) => Promise<unknown>): Promise<void> {
    const admin = new this.kafka.Admin(this.clientOptions())
    try {
      await use(admin)
    } finally {
      await admin.close()
    }
  }

  async #answerAll(): Promise<Map<string, bigint[]>> {
    const partitions: Record<string, number[]> = {}
    for (const { topic, partition } of this.#asked.values()) (partitions[topic] ??= []).push(partition)
    this.#asked.clear()
    this.#answer = undefined
    const offsets = this.#offsets(partitions, LATEST)
    this.#answering = offsets.then(
      () => {},
      () => {}
    )
    return offsets
  }

  async #offsets(partitions: Record<string, number[]>, timestamp: bigint): Promise<Map<string, bigint[]>> {
    const request = { topics: Object.keys(partitions), partitions, timestamp }
    try {
      return await this.#consumer.listOffsets(request)
    } catch {
      // The leader has changed or its connection was lost: once more, with what is true now.
      this.#consumer.clearMetadata()
      return this.#consumer.listOffsets(request)
    }
  }

  /** A topic takes a moment to get from the controller to the brokers, and to get its leaders. */
  async #topicsKnown(maxMessageBytes: number): Promise<void> {
    const deadline = Date.now() + CREATE_TIMEOUT
    for (;;) {
      try {
        await this.refresh()
        if ([...this.#topics.values()].every(({ leaders }) => leaders.every((leader) => leader >= 0))) return
      } catch (error) {
        if (Date.now() > deadline) throw error
        await this.#createTopics(maxMessageBytes) // one that was being deleted may have been listed until now
      }
      if (Date.now() > deadline) throw new Error('some partitions have no leader')
      await delay(CREATE_POLL)
    }
  }

  #checkPartitions(): void {
    const { topic, snapshotTopic, partitions } = this.settings
    const count = this.partitions
    if (partitions !== undefined && partitions !== count) {
      throw new Error(`topic ${topic} has ${count} partitions, not ${partitions}: documents would move between them`)
    }
    const snapshots = this.#topic(snapshotTopic).leaders.length
    if (snapshots !== count) throw new Error(`${topic} has ${count} partitions and ${snapshotTopic} has ${snapshots}`)
  }

  #topic(name: string): Topic {
    const topic = this.#topics.get(name)
    if (topic === undefined) throw new Error(`no metadata of topic ${name}`)
    return topic
  }
}

/** Brokers behind one address are told apart by the name that TLS asks for, which can't be an IP address. */
function isIpAddress(broker: string): boolean {
  return isIP(broker.slice(0, broker.lastIndexOf(':')).replace(/^\[|\]$/g, '')) !== 0
}

async function loadKafka(): Promise<typeof Kafka> {
  try {
    return await import('@platformatic/kafka')
  } catch (cause) {
    const version = Number(process.versions.node.split('.')[0]) < 22 ? '@1' : ''
    throw new Error(`a log on Kafka needs a package: npm install @platformatic/kafka${version}`, { cause })
  }
}
