// A trace is typed locally, every edit in a transaction of its own.
import { Meter, expectText } from '../clients/measure.mjs'
import { readPatches } from '../inputs/records.mjs'
import { CPU, RATE, RSS, TIME } from '../report/columns.mjs'

export const title = 'local typing, a transaction per edit'
export const unit = 'edits'
export const sizes = { full: [10_000, 50_000, 100_000, 259_778], quick: [10_000] }
export const baseline = 'yjs'
export const columns = [TIME, RATE, CPU, RSS]
export const rows = [
  { label: 'native', client: 'native' },
  { label: 'native, update listener', client: 'native', isListening: true },
  { label: 'yjs', client: 'yjs' },
  { label: 'yjs, update listener', client: 'yjs', isListening: true },
  { label: 'ywasm', client: 'ywasm' },
  { label: 'ywasm, update listener', client: 'ywasm', isListening: true },
  { label: 'floor: yrs', client: 'floor' }
]

const WARM_UP = 2_000

export const prepare = ({ size, inputs }) => inputs.patches(size)

export const floor = ({ file, size }) => ['typing', file, size, 'each']

export async function run(client, { file, isListening, ...expected }) {
  const patches = readPatches(file)
  type(client, patches.slice(0, WARM_UP), isListening)
  const meter = await Meter.start()
  const text = type(client, patches, isListening)
  const figures = await meter.stop()
  expectText(text, expected)
  return { ...figures, perSecond: (patches.length / figures.time) * 1000 }
}

function type(client, patches, isListening) {
  const doc = client.createDoc()
  const text = doc.getText('text')
  let bytes = 0
  if (isListening) client.onUpdate(doc, (update) => (bytes += update.length))
  for (const [position, deleted, inserted] of patches) {
    if (deleted > 0) text.delete(position, deleted)
    if (inserted) text.insert(position, inserted)
  }
  // Whatever was put off is due when somebody reads.
  text.toString()
  return text
}
