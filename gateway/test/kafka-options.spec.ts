import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { createGateway, type KafkaOptions } from '../src/index.js'
import { readKafkaArguments } from '../src/kafka-arguments.js'
import { resolveKafkaOptions } from '../src/kafka-options.js'
import { ControlledStore } from './support/controlled-store.js'
import { temporaryFolder } from './support/gateway.js'

const brokers = ['a.example:9092', 'b.example:9092']

const BAD: [name: string, options: object][] = [
  ['brokers', { brokers: [] }],
  ['brokers', { brokers: ['a.example'] }],
  ['brokers', { brokers: ['a.example:99999'] }],
  ['brokers', {}],
  ['topic', { brokers, topic: 'ä' }],
  ['topic', { brokers, topic: 'x'.repeat(240) }],
  ['partitions', { brokers, partitions: 0 }],
  ['partitions', { brokers, partitions: NaN }],
  ['replicas', { brokers, replicas: 1.5 }],
  ['compression', { brokers, compression: 'rar' }],
  ['retention', { brokers, retention: 1000 }],
  ['retention', { brokers, retention: NaN }],
  ['sasl.mechanism', { brokers, sasl: { mechanism: 'GSSAPI' } }],
  ['maxPendingBytes', { brokers, maxPendingBytes: -1 }]
]

test('an option out of range is a TypeError with its name, before anything is opened', (t) => {
  for (const [name, options] of BAD) {
    const error = t.throws(() => createGateway({ kafka: options as KafkaOptions }), { instanceOf: TypeError })
    t.true(error.message.startsWith(`options.kafka.${name} must be `), error.message)
  }
})

test('a store and Kafka exclude each other', async (t) => {
  const store = await ControlledStore.open()
  t.throws(() => createGateway({ store, kafka: { brokers } }), { instanceOf: TypeError })
})

test('defaults are those that are documented', (t) => {
  t.like(resolveKafkaOptions({ brokers }), {
    topic: 'ykc.sync.v1',
    snapshotTopic: 'ykc.sync.v1.snapshots',
    clientId: 'y-kafka-gateway',
    tls: undefined,
    idempotent: true,
    compression: 'none',
    retention: 7 * 24 * 60 * 60 * 1000
  })
  t.deepEqual(resolveKafkaOptions({ brokers, tls: true }).tls, {})
})

test('the command line has the options, and the environment the password', async (t) => {
  const ca = join(await temporaryFolder(t), 'ca.pem')
  await writeFile(ca, 'a certificate')
  const values = {
    kafka: brokers.join(),
    'kafka-topic': 'updates',
    'kafka-partitions': '12',
    'kafka-replicas': '2',
    'kafka-retention': '24',
    'kafka-ca': ca,
    'kafka-sasl': 'SCRAM-SHA-512'
  }
  t.deepEqual(readKafkaArguments(values, { KAFKA_USERNAME: 'gateway', KAFKA_PASSWORD: 'secret' }), {
    brokers,
    topic: 'updates',
    partitions: 12,
    replicas: 2,
    retention: 24 * 60 * 60 * 1000,
    tls: { ca: Buffer.from('a certificate') },
    sasl: { mechanism: 'SCRAM-SHA-512', username: 'gateway', password: 'secret' }
  })
  t.is(readKafkaArguments({}, {}), undefined)
  t.throws(() => readKafkaArguments({ 'kafka-tls': true }, {}), { message: '--kafka-tls needs --kafka' })
})
