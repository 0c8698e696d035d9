// Many providers in one process, each with a connection and a document, until all are synced.
import { Meter, countdown, residentMemory } from '../clients/measure.mjs'
import { CPU, RSS_EACH, STALL_MAX, TIME } from '../report/columns.mjs'

export const title = 'providers in one process, all synced'
export const unit = 'providers'
export const sizes = { full: [10, 100, 1_000], quick: [100] }
export const baseline = 'TypeScript design'
export const columns = [TIME, RSS_EACH, STALL_MAX, CPU]
export const rows = [
  { label: 'native', client: 'native' },
  { label: 'TypeScript design', client: 'typescript' },
  { label: 'y-websocket', client: 'y-websocket' },
  { label: 'hocuspocus', client: 'hocuspocus' }
]

const WARM_UP = 10

export async function prepare({ protocol, servers }) {
  return { port: await servers.neutral(protocol) }
}

export async function run(client, { port, size }) {
  const warmUp = await open(client, port, WARM_UP)
  for (const { connection } of warmUp) connection.destroy()
  const before = await residentMemory()
  const meter = await Meter.start()
  const opened = await open(client, port, size)
  const figures = await meter.stop()
  const after = await residentMemory()
  return { ...figures, rssEach: ((after - before) * 1024) / opened.length }
}

async function open(client, port, count) {
  const { done, tick } = countdown(count)
  const opened = Array.from({ length: count }, (_, i) => {
    const doc = client.createDoc()
    return { doc, connection: new client.Connection(port, `doc-${i}`, doc, tick) }
  })
  await done
  return opened
}
