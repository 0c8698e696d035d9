// From a call of `insert` in one process to the observer in another, through a real server: the gateway for both
// clients of Socket.IO, for the others a server of their own. The size is how many edits a second.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { Meter, countdown, percentile } from '../clients/measure.mjs'
import { CPU, LATENCY_P50, LATENCY_P99, STALL_P99 } from '../report/columns.mjs'

export const title = 'edit to remote observer'
export const unit = 'edits per second'
export const sizes = { full: [100, 1_000, 2_000], quick: [1_000] }
export const figure = 'p50'
export const baseline = 'y-websocket, its server'
export const columns = [LATENCY_P50, LATENCY_P99, STALL_P99, CPU]
/** Real servers work. */
export const hidesServerLoad = true
export const shownSizes = 'all'
export const rows = [
  { label: 'native, gateway', client: 'native' },
  { label: 'TypeScript design, gateway', client: 'typescript' },
  { label: 'y-websocket, its server', client: 'y-websocket' },
  { label: 'hocuspocus, its server', client: 'hocuspocus' }
]

const SECONDS = { full: 4, quick: 2 }
/** Share of the edits that only warm up. */
const WARM_UP = 0.25

export async function prepare({ protocol, servers, mode }) {
  return { port: await servers.real(protocol), seconds: SECONDS[mode] }
}

export function run(client, parameters) {
  return parameters.isReader ? read(client, parameters) : write(client, parameters)
}

async function write(client, { work, port, size, seconds, ...rest }) {
  const count = size * seconds
  const reader = fork(process.argv[1], [JSON.stringify({ work: 'latency', ...rest, port, count, isReader: true })])
  reader.on('exit', (code) => code !== 0 && process.exit(1))
  const { text } = await open(client, port)
  await once(reader, 'message')
  const sent = []
  const meter = await Meter.start()
  const started = now()
  while (sent.length < count) {
    const due = Math.min(count, Math.floor(((now() - started) / 1000) * size))
    while (sent.length < due) {
      sent.push(now())
      text.insert(sent.length - 1, 'x')
    }
    await setTimeout(1)
  }
  const figures = await meter.stop()
  const [arrived] = await once(reader, 'message')
  const measured = sent.map((time, index) => arrived[index] - time).slice(Math.floor(count * WARM_UP))
  const latencies = measured.sort((a, b) => a - b)
  return { ...figures, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) }
}

/** Says that it is ready; resolves with the time at which every edit arrived. */
async function read(client, { port, count }) {
  const arrived = []
  const { done, tick } = countdown(1)
  const { text } = await open(client, port)
  client.observe(text, ({ delta }) => {
    const time = now()
    for (const { insert = '' } of delta) for (let i = 0; i < insert.length; i++) arrived.push(time)
    if (arrived.length === count) tick()
  })
  process.send('ready')
  await done
  return arrived
}

async function open(client, port) {
  const doc = client.createDoc()
  const { done, tick } = countdown(1)
  const connection = new client.Connection(port, 'doc', doc, tick)
  await done
  return { connection, text: doc.getText('text') }
}

/** Milliseconds of a clock that all processes share. */
function now() {
  return Number(process.hrtime.bigint()) / 1e6
}
