import { setTimeout as delay } from 'node:timers/promises'
import type * as Kafka from '@platformatic/kafka'
import { type KafkaCluster, TRANSFER_TIMEOUT } from './kafka-cluster.js'
import { hasKafkaCode } from './kafka-error.js'

/**
 * How long a broker may wait for news before it answers a fetch, in milliseconds. A partition that is added meanwhile
 * waits for the next fetch, so this bounds the delay of a partition's first update.
 */
const MAX_WAIT = 100
const MAX_FETCH_BYTES = 8 * 1024 * 1024
const MAX_PARTITION_BYTES = 1024 * 1024

const MIN_BACKOFF = 50
const MAX_BACKOFF = 2000
/** Failures in a row before the operator is told: leaders change, and brokers restart. */
const FAILURES_TO_REPORT = 5

export interface FetchedRecord {
  readonly offset: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
}

/** Part of a partition: all its records from the former position up to, not including, `next`. */
export interface Chunk {
  readonly topic: string
  readonly partition: number
  readonly records: readonly FetchedRecord[]
  readonly next: bigint
}

export interface FollowerEvents {
  /** Takes what came. Nothing further is fetched before it resolves; it is asked again after it rejected. */
  onChunk(chunk: Chunk): Promise<void>
  /** The records from the position up to `start` are deleted. Reading goes on at `start` after it resolves. */
  onGap(topic: string, partition: number, start: bigint): Promise<void>
  report(error: unknown, context: string): void
}

type FetchRequest = Kafka.FetchOptions<Buffer, Buffer, Buffer, Buffer>['topics']
type FetchResponse = Awaited<ReturnType<Kafka.Consumer['fetch']>>

interface Followed {
  readonly topic: string
  readonly partition: number
  position: bigint
  /** While what was deleted ahead of it is made up for. */
  isCrossingGap: boolean
  waiting: { readonly offset: bigint; readonly resolve: () => void; readonly reject: (error: Error) => void }[]
}

/** Reads partitions as they grow, each from a given offset, with one fetch under way per broker and without a group. */
export class KafkaFollower {
  readonly #cluster: KafkaCluster
  readonly #events: FollowerEvents
  readonly #consumer: Kafka.Consumer
  readonly #followed = new Map<string, Followed>()
  /** The loop of each broker that leads something. */
  readonly #loops = new Map<number, Promise<void>>()
  readonly #closing = new AbortController()
  #rounds = 0

  constructor(cluster: KafkaCluster, events: FollowerEvents) {
    this.#cluster = cluster
    this.#events = events
    this.#consumer = cluster.consumer(TRANSFER_TIMEOUT)
  }

  /** Begins with a partition, unless it is followed already. */
  follow(topic: string, partition: number, position: bigint): void {
    const name = `${topic}:${partition}`
    if (this.#followed.has(name)) return
    this.#followed.set(name, { topic, partition, position, isCrossingGap: false, waiting: [] })
    this.#startLoops()
  }

  /** Resolves when everything below `offset` was taken. Rejects when the follower is closed before. */
  passed(topic: string, partition: number, offset: bigint): Promise<void> {
    const followed = this.#followed.get(`${topic}:${partition}`)
    if (followed === undefined) return Promise.reject(new Error(`${topic}:${partition} is not followed`))
    if (followed.position >= offset) return Promise.resolve()
    if (this.#closing.signal.aborted) return Promise.reject(new Error('the log is closed'))
    return new Promise((resolve, reject) => followed.waiting.push({ offset, resolve, reject }))
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#consumer.close().catch(() => {}) // its connections may be broken already
    await Promise.all(this.#loops.values())
    const error = new Error('the log is closed')
    for (const { waiting } of this.#followed.values()) for (const { reject } of waiting.splice(0)) reject(error)
  }

  #startLoops(): void {
    for (const { topic, partition, isCrossingGap } of this.#followed.values()) {
      const leader = this.#cluster.leaderOf(topic, partition)
      if (isCrossingGap || this.#loops.has(leader) || this.#closing.signal.aborted) continue
      const loop = this.#run(leader).finally(() => {
        this.#loops.delete(leader)
        this.#startLoops() // somebody else leads its partitions now, or nobody
      })
      this.#loops.set(leader, loop)
    }
  }

  /** Ends when this broker leads nothing any more. */
  async #run(leader: number): Promise<void> {
    let failures = 0
    while (!this.#closing.signal.aborted) {
      const led = [...this.#followed.values()].filter(({ topic, partition, isCrossingGap }) => {
        return !isCrossingGap && this.#cluster.leaderOf(topic, partition) === leader
      })
      if (led.length === 0) return
      try {
        await this.#fetch(leader, led)
        failures = 0
      } catch (error) {
        if (!this.#closing.signal.aborted) await this.#recover(error, led, ++failures)
      }
    }
  }

  async #fetch(leader: number, led: readonly Followed[]): Promise<void> {
    if (leader < 0) throw new Error(`${led.length} partitions have no leader`)
    const options = { node: leader, maxWaitTime: MAX_WAIT, minBytes: 1, maxBytes: MAX_FETCH_BYTES }
    try {
      await this.#takeAll(await this.#consumer.fetch({ ...options, topics: this.#request(led) }), led)
    } catch (error) {
      // What is wrong with one partition must not stop the others.
      const { response } = error as { response?: FetchResponse }
      if (response !== undefined) await this.#takeAll(response, led)
      throw error
    }
  }

  async #takeAll({ responses }: FetchResponse, led: readonly Followed[]): Promise<void> {
    for (const { topicId, partitions } of responses) {
      for (const { partitionIndex, records: batches = [] } of partitions) {
        if (batches.length === 0) continue
        const followed = led.find(({ topic, partition }) => {
          return partition === partitionIndex && this.#cluster.topicId(topic) === topicId
        })
        if (followed !== undefined) await this.#take(followed, batches)
      }
    }
  }

  /** Brokers fill an answer in the order of the request: each time another partition is the first. */
  #request(led: readonly Followed[]): FetchRequest {
    const first = this.#rounds++ % led.length
    const topics = new Map<string, FetchRequest[number]>()
    for (const { topic, partition, position } of [...led.slice(first), ...led.slice(0, first)]) {
      const topicId = this.#cluster.topicId(topic)
      const request = topics.get(topicId) ?? { topicId, partitions: [] }
      topics.set(topicId, request)
      request.partitions.push({
        partition,
        fetchOffset: position,
        partitionMaxBytes: MAX_PARTITION_BYTES,
        currentLeaderEpoch: -1,
        lastFetchedEpoch: -1
      })
    }
    return [...topics.values()]
  }

  async #take(followed: Followed, batches: readonly Kafka.RecordsBatch[]): Promise<void> {
    const { topic, partition, position } = followed
    const last = batches.at(-1)!
    const next = last.firstOffset + BigInt(last.lastOffsetDelta) + 1n
    if (next <= position) return
    const records = batches.filter(isData).flatMap(({ firstOffset, records }) => {
      return records.map(({ offsetDelta, key, value }) => ({ offset: firstOffset + BigInt(offsetDelta), key, value }))
    })
    // A batch comes whole, even if we asked for its middle.
    await this.#events.onChunk({ topic, partition, next, records: records.filter(({ offset }) => offset >= position) })
    this.#advance(followed, next)
  }

  #advance(followed: Followed, next: bigint): void {
    followed.position = next
    const passed = followed.waiting.filter(({ offset }) => offset <= next)
    followed.waiting = followed.waiting.filter(({ offset }) => offset > next)
    for (const { resolve } of passed) resolve()
  }

  async #recover(error: unknown, led: readonly Followed[], failures: number): Promise<void> {
    if (failures === FAILURES_TO_REPORT) this.#events.report(error, 'reading the log')
    const { signal } = this.#closing
    const backoff = Math.min(MAX_BACKOFF, MIN_BACKOFF * 2 ** failures)
    await delay(backoff, undefined, { signal }).catch(() => {})
    if (signal.aborted) return
    try {
      this.#consumer.clearMetadata()
      await this.#cluster.refresh()
      if (hasKafkaCode(error, 'OFFSET_OUT_OF_RANGE')) await this.#skipDeleted(led)
    } catch {
      // Still away: the next fetch fails, and brings us here again.
    }
  }

  async #skipDeleted(led: readonly Followed[]): Promise<void> {
    for (const topic of new Set(led.map(({ topic }) => topic))) {
      const ofTopic = led.filter((followed) => followed.topic === topic)
      const starts = await this.#cluster.startOffsets(
        topic,
        ofTopic.map(({ partition }) => partition)
      )
      for (const followed of ofTopic) {
        const start = starts[followed.partition]!
        if (start > followed.position) this.#crossGap(followed, start)
      }
    }
  }

  /** The other partitions are read meanwhile: among them may be the one that helps. */
  #crossGap(followed: Followed, start: bigint): void {
    const { topic, partition } = followed
    followed.isCrossingGap = true
    this.#events
      .onGap(topic, partition, start)
      .then(() => this.#advance(followed, start))
      .catch((error: unknown) => this.#events.report(error, `crossing a gap in ${topic}:${partition}`))
      .finally(() => {
        followed.isCrossingGap = false
        this.#startLoops()
      })
  }
}

/** The others are marks of transactions. */
function isData({ attributes }: Kafka.RecordsBatch): boolean {
  return (attributes & 0x20) === 0
}
