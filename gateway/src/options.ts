import type { Logger } from 'pino'
import type { ServerOptions } from 'socket.io'
import type { Authorize } from './authorize.js'
import { AWARENESS_TIMEOUT } from './awareness.js'
import type { KafkaOptions } from './kafka-options.js'
import type { LogStore, SnapshotStore } from './log-store.js'

/** Bounds on what one connection or the process may use. All are positive integers. */
export interface Limits {
  /** Bytes of one WebSocket message; a larger one closes the connection. Announced to clients. Default 8 MiB. */
  readonly maxHttpBufferSize: number
  /** Bytes of one envelope; a larger one is answered with `too-large`. Default: `maxHttpBufferSize`. */
  readonly maxMessageBytes: number
  /** Bytes of one awareness message. Default 64 KiB. */
  readonly maxAwarenessBytes: number
  /** Documents that one connection may be subscribed to. Default 16384. */
  readonly maxDocumentsPerSocket: number
  /** Updates of one connection that may wait for their ack; beyond, `busy`. Default 256. */
  readonly maxUnackedFrames: number
  /** Bytes of one connection's frames that may wait; beyond, `busy`. A lone frame always passes. Default 4 MiB. */
  readonly maxUnackedBytes: number
  /** Frames per second that one connection may send for long; beyond, `rate-limited`. Default `Infinity`. */
  readonly maxMessagesPerSecond: number
  /** Frames that one connection may send at once before that rate counts. Default 1000. */
  readonly maxMessageBurst: number
  /** Connections of the gateway; beyond, `connect_error` with `busy`. Default `Infinity`. */
  readonly maxConnections: number
  /** Connections of one room; beyond, `connect_error` with `busy`. Default `Infinity`. */
  readonly maxConnectionsPerRoom: number
  /** Logged updates of a document after which it is snapshotted. Default 500. */
  readonly snapshotUpdates: number
  /** Logged bytes of a document after which it is snapshotted. Default 256 KiB. */
  readonly snapshotBytes: number
  /** Documents kept in memory although nobody is subscribed to them. Default 1000. */
  readonly maxIdleDocuments: number
  /** Encoded bytes of those documents. Default 64 MiB. */
  readonly maxIdleBytes: number
  /** Milliseconds after which a client that does not renew its awareness is removed; Yjs renews after 15 s. Default 30 s. */
  readonly awarenessTimeout: number
  /** Milliseconds that `close` waits for slow disks and slow clients. Default 5000. */
  readonly drainTimeout: number
}

export interface GatewayOptions extends Partial<Limits> {
  /**
   * Folder of the log. Without it, and without `store` and `kafka`, the log is kept in RAM and lost on close. With `kafka`,
   * it is only a cache: what is lost with it is read again.
   */
  readonly data?: string | undefined
  /** Keeps the log on Apache Kafka, where several gateways share it. Needs the package `@platformatic/kafka`. */
  readonly kafka?: KafkaOptions | undefined
  /** Another log than the embedded one, open already; the gateway closes it. */
  readonly store?: (LogStore & SnapshotStore) | undefined
  /** Decides who may connect, read, write and be present. Without it, everybody may. */
  readonly authorize?: Authorize | undefined
  /**
   * Socket.IO adapter that connects the gateways of a cluster, such as that of `connectRedis`: they share awareness, and
   * the log shares the updates. Without it, awareness stays within this gateway.
   */
  readonly adapter?: ServerOptions['adapter'] | undefined
  /**
   * Where the gateway logs: errors as `error`, its start and end and refused connections as `info`, connections and
   * refused frames as `debug`. Never what documents, awareness or tokens hold. Default: warnings and errors, as JSON
   * lines on stderr; nothing if there is `onError`.
   */
  readonly logger?: Logger | undefined
  /** Is told of failures that are not a client's fault, besides the log. */
  readonly onError?: ((error: unknown, context: string) => void) | undefined
  /** Further options for the Socket.IO server: `cors`, `pingInterval`, `pingTimeout`, ... */
  readonly socketOptions?: Partial<ServerOptions> | undefined
}

const MIB = 1024 * 1024

const DEFAULTS: Limits = {
  maxHttpBufferSize: 8 * MIB,
  maxMessageBytes: 8 * MIB,
  maxAwarenessBytes: 64 * 1024,
  maxDocumentsPerSocket: 16_384,
  maxUnackedFrames: 256,
  maxUnackedBytes: 4 * MIB,
  maxMessagesPerSecond: Infinity,
  maxMessageBurst: 1000,
  maxConnections: Infinity,
  maxConnectionsPerRoom: Infinity,
  snapshotUpdates: 500,
  snapshotBytes: 256 * 1024,
  maxIdleDocuments: 1000,
  maxIdleBytes: 64 * MIB,
  awarenessTimeout: AWARENESS_TIMEOUT,
  drainTimeout: 5000
}

export const LIMIT_NAMES = Object.keys(DEFAULTS) as (keyof Limits)[]

/** Throws a `TypeError` that names the option. */
export function resolveLimits(options: GatewayOptions): Limits {
  const limits: Record<string, number> = {}
  for (const name of LIMIT_NAMES) {
    const fallback = name === 'maxMessageBytes' ? limits['maxHttpBufferSize']! : DEFAULTS[name]
    const value = options[name] ?? fallback
    const isLimit = (Number.isSafeInteger(value) && value >= 1) || (value === Infinity && DEFAULTS[name] === Infinity)
    if (!isLimit) throw new TypeError(`options.${name} must be a positive integer`)
    limits[name] = value
  }
  return limits as unknown as Limits
}
