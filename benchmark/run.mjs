// `npm run bench`: the same bytes to every client, each in a process of its own, in one run. Ratios are what counts.
import { fork } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { stateUpdate, syncFrames, traceUpdates } from './frames.mjs'
import { startServer } from './server.mjs'

const COUNT = Number(process.env.BENCH_UPDATES ?? 100_000)
const REPEATS = Number(process.env.BENCH_REPEATS ?? 3)
const clients = {
  'native, nobody listens': ['native', 'silent'],
  'native, a text observer': ['native', 'observed'],
  'native, 50 edits a tick': ['native', 'ticks'],
  'socket.io-client + ywasm': ['js', 'ywasm'],
  'socket.io-client + ywasm, observer': ['js', 'ywasm-observed'],
  'socket.io-client + yjs': ['js', 'yjs'],
  'socket.io-client + yjs, observer': ['js', 'yjs-observed']
}

const results = {}
await measure(`${COUNT.toLocaleString('en')} small updates into one document`, streamBody())
await measure('first sync of a 1 MB text', stateBody(1_000_000))
mkdirSync(new URL('results/', import.meta.url), { recursive: true })
writeFileSync(new URL('results/latest.local.json', import.meta.url), JSON.stringify(results, null, 2))

async function measure(title, { body, total, hash }) {
  const server = await startServer(body)
  const rows = {}
  for (const [name, [client, mode]] of Object.entries(clients)) {
    const runs = []
    for (let i = 0; i < REPEATS; i++) runs.push(await run(client, { port: server.port, total, hash, mode }))
    rows[name] = median(runs)
  }
  server.close()
  results[title] = rows
  print(title, rows)
}

function run(client, options) {
  return new Promise((resolve, reject) => {
    const child = fork(new URL(`clients/${client}.mjs`, import.meta.url), [JSON.stringify(options)])
    child.once('message', resolve)
    child.once('exit', (code) => reject(new Error(`${client} (${options.mode}) ended with code ${code}`)))
  })
}

/** The run whose time is in the middle. */
function median(runs) {
  return runs.toSorted((a, b) => a.time - b.time)[Math.floor(runs.length / 2)]
}

function print(title, rows) {
  const base = rows['socket.io-client + yjs'].time
  console.log(`\n${title} (median of ${REPEATS})`)
  console.log(
    `${'client'.padEnd(36)}${['time', 'vs yjs', 'stall max', 'stall p99', 'CPU', 'peak RSS'].map((it) => it.padStart(11)).join('')}`
  )
  for (const [name, row] of Object.entries(rows)) {
    const cells = [
      `${row.time.toFixed(0)} ms`,
      `${(base / row.time).toFixed(1)}x`,
      `${row.stallMax.toFixed(1)} ms`,
      `${row.stallP99.toFixed(1)} ms`,
      `${row.cpu.toFixed(0)} ms`,
      `${row.rss.toFixed(0)} MB`
    ]
    console.log(name.padEnd(36) + cells.map((it) => it.padStart(11)).join(''))
    if (row.ticks) {
      const { count, p50, p90, p99, max } = row.ticks
      const times = [p50, p90, p99, max].map((it) => it.toFixed(2)).join(' / ')
      console.log(`  ${count} ticks of 50 implicit edits each took, p50 / p90 / p99 / max: ${times} ms`)
    }
  }
}

function streamBody() {
  const { updates, hash } = traceUpdates(COUNT)
  const frames = [syncFrames('room', 'doc', 1, new Uint8Array([0, 0]), 0)]
  updates.forEach((update, index) => frames.push(syncFrames('room', 'doc', 2, update, index + 1)))
  return { body: Buffer.concat(frames.flat()), total: frames.length, hash }
}

function stateBody(length) {
  const { update, hash } = stateUpdate(length)
  return { body: Buffer.concat(syncFrames('room', 'doc', 1, update, 0)), total: 1, hash }
}
