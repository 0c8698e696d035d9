import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Channel } from './channel.js'
import { EventLoopLag } from './event-loop-lag.js'
import type { RefusalCode } from './refusal.js'

/** What a gateway holds at one moment. */
export interface Load {
  readonly connections: number
  readonly subscriptions: number
  readonly documents: number
  readonly unackedFrames: number
  readonly unackedBytes: number
}

const PREFIX = 'y_kafka_gateway_'

/** From a RAM log, over an SSD's fsync and a broker near by, to trouble; in seconds. */
const APPEND_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/**
 * The metrics of one gateway, in a registry of its own: two gateways in one process don't mix. The default metrics of
 * `prom-client` are left out, because they can't be stopped when the gateway closes; an application that has its own
 * registry merges the two.
 */
export class Metrics {
  readonly registry = new Registry()
  readonly #lag = new EventLoopLag()
  readonly #records = this.#counter('appended_records_total', 'Updates that are in the log.')
  readonly #bytes = this.#counter('appended_bytes_total', 'Bytes of those, with their envelopes.')
  readonly #failures = this.#counter('append_failures_total', 'Updates that the log could not take.')
  readonly #acks = this.#counter('acks_total', 'Frames that were accepted.')
  readonly #refusals = this.#counter('refusals_total', 'Frames that were refused.', ['code'])
  readonly #connectRefusals = this.#counter('refused_connections_total', 'Connections that were refused.', ['code'])
  readonly #broadcasts = this.#counter('broadcast_messages_total', 'Messages, once per receiving socket.', ['channel'])
  readonly #snapshots = this.#counter('snapshots_total', 'Snapshots by their result: written, failed.', ['result'])
  readonly #errors = this.#counter('errors_total', 'Failures that are not a client’s fault.')
  readonly #appendDuration = new Histogram({
    name: `${PREFIX}append_duration_seconds`,
    help: 'Time until an update is durable.',
    buckets: APPEND_BUCKETS,
    registers: [this.registry]
  })

  /** @param load read at each scrape. */
  constructor(load: () => Load) {
    this.#gauge('connections', 'Open Socket.IO connections.', () => load().connections)
    this.#gauge('subscriptions', 'Documents of all connections.', () => load().subscriptions)
    this.#gauge('documents', 'Documents in memory.', () => load().documents)
    this.#gauge('unacked_frames', 'Frames that wait for their ack.', () => load().unackedFrames)
    this.#gauge('unacked_bytes', 'Bytes of those.', () => load().unackedBytes)
    this.#gauge('resident_memory_bytes', 'Memory of the process.', () => process.memoryUsage.rss())
    this.#watchEventLoop()
  }

  /** Counts an append that was begun at `startedAt` (of `performance.now()`) and is durable now. */
  appended(bytes: number, startedAt: number): void {
    this.#records.inc()
    this.#bytes.inc(bytes)
    this.#appendDuration.observe((performance.now() - startedAt) / 1000)
  }

  appendFailed(): void {
    this.#failures.inc()
  }

  acked(): void {
    this.#acks.inc()
  }

  refused(code: RefusalCode): void {
    this.#refusals.inc({ code })
  }

  connectionRefused(code: RefusalCode): void {
    this.#connectRefusals.inc({ code })
  }

  broadcast(channel: Channel, receivers: number): void {
    this.#broadcasts.inc({ channel }, receivers)
  }

  snapshot(result: 'written' | 'failed'): void {
    this.#snapshots.inc({ result })
  }

  failed(): void {
    this.#errors.inc()
  }

  /** Begins to watch the event loop. */
  start(): void {
    this.#lag.start()
  }

  stop(): void {
    this.#lag.stop()
  }

  #counter<Label extends string>(name: string, help: string, labelNames: Label[] = []): Counter<Label> {
    return new Counter({ name: PREFIX + name, help, labelNames, registers: [this.registry] })
  }

  #gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name: PREFIX + name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read())
      }
    })
  }

  #watchEventLoop(): void {
    const lag = this.#lag
    new Gauge({
      name: `${PREFIX}event_loop_lag_seconds`,
      help: 'How late the event loop was since the last scrape, by quantile.',
      labelNames: ['quantile'],
      registers: [this.registry],
      collect() {
        for (const [quantile, seconds] of lag.read()) this.set({ quantile }, seconds)
      }
    })
  }
}
