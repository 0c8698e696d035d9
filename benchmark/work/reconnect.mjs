// Every document is edited while there is no connection. Measured is the time from `connect()` until the server has all
// edits, and has confirmed them where the protocol can (y-websocket's can't).
import { Meter, countdown } from '../clients/measure.mjs'
import { CPU, STALL_MAX, TIME } from '../report/columns.mjs'

export const title = 'reconnect with edits in every document'
export const unit = 'documents'
export const sizes = { full: [100, 1_000], quick: [100] }
export const baseline = 'TypeScript design'
/** The server does more before the measured time than in it. */
export const hidesServerLoad = true
export const columns = [TIME, STALL_MAX, CPU]
export const rows = [
  { label: 'native', client: 'native' },
  { label: 'TypeScript design', client: 'typescript' },
  { label: 'y-websocket, a connection each', client: 'y-websocket' },
  { label: 'hocuspocus', client: 'hocuspocus' }
]

export async function prepare({ protocol, servers }) {
  return { port: await servers.neutral(protocol) }
}

export async function run(client, { port, size }) {
  const { docs, connections } = await open(client, port, size)
  // Loads what `fetch` needs.
  await fetch(`http://127.0.0.1:${port}/traffic`)
  await Promise.all(connections.map((connection) => connection.disconnect()))
  for (const doc of docs) doc.getText('text').insert(0, 'edited offline')
  const meter = await Meter.start()
  const isEdited = fetch(`http://127.0.0.1:${port}/edited?documents=${size}`)
  for (const connection of connections) connection.connect()
  await Promise.all([isEdited, ...connections.map((connection) => connection.confirmed())])
  return meter.stop()
}

async function open(client, port, count) {
  const { done, tick } = countdown(count)
  const docs = Array.from({ length: count }, client.createDoc)
  const connections = []
  docs.forEach((doc, i) => {
    if (client.sharesConnection && i > 0) connections[0].add(`doc-${i}`, doc)
    else connections.push(new client.Connection(port, `doc-${i}`, doc, tick))
  })
  await done
  return { docs, connections }
}
