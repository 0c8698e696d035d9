// Many empty documents on one connection, until all are synced.
import { Meter, countdown, residentMemory } from '../clients/measure.mjs'
import { CPU, RSS_EACH, STALL_MAX, TIME } from '../report/columns.mjs'

export const title = 'documents on one connection, all synced'
export const unit = 'documents'
export const sizes = { full: [100, 1_000, 10_000], quick: [1_000] }
export const baseline = 'TypeScript design'
export const columns = [TIME, RSS_EACH, STALL_MAX, CPU]
export const note = 'y-websocket has a connection per document: see providers'
export const rows = [
  { label: 'native', client: 'native' },
  { label: 'TypeScript design', client: 'typescript' },
  { label: 'hocuspocus', client: 'hocuspocus' }
]

const WARM_UP = 50

export async function prepare({ protocol, servers }) {
  return { port: await servers.neutral(protocol) }
}

export async function run(client, { port, size }) {
  const warmUp = await open(client, port, WARM_UP)
  warmUp.connection.destroy()
  const before = await residentMemory()
  const meter = await Meter.start()
  const opened = await open(client, port, size)
  const figures = await meter.stop()
  const after = await residentMemory()
  return { ...figures, rssEach: ((after - before) * 1024) / opened.docs.length }
}

async function open(client, port, count) {
  const { done, tick } = countdown(count)
  const docs = Array.from({ length: count }, client.createDoc)
  const connection = new client.Connection(port, 'doc-0', docs[0], tick)
  for (let i = 1; i < count; i++) connection.add(`doc-${i}`, docs[i])
  await done
  return { docs, connection }
}
