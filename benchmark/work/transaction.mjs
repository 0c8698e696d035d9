// A trace is typed locally in one explicit transaction.
import { Meter, expectText } from '../clients/measure.mjs'
import { readPatches } from '../inputs/records.mjs'
import { CPU, RATE, RSS, TIME } from '../report/columns.mjs'

export const title = 'local typing, all edits in one transaction'
export const unit = 'edits'
export const sizes = { full: [10_000, 50_000, 100_000, 259_778], quick: [10_000] }
export const baseline = 'yjs'
export const columns = [TIME, RATE, CPU, RSS]
export const rows = [
  { label: 'native', client: 'native' },
  { label: 'yjs', client: 'yjs' },
  { label: 'ywasm', client: 'ywasm' },
  { label: 'floor: yrs', client: 'floor' }
]

const WARM_UP = 2_000

export const prepare = ({ size, inputs }) => inputs.patches(size)

export const floor = ({ file, size }) => ['typing', file, size, 'once']

export async function run(client, { file, ...expected }) {
  const patches = readPatches(file)
  type(client, patches.slice(0, WARM_UP))
  const meter = await Meter.start()
  const text = type(client, patches)
  const figures = await meter.stop()
  expectText(text, expected)
  return { ...figures, perSecond: (patches.length / figures.time) * 1000 }
}

function type(client, patches) {
  const doc = client.createDoc()
  const text = doc.getText('text')
  client.transact(doc, (txn) => {
    for (const [position, deleted, inserted] of patches) {
      if (deleted > 0) text.delete(position, deleted, txn)
      if (inserted) text.insert(position, inserted, undefined, txn)
    }
  })
  return text
}
