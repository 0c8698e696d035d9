// The native provider. Modes: `silent` (nobody listens), `observed` (a listener per change), `ticks` (50 edits a tick).
import { createHash } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { ProtocolManager, YDoc } from '../../index.js'
import { begin, hash, mode, port, reportWhen, total } from './measure.mjs'

const doc = new YDoc()
const text = doc.getText('text')
let changes = 0
if (mode === 'observed') text.observe((event) => (changes += event.delta.length))

// Messages are counted by their offsets, which reach JavaScript without touching the document.
const provider = new ProtocolManager({ url: `ws://127.0.0.1:${port}`, roomId: 'room', resyncInterval: 0 })
provider.addDoc(doc, { docId: 'doc' })
const state = provider.getDocState('doc')
const arrived = () => state.offset !== undefined && Number(state.offset) >= total - 1
begin()

const ticks = []
if (mode === 'ticks') {
  const map = doc.getMap('ticks')
  setInterval(() => {
    const started = performance.now()
    for (let i = 0; i < 50; i++) map.set('key', i)
    ticks.push(performance.now() - started)
  }, 10)
}

const isEqual = () => createHash('sha256').update(text.toString()).digest('hex').slice(0, 16) === hash
reportWhen(
  () => arrived() && isEqual(),
  () => ({ changes, ticks: distribution(ticks) })
)

function distribution(values) {
  if (values.length === 0) return undefined
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
  return { count: sorted.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), max: sorted.at(-1) }
}
