// Somebody types: bytes and frames on the wire, after WebSocket's handshake. The size is how many characters a tick of
// the event loop inserts, each by a call of its own.
import { setTimeout } from 'node:timers/promises'
import { Meter, countdown } from '../clients/measure.mjs'
import { BYTES_DOWN, BYTES_UP, CPU, FRAMES_UP } from '../report/columns.mjs'

export const title = 'bytes on the wire per typed character'
export const unit = 'characters per tick'
export const sizes = { full: [1, 10, 100], quick: [1, 10] }
export const figure = 'bytesUp'
export const baseline = 'y-websocket'
export const columns = [BYTES_UP, FRAMES_UP, BYTES_DOWN, CPU]
export const shownSizes = 'all'
export const rows = [
  { label: 'native', client: 'native' },
  { label: 'TypeScript design', client: 'typescript' },
  { label: 'y-websocket', client: 'y-websocket' },
  { label: 'hocuspocus', client: 'hocuspocus' }
]

const TICKS = 200
const PAUSE = 4
/** The wire is quiet when so many looks at it, this many ms apart, saw the same. */
const LOOKS = 5
const LOOK_PAUSE = 30

export async function prepare({ protocol, servers }) {
  return { port: await servers.neutral(protocol) }
}

export async function run(client, { port, size }) {
  const doc = client.createDoc()
  const text = doc.getText('text')
  const { done, tick } = countdown(1)
  const connection = new client.Connection(port, 'doc', doc, tick)
  await done
  const before = await quietTraffic(port)
  const meter = await Meter.start()
  for (let i = 0; i < TICKS; i++) {
    for (let j = 0; j < size; j++) text.insert(i * size + j, 'x')
    await setTimeout(PAUSE)
  }
  await connection.confirmed()
  const figures = await meter.stop()
  const after = await quietTraffic(port)
  const per = (key) => (after[key] - before[key]) / (TICKS * size)
  return { ...figures, bytesUp: per('bytesUp'), framesUp: per('framesUp'), bytesDown: per('bytesDown') }
}

async function quietTraffic(port) {
  let last
  for (let same = 0; same < LOOKS; await setTimeout(LOOK_PAUSE)) {
    const traffic = await (await fetch(`http://127.0.0.1:${port}/traffic`)).json()
    same = last && traffic.bytesUp === last.bytesUp && traffic.bytesDown === last.bytesDown ? same + 1 : 0
    last = traffic
  }
  return last
}
