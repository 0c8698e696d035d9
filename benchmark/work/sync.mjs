// The first sync of a large text: one message, while JavaScript does nothing with the document.
import { Meter, countdown, expectText } from '../clients/measure.mjs'
import { CPU, RSS, STALL_MAX, STALL_P99, TIME } from '../report/columns.mjs'

export const title = 'first sync of a large text'
export const unit = 'characters'
export const sizes = { full: [100_000, 1_000_000, 10_000_000], quick: [100_000, 1_000_000] }
export const baseline = 'y-websocket'
export const columns = [TIME, STALL_MAX, STALL_P99, CPU, RSS]
export const rows = [
  { label: 'native', client: 'native' },
  { label: 'native, observer', client: 'native', isObserved: true },
  { label: 'TypeScript design', client: 'typescript' },
  { label: 'y-websocket', client: 'y-websocket' },
  { label: 'hocuspocus', client: 'hocuspocus' },
  { label: 'floor: yrs + tungstenite', client: 'floor' }
]

const WARM_UP = 10_000

export async function prepare({ size, protocol, inputs, servers }) {
  const { file, ...expected } = inputs.state(protocol, size)
  const warmUp = inputs.state(protocol, WARM_UP)
  return {
    ...expected,
    port: await servers.neutral(protocol, file),
    warmUp: { port: await servers.neutral(protocol, warmUp.file) }
  }
}

export const floor = ({ port, total }) => ['stream', port, total]

export async function run(client, { warmUp, isObserved, ...input }) {
  await receive(client, warmUp, isObserved)
  const meter = await Meter.start()
  const text = await receive(client, input, isObserved)
  const figures = await meter.stop()
  expectText(text, input)
  return figures
}

async function receive(client, { port }, isObserved) {
  const doc = client.createDoc()
  const text = doc.getText('text')
  let inserted = 0
  if (isObserved) client.observe(text, (event) => (inserted += event.delta.length))
  const { done, tick } = countdown(1)
  const connection = new client.Connection(port, 'doc', doc, tick)
  await done
  connection.destroy()
  return text
}
