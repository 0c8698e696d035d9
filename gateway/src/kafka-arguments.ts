import { readFileSync } from 'node:fs'
import type { KafkaOptions, SaslMechanism } from './kafka-options.js'

const HOUR = 60 * 60 * 1000

export const KAFKA_USAGE = `  --kafka             brokers as HOST:PORT,HOST:PORT; --data is then only a cache
  --kafka-topic       topic of the updates (ykc.sync.v1); snapshots are in TOPIC.snapshots
  --kafka-partitions  partitions of the topics when they are created (256)
  --kafka-replicas    replicas of the topics when they are created (3, or as many as there are brokers)
  --kafka-retention   hours after which updates are replaced by snapshots (168)
  --kafka-tls         connect with TLS
  --kafka-ca          PEM file of the authority that signed the brokers' certificates
  --kafka-sasl        PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512, with KAFKA_USERNAME and KAFKA_PASSWORD in the environment
`

/** For `parseArgs`. */
export const KAFKA_ARGUMENTS = {
  kafka: { type: 'string' },
  'kafka-topic': { type: 'string' },
  'kafka-partitions': { type: 'string' },
  'kafka-replicas': { type: 'string' },
  'kafka-retention': { type: 'string' },
  'kafka-tls': { type: 'boolean' },
  'kafka-ca': { type: 'string' },
  'kafka-sasl': { type: 'string' }
} as const

type Values = { readonly [name in keyof typeof KAFKA_ARGUMENTS]?: string | boolean | undefined }

/** The Kafka options of a command line; undefined when it has none. Throws an `Error` for what can't be. */
export function readKafkaArguments(values: Values, environment: NodeJS.ProcessEnv): KafkaOptions | undefined {
  const brokers = textOf(values.kafka)
  if (brokers === undefined) {
    const stray = Object.keys(KAFKA_ARGUMENTS).find((name) => values[name as keyof Values] !== undefined)
    if (stray !== undefined) throw new TypeError(`--${stray} needs --kafka`)
    return undefined
  }
  const ca = textOf(values['kafka-ca'])
  const hours = numberOf(values['kafka-retention'])
  const mechanism = textOf(values['kafka-sasl']) as SaslMechanism | undefined
  const { KAFKA_USERNAME: username, KAFKA_PASSWORD: password } = environment
  return {
    brokers: brokers.split(','),
    topic: textOf(values['kafka-topic']),
    partitions: numberOf(values['kafka-partitions']),
    replicas: numberOf(values['kafka-replicas']),
    retention: hours === undefined ? undefined : hours * HOUR,
    tls: ca === undefined ? values['kafka-tls'] === true : { ca: readFileSync(ca) },
    sasl: mechanism === undefined ? undefined : { mechanism, username, password }
  }
}

function textOf(value: string | boolean | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** `NaN` for what is no number: the options are checked, with their names, when the gateway is made. */
function numberOf(value: string | boolean | undefined): number | undefined {
  return value === undefined ? undefined : Number(value)
}
