import { Admin } from '@platformatic/kafka'
import { randomUUID } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import { KafkaBroker } from '../../../scripts/kafka/broker.mjs'
import { KafkaLogStore, type KafkaStoreOptions } from '../../src/index.js'

/** The brokers that the tests may use, from KAFKA_BROKERS. Topics are their own; brokers are not to be stopped. */
export function sharedBrokers(): string[] {
  const brokers = process.env['KAFKA_BROKERS']
  if (!brokers) throw new Error('KAFKA_BROKERS is not set: run these tests with `npm run test:kafka`')
  return brokers.split(',')
}

/** A broker of the test's own, which may be killed. */
export async function ownBroker(t: ExecutionContext): Promise<KafkaBroker> {
  const broker = await KafkaBroker.start()
  t.teardown(() => broker.stop())
  return broker
}

export function freshTopic(): string {
  return `test.${randomUUID()}`
}

/** A store that is closed with the test; what it reports fails the test unless it is expected. */
export async function openKafkaStore(
  t: ExecutionContext,
  options: Partial<KafkaStoreOptions> = {}
): Promise<KafkaLogStore> {
  const report = (error: unknown, context: string) => t.fail(`${context}: ${String(error)}`)
  const defaults = { topic: freshTopic(), partitions: 1, report }
  const store = await KafkaLogStore.open({ brokers: options.brokers ?? sharedBrokers(), ...defaults, ...options })
  t.teardown(() => store.close())
  return store
}

export function createTopic(topic: string, configs: Record<string, string>): Promise<void> {
  return withAdmin(async (admin) => {
    const list = Object.entries(configs).map(([name, value]) => ({ name, value }))
    await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1, configs: list })
  })
}

export function deleteTopics(...topics: string[]): Promise<void> {
  return withAdmin((admin) => admin.deleteTopics({ topics }))
}

/** Deletes the records below an offset of the topic's only partition. */
export function deleteRecords(topic: string, offset: bigint): Promise<void> {
  return withAdmin(async (admin) => {
    await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset }] }] })
  })
}

async function withAdmin(use: (admin: Admin) => Promise<void>): Promise<void> {
  const admin = new Admin({ clientId: 'test', bootstrapBrokers: sharedBrokers() })
  try {
    await use(admin)
  } finally {
    await admin.close()
  }
}
