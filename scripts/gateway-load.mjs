// How much one gateway does on this machine: memory per connection, CPU per update, latency of acks.
//
//   npm run build -w gateway
//   node scripts/gateway-load.mjs --connections 1000 --documents 100 --rate 1 --seconds 20 -- --data /tmp/load
//
// What follows `--` goes to the gateway. Every connection types `rate` characters per second into its document, and
// every update is acked and broadcast to the others of the document. Run it on a machine like the one you plan for.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { io } from 'socket.io-client'
import * as Y from 'yjs'

const CLI = fileURLToPath(new URL('../gateway/bin/y-kafka-gateway.js', import.meta.url))
const SYNC = 'y-kafka-collabation-server-sync'
const TICKS_PER_SECOND = 100
const CONNECTS_AT_ONCE = 50

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    connections: { type: 'string', default: '1000' },
    documents: { type: 'string', default: '100' },
    rate: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '20' }
  }
})
const [connections, documents, rate, seconds] = ['connections', 'documents', 'rate', 'seconds'].map((name) =>
  Number(values[name])
)

const gateway = spawn(process.execPath, [CLI, '--port', '0', '--log-level', 'warn', ...positionals], {
  stdio: ['ignore', 'pipe', 'inherit']
})
const url = /http:\S+/.exec(String((await once(gateway.stdout, 'data'))[0]))[0]
const empty = await sample()

const typists = []
while (typists.length < connections) {
  const batch = Array.from({ length: Math.min(CONNECTS_AT_ONCE, connections - typists.length) }, (_, i) =>
    connect(`document-${(typists.length + i) % documents}`)
  )
  typists.push(...(await Promise.all(batch)))
}
await sleep(1000) // let the gateway settle
const connected = await sample()

const latencies = []
const waiting = new Set()
const refusals = new Map()
const startedAt = performance.now()
for (let tick = 0; tick < seconds * TICKS_PER_SECOND; tick++) {
  // Who types in this tick: so many of them, and another part of them each time.
  const due = Math.floor((connections * rate * (tick + 1)) / TICKS_PER_SECOND)
  for (let i = Math.floor((connections * rate * tick) / TICKS_PER_SECOND); i < due; i++) {
    type(typists[i % connections])
  }
  await sleep(Math.max(0, startedAt + ((tick + 1) * 1000) / TICKS_PER_SECOND - performance.now()))
}
await Promise.all(waiting)
const elapsed = (performance.now() - startedAt) / 1000
const loaded = await sample()
print()
for (const { socket } of typists) socket.close()
gateway.kill('SIGTERM')
await once(gateway, 'exit')

async function connect(docId) {
  const socket = io(url, { query: { roomId: 'load', docId }, transports: ['websocket'], forceNew: true })
  await once(socket, 'connect')
  const doc = new Y.Doc()
  const typist = { socket, docId, doc, text: doc.getText('body') }
  doc.on('update', (update) => {
    const sending = send(typist, update).finally(() => waiting.delete(sending))
    waiting.add(sending)
  })
  return typist
}

function type({ text }) {
  text.insert(text.length, 'x')
}

async function send({ socket, docId }, update) {
  const json = Buffer.from(JSON.stringify({ roomId: 'load', docId }))
  const length = Buffer.alloc(2)
  length.writeUInt16LE(json.length)
  const message = Buffer.from([0, 2, update.length, ...update]) // updates of one character are shorter than 128 bytes
  const sentAt = performance.now()
  const ack = await socket.emitWithAck(SYNC, Buffer.concat([length, json, message]))
  if (ack.ok) latencies.push(performance.now() - sentAt)
  else refusals.set(ack.code, (refusals.get(ack.code) ?? 0) + 1)
}

/** Of the gateway: its metrics, and the CPU time that it has used, in seconds. */
async function sample() {
  const text = await (await fetch(`${url}/metrics`)).text()
  const read = (name) => Number(text.split(`\ny_kafka_gateway_${name} `)[1]?.split('\n')[0] ?? 0)
  const stat = readFileSync(`/proc/${gateway.pid}/stat`, 'utf8').split(') ')[1].split(' ')
  const cpu = (Number(stat[11]) + Number(stat[12])) / 100
  return {
    cpu,
    rss: read('resident_memory_bytes'),
    records: read('appended_records_total'),
    bytes: read('appended_bytes_total'),
    sent: read('broadcast_messages_total{channel="sync"}'),
    lag: read('event_loop_lag_seconds{quantile="0.99"}')
  }
}

function print() {
  latencies.sort((a, b) => a - b)
  const quantile = (q) => `${(latencies[Math.floor(latencies.length * q)] ?? NaN).toFixed(1)} ms`
  const records = loaded.records - connected.records
  const sent = loaded.sent - connected.sent
  const cpu = loaded.cpu - connected.cpu
  console.table({
    'connections, documents': `${connections}, ${documents}`,
    'memory of the empty gateway': `${(empty.rss / 2 ** 20).toFixed(0)} MiB`,
    'memory per connection': `${((connected.rss - empty.rss) / connections / 1024).toFixed(1)} KiB`,
    'updates logged': `${(records / elapsed).toFixed(0)}/s, ${((loaded.bytes - connected.bytes) / records).toFixed(0)} bytes each`,
    'messages to clients': `${(sent / elapsed).toFixed(0)}/s`,
    'CPU of the gateway': `${((cpu / elapsed) * 100).toFixed(0)} % of one core`,
    'CPU per message in or out': `${((cpu / (records + sent)) * 1e6).toFixed(0)} µs`,
    'ack p50, p99': `${quantile(0.5)}, ${quantile(0.99)}`,
    'event loop lag p99': `${(loaded.lag * 1000).toFixed(1)} ms`,
    refusals: [...refusals].map(([code, count]) => `${code}: ${count}`).join() || 'none'
  })
}
