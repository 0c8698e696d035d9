// Small updates come in over the socket, one per frame, as fast as the client takes them.
import { performance } from 'node:perf_hooks'
import { Meter, expectText, percentile, until } from '../clients/measure.mjs'
import { CPU, RATE, RSS, STALL_MAX, STALL_P99, TIME } from '../report/columns.mjs'

export const title = 'stream of small updates into one document'
export const unit = 'updates'
export const sizes = { full: [10_000, 50_000, 100_000, 259_778], quick: [10_000] }
export const baseline = 'y-websocket'
export const columns = [TIME, RATE, STALL_MAX, STALL_P99, CPU, RSS]
export const rows = [
  { label: 'native', client: 'native' },
  { label: 'native, observer', client: 'native', isObserved: true },
  { label: 'native, editing too', client: 'native', isEditing: true },
  { label: 'TypeScript design', client: 'typescript' },
  { label: 'TypeScript design, observer', client: 'typescript', isObserved: true },
  { label: 'y-websocket', client: 'y-websocket' },
  { label: 'y-websocket, observer', client: 'y-websocket', isObserved: true },
  { label: 'hocuspocus', client: 'hocuspocus' },
  { label: 'floor: yrs + tungstenite', client: 'floor' }
]

const WARM_UP = 2_000
/** Of the row that edits: so many transactions per tick, and the time between ticks in ms. */
const EDITS = 50
const PAUSE = 10

export async function prepare({ size, protocol, inputs, servers }) {
  const { file, ...expected } = inputs.stream(protocol, size)
  const warmUp = inputs.stream(protocol, WARM_UP)
  return {
    ...expected,
    port: await servers.neutral(protocol, file),
    warmUp: { ...warmUp, port: await servers.neutral(protocol, warmUp.file) }
  }
}

export const floor = ({ port, total }) => ['stream', port, total]

export async function run(client, { warmUp, isObserved, isEditing, ...input }) {
  await receive(client, warmUp, { isObserved })
  const meter = await Meter.start()
  const { text, ...seen } = await receive(client, input, { isObserved, isEditing })
  const figures = await meter.stop()
  expectText(text, input)
  return { ...figures, perSecond: (input.total / figures.time) * 1000, ...seen }
}

async function receive(client, { port, total, length }, { isObserved, isEditing }) {
  const doc = client.createDoc()
  const text = doc.getText('text')
  let events = 0
  if (isObserved) client.observe(text, (event) => (events += event.delta.length > 0 ? 1 : 0))
  const connection = new client.Connection(port, 'doc', doc, () => {})
  const editor = isEditing && editInTicks(doc)
  // What has arrived is known without touching the document; whether it is in there takes a look at it.
  await until(() => connection.received >= total && client.lengthOf(text) === length)
  connection.destroy()
  return { text, events, ...(editor && { tickP99: editor.stop() }) }
}

/** Edits in the way of the stream; tells how long a tick with edits took, in ms. */
function editInTicks(doc) {
  const map = doc.getMap('ticks')
  const ticks = []
  const timer = setInterval(() => {
    const started = performance.now()
    for (let i = 0; i < EDITS; i++) map.set('key', i)
    ticks.push(performance.now() - started)
  }, PAUSE)
  const stop = () => {
    clearInterval(timer)
    return percentile(
      ticks.sort((a, b) => a - b),
      0.99
    )
  }
  return { stop }
}
