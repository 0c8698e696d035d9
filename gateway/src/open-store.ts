import { join } from 'node:path'
import { KafkaLogStore } from './kafka-log-store.js'
import { resolveKafkaOptions } from './kafka-options.js'
import { LevelLogStore } from './level-log-store.js'
import type { LogStore, SnapshotStore } from './log-store.js'
import type { GatewayOptions, Limits } from './options.js'

/** Beside an embedded log in the same folder, which this must not touch. */
const CACHE_FOLDER = 'kafka-cache'

/** Opens the log that the options ask for. */
export async function openStore(
  { store, kafka, data }: GatewayOptions,
  { maxMessageBytes }: Limits,
  report: (error: unknown, context: string) => void
): Promise<LogStore & SnapshotStore> {
  if (store !== undefined) return store
  if (kafka === undefined) return LevelLogStore.open(data)
  const cache = data === undefined ? undefined : join(data, CACHE_FOLDER)
  return KafkaLogStore.open({ ...kafka, cache, maxMessageBytes, report })
}

/** Throws a `TypeError` that names the option, before anything is opened. */
export function checkStoreOptions({ store, kafka }: GatewayOptions): void {
  if (kafka === undefined) return
  if (store !== undefined) throw new TypeError('options.store and options.kafka exclude each other')
  resolveKafkaOptions(kafka)
}
