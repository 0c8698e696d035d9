import { setImmediate } from 'node:timers/promises'
import type * as Kafka from '@platformatic/kafka'
import type { KafkaCluster } from './kafka-cluster.js'
import { hasKafkaCode } from './kafka-error.js'
import { Refusal } from './refusal.js'

/** Bytes of one partition, and of all, in one request; a larger record goes alone. Below Kafka's default limits. */
const MAX_BATCH_BYTES = 512 * 1024
const MAX_REQUEST_BYTES = 16 * MAX_BATCH_BYTES

const RETRIES = 2
const RETRY_DELAY = 250
const ALL_REPLICAS = -1

export interface RecordToProduce {
  readonly topic: string
  readonly partition: number
  readonly key: Buffer
  readonly value: Buffer
}

interface Pending extends RecordToProduce {
  readonly resolve: (offset: bigint) => void
  readonly reject: (error: unknown) => void
}

/**
 * Appends records to partitions, in the order of the calls. There is a lane per broker with one request under way:
 * what arrives meanwhile goes into the next one, so a lone record never waits, and no partition is ever in two requests.
 */
export class KafkaProducer {
  readonly #cluster: KafkaCluster
  readonly #lanes = new Map<number, Lane>()
  /** The lane of each partition that has something to be produced: it stays there until that is done. */
  readonly #laneOf = new Map<string, { readonly lane: Lane; count: number }>()
  readonly #requestTimeout: number | undefined
  #pendingBytes = 0
  #isClosed = false

  /** @param requestTimeout how long a broker may take to answer, in milliseconds. */
  constructor(cluster: KafkaCluster, requestTimeout?: number) {
    this.#cluster = cluster
    this.#requestTimeout = requestTimeout
  }

  /**
   * Resolves with the offset when all replicas in sync have the record. Rejects when they may not; with a `busy` refusal
   * when too much waits.
   */
  async append(record: RecordToProduce): Promise<bigint> {
    const { clientId, maxPendingBytes } = this.#cluster.settings
    if (this.#isClosed) throw new Error('the log is closed')
    const bytes = bytesOfRecord(record)
    if (this.#pendingBytes > 0 && this.#pendingBytes + bytes > maxPendingBytes) {
      throw new Refusal('busy', `${this.#pendingBytes} bytes of ${clientId} wait for Kafka`)
    }
    const partition = `${record.topic}:${record.partition}`
    const place = this.#laneOf.get(partition) ?? { lane: this.#lane(record), count: 0 }
    this.#laneOf.set(partition, place)
    place.count++
    this.#pendingBytes += bytes
    try {
      return await place.lane.append(record)
    } finally {
      this.#pendingBytes -= bytes
      if (--place.count === 0) this.#laneOf.delete(partition)
    }
  }

  /** Resolves when everything appended before is in the log or rejected. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#lanes.values()].map((lane) => lane.close()))
  }

  #lane({ topic, partition }: RecordToProduce): Lane {
    const leader = this.#cluster.leaderOf(topic, partition)
    const lane = this.#lanes.get(leader) ?? new Lane(this.#cluster, this.#requestTimeout)
    this.#lanes.set(leader, lane)
    return lane
  }
}

/** What goes to one broker. */
class Lane {
  readonly #cluster: KafkaCluster
  readonly #requestTimeout: number | undefined
  #pending: Pending[] = []
  #producer: Kafka.Producer | undefined
  #sending: Promise<void> | undefined

  constructor(cluster: KafkaCluster, requestTimeout: number | undefined) {
    this.#cluster = cluster
    this.#requestTimeout = requestTimeout
  }

  append(record: RecordToProduce): Promise<bigint> {
    return new Promise((resolve, reject) => {
      this.#pending.push({ ...record, resolve, reject })
      this.#sending ??= this.#sendPending()
    })
  }

  async close(): Promise<void> {
    await this.#sending
    await this.#discardProducer()
  }

  async #sendPending(): Promise<void> {
    await setImmediate() // gather what this turn of the event loop brings
    while (this.#pending.length > 0) {
      const batch = this.#take()
      try {
        await this.#send(batch)
      } catch (error) {
        const reason = reasonOf(error, batch)
        for (const { reject } of batch) reject(reason)
        // What of the batch is in the log is unknown, and the producer goes on counting as if nothing was: the broker
        // would take the next batch for a repetition of this one, and drop it. A new producer starts a new count.
        await this.#discardProducer()
        await this.#cluster.refresh().catch(() => {}) // the next request finds out on its own
      }
    }
    this.#sending = undefined
  }

  async #send(batch: readonly Pending[]): Promise<void> {
    this.#producer ??= this.#createProducer()
    const messages = batch.map(({ topic, partition, key, value }) => ({ topic, partition, key, value }))
    const { offsets = [] } = await this.#producer.send({ messages, acks: ALL_REPLICAS })
    const next = new Map(offsets.map(({ topic, partition, offset }) => [`${topic}:${partition}`, offset]))
    for (const { topic, partition, resolve, reject } of batch) {
      const offset = next.get(`${topic}:${partition}`)
      if (offset === undefined || offset < 0n) {
        reject(new Error(`no offset from the broker for ${topic}:${partition}`))
        continue
      }
      next.set(`${topic}:${partition}`, offset + 1n)
      resolve(offset)
    }
  }

  #createProducer(): Kafka.Producer {
    const { idempotent, compression } = this.#cluster.settings
    const options = { ...this.#cluster.clientOptions(this.#requestTimeout), retries: RETRIES, retryDelay: RETRY_DELAY }
    return new this.#cluster.kafka.Producer({ ...options, idempotent, compression })
  }

  async #discardProducer(): Promise<void> {
    const producer = this.#producer
    this.#producer = undefined
    await producer?.close().catch(() => {}) // its connections may be broken already
  }

  /** The next request: as much as fits, in order. */
  #take(): Pending[] {
    const taken: Pending[] = []
    const left: Pending[] = []
    const bytesOf = new Map<string, number>()
    let total = 0
    if (this.#pending.length > 0 && bytesOfRecord(this.#pending[0]!) > MAX_BATCH_BYTES)
      return this.#pending.splice(0, 1)
    for (const pending of this.#pending) {
      const partition = `${pending.topic}:${pending.partition}`
      const bytes = bytesOfRecord(pending)
      const before = bytesOf.get(partition) ?? 0
      if (before + bytes <= MAX_BATCH_BYTES && total + bytes <= MAX_REQUEST_BYTES) {
        taken.push(pending)
        bytesOf.set(partition, before + bytes)
        total += bytes
      } else {
        left.push(pending)
        bytesOf.set(partition, MAX_BATCH_BYTES) // what follows in this partition must not overtake it
      }
    }
    this.#pending = left
    return taken
  }
}

function bytesOfRecord({ key, value }: RecordToProduce): number {
  return key.length + value.length
}

/** A record that the topic does not take, ever, is the client's to know. */
function reasonOf(error: unknown, batch: readonly Pending[]): unknown {
  if (batch.length > 1 || !hasKafkaCode(error, 'MESSAGE_TOO_LARGE')) return error
  return new Refusal('too-large', `${bytesOfRecord(batch[0]!)} bytes exceed what the topic takes`)
}
