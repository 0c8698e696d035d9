// `npm run bench -w gateway`: how many updates a second the gateway acks, and how long joining a document takes against
// the length of its history, with the log in RAM, on disk and on a real Kafka broker. Compare within one run only.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KafkaBroker } from '../../scripts/kafka/broker.mjs'
import { BenchGateway } from './bench-gateway.mjs'
import { joinTime, write } from './client.mjs'
import { print } from './table.mjs'

const CONNECTIONS = 16
const UPDATES = Number(process.env.BENCH_UPDATES ?? 32_000)
const HISTORIES = (process.env.BENCH_HISTORIES ?? '100,1000,10000,100000').split(',').map(Number)
const JOINS = 7

const folder = mkdtempSync(join(tmpdir(), 'gateway-bench-'))
const broker = process.env.KAFKA_BROKERS ? undefined : await KafkaBroker.start()
const kafka = { brokers: (process.env.KAFKA_BROKERS ?? broker.address).split(','), topic: `bench.${Date.now()}` }
const stores = {
  RAM: {},
  disk: { data: join(folder, 'log') },
  Kafka: { data: join(folder, 'cache'), kafka: { ...kafka, partitions: 8 } }
}

try {
  const throughput = {}
  const joins = Object.fromEntries(HISTORIES.map((history) => [history, {}]))
  for (const [name, options] of Object.entries(stores)) {
    const gateway = await BenchGateway.start(options)
    throughput[name] = await measureThroughput(gateway.url)
    for (const history of HISTORIES) joins[history][name] = await measureJoin(gateway.url, history)
    await gateway.stop()
  }
  for (const history of HISTORIES) {
    joins[history]['Kafka, cache lost'] = await measureFirstJoin(history)
  }
  print(`${UPDATES.toLocaleString('en')} updates from ${CONNECTIONS} connections, each with 64 under way`, throughput)
  print(`Time to join a document, in ms (median of ${JOINS}; after a lost cache, once)`, joins, 'updates')
  save({ throughput, joins })
} finally {
  await broker?.stop()
  rmSync(folder, { recursive: true, force: true })
}
process.exit()

async function measureThroughput(url) {
  const began = performance.now()
  const runs = Array.from({ length: CONNECTIONS }, (_, i) => write(url, `throughput ${i}`, UPDATES / CONNECTIONS))
  const latencies = (await Promise.all(runs)).flat().sort((a, b) => a - b)
  const seconds = (performance.now() - began) / 1000
  const at = (part) => `${latencies[Math.floor(latencies.length * part)].toFixed(1)} ms`
  return { 'acked/s': Math.round(UPDATES / seconds).toLocaleString('en'), 'ack p50': at(0.5), 'ack p99': at(0.99) }
}

/** Of a document that is not in the gateway's memory, but in its store. */
async function measureJoin(url, history) {
  const docId = documentOf(history)
  await write(url, docId, history)
  const times = []
  for (let i = 0; i < JOINS; i++) {
    await joinTime(url, `other ${i}`) // one idle document is kept: this evicts the one that is measured
    times.push(await joinTime(url, docId, history))
  }
  return times.sort((a, b) => a - b)[Math.floor(JOINS / 2)].toFixed(1)
}

/** The first join on a gateway that has to read the partition from Kafka. */
async function measureFirstJoin(history) {
  const gateway = await BenchGateway.start({ kafka: stores.Kafka.kafka })
  const time = await joinTime(gateway.url, documentOf(history), history)
  await gateway.stop()
  return time.toFixed(1)
}

function documentOf(history) {
  return `history ${history}`
}

function save(results) {
  const results_ = new URL('results/', import.meta.url)
  mkdirSync(results_, { recursive: true })
  writeFileSync(new URL('latest.local.json', results_), JSON.stringify(results, null, 2))
}
