import type { ConnectionOptions } from 'node:tls'

export type SaslMechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER'

type Credential = string | (() => string | Promise<string>)

/** A log on Apache Kafka 3.5 or newer. Needs the package `@platformatic/kafka`. */
export interface KafkaOptions {
  /** Bootstrap brokers, each as `host:port`. */
  readonly brokers: readonly string[]
  /** Topic of the updates; their snapshots are in `<topic>.snapshots`. Default `ykc.sync.v1`. */
  readonly topic?: string | undefined
  /** Partitions of both topics, when they are created. Documents would move if it were changed later. Default 256. */
  readonly partitions?: number | undefined
  /** Replicas of both topics, when they are created. Default 3, or the number of brokers if that is less. */
  readonly replicas?: number | undefined
  /** Name of this gateway in the logs and quotas of the brokers. Default `y-kafka-gateway`. */
  readonly clientId?: string | undefined
  /** `true`, or options of Node's TLS client: `ca`, `cert`, `key`, `rejectUnauthorized`, ... Default: plain text. */
  readonly tls?: boolean | ConnectionOptions | undefined
  readonly sasl?: SaslOptions | undefined
  /** Lets brokers recognize what was sent twice. For brokers that can't, `false`: duplicates do no harm. Default `true`. */
  readonly idempotent?: boolean | undefined
  /** Compression of what is produced. Default `none`. */
  readonly compression?: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd' | undefined
  /**
   * Age in milliseconds at which updates are replaced by snapshots and deleted from the topic. A gateway that was away for
   * longer has to read snapshots. At least an hour; `Infinity` for never. Default 7 days.
   */
  readonly retention?: number | undefined
  /** Bytes that may wait to be produced; beyond, updates are refused with `busy`. Default 64 MiB. */
  readonly maxPendingBytes?: number | undefined
  /** Bytes of the largest snapshot; a document that has more stays a log. Default 64 MiB. */
  readonly maxSnapshotBytes?: number | undefined
}

/** Functions are asked at each connection and may return promises. */
export interface SaslOptions {
  readonly mechanism: SaslMechanism
  readonly username?: Credential | undefined
  readonly password?: Credential | undefined
  /** For `OAUTHBEARER`. */
  readonly token?: Credential | undefined
}

export type KafkaSettings = Required<Omit<KafkaOptions, 'partitions' | 'replicas' | 'tls' | 'sasl'>> & {
  readonly partitions: number | undefined
  readonly replicas: number | undefined
  readonly tls: ConnectionOptions | undefined
  readonly sasl: SaslOptions | undefined
  readonly snapshotTopic: string
}

export const DEFAULT_PARTITIONS = 256
export const DEFAULT_REPLICAS = 3

const MIB = 1024 * 1024
const HOUR = 60 * 60 * 1000
/** As Kafka has it, less what `.snapshots` takes. */
const TOPIC = /^[a-zA-Z0-9._-]{1,239}$/
const MECHANISMS: readonly string[] = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER']
const COMPRESSIONS: readonly string[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** Throws a `TypeError` that names the option. */
export function resolveKafkaOptions(options: KafkaOptions): KafkaSettings {
  const { brokers, topic = 'ykc.sync.v1', tls, sasl, compression = 'none', retention = 7 * 24 * HOUR } = options
  check(Array.isArray(brokers) && brokers.length > 0 && brokers.every(isAddress), 'brokers', 'a list of host:port')
  check(TOPIC.test(topic), 'topic', '1 to 239 of a-z A-Z 0-9 . _ -')
  for (const name of ['partitions', 'replicas', 'maxPendingBytes', 'maxSnapshotBytes'] as const) {
    check(options[name] === undefined || isPositive(options[name]), name, 'a positive integer')
  }
  check(retention >= HOUR, 'retention', 'an hour in milliseconds or more')
  check(COMPRESSIONS.includes(compression), 'compression', `one of ${COMPRESSIONS.join(', ')}`)
  check(sasl === undefined || MECHANISMS.includes(sasl.mechanism), 'sasl.mechanism', `one of ${MECHANISMS.join(', ')}`)
  return {
    brokers,
    topic,
    snapshotTopic: `${topic}.snapshots`,
    partitions: options.partitions,
    replicas: options.replicas,
    clientId: options.clientId ?? 'y-kafka-gateway',
    tls: tls === true ? {} : tls || undefined,
    sasl,
    idempotent: options.idempotent ?? true,
    compression,
    retention,
    maxPendingBytes: options.maxPendingBytes ?? 64 * MIB,
    maxSnapshotBytes: options.maxSnapshotBytes ?? 64 * MIB
  }
}

function isAddress(broker: unknown): boolean {
  const port = typeof broker === 'string' ? /^.+:(\d{1,5})$/.exec(broker)?.[1] : undefined
  return port !== undefined && Number(port) > 0 && Number(port) < 65_536
}

function isPositive(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0
}

function check(isRight: boolean, name: string, expected: string): void {
  if (!isRight) throw new TypeError(`options.kafka.${name} must be ${expected}`)
}
