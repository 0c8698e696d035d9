import type { ServerOptions } from 'socket.io'
import type { Authorize } from './authorize.js'
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
  /** Logged updates of a document after which it is snapshotted. Default 500. */
  readonly snapshotUpdates: number
  /** Logged bytes of a document after which it is snapshotted. Default 256 KiB. */
  readonly snapshotBytes: number
  /** Documents kept in memory although nobody is subscribed to them. Default 1000. */
  readonly maxIdleDocuments: number
  /** Encoded bytes of those documents. Default 64 MiB. */
  readonly maxIdleBytes: number
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
  /** Is told of failures that are not a client's fault. Default: one line on stderr. */
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
  snapshotUpdates: 500,
  snapshotBytes: 256 * 1024,
  maxIdleDocuments: 1000,
  maxIdleBytes: 64 * MIB
}

/** Throws a `TypeError` that names the option. */
export function resolveLimits(options: GatewayOptions): Limits {
  const limits: Record<string, number> = {}
  for (const name of Object.keys(DEFAULTS) as (keyof Limits)[]) {
    const fallback = name === 'maxMessageBytes' ? limits['maxHttpBufferSize']! : DEFAULTS[name]
    const value = options[name] ?? fallback
    if (!Number.isSafeInteger(value) || value < 1) throw new TypeError(`options.${name} must be a positive integer`)
    limits[name] = value
  }
  return limits as unknown as Limits
}
