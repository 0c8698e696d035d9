// Small updates are applied while JavaScript listens: what an event costs.
import { Meter, expectText } from '../clients/measure.mjs'
import { readRecords } from '../inputs/records.mjs'
import { CPU, EVENTS, RATE, RSS, TIME } from '../report/columns.mjs'

export const title = 'events to JavaScript, one per applied update'
export const unit = 'updates'
export const sizes = { full: [10_000, 50_000], quick: [10_000] }
export const baseline = 'yjs, observe'
export const columns = [TIME, RATE, EVENTS, CPU, RSS]
export const rows = ['native', 'yjs', 'ywasm'].flatMap((client) => [
  { label: `${client}, update`, client, event: 'update' },
  { label: `${client}, observe`, client, event: 'observe' }
])

const WARM_UP = 2_000

export const prepare = ({ size, inputs }) => inputs.updates(size)

export async function run(client, { file, event, ...expected }) {
  const updates = Array.from(readRecords(file))
  apply(client, updates.slice(0, WARM_UP), event)
  const meter = await Meter.start()
  const { text, events } = apply(client, updates, event)
  const figures = await meter.stop()
  expectText(text, expected)
  return { ...figures, events, perSecond: (updates.length / figures.time) * 1000 }
}

function apply(client, updates, event) {
  const doc = client.createDoc()
  const text = doc.getText('text')
  let events = 0
  let content = 0
  if (event === 'update') {
    client.onUpdate(doc, (update) => {
      content += update.length
      events++
    })
  } else {
    client.observe(text, ({ delta }) => {
      content += delta.length
      events++
    })
  }
  for (const update of updates) client.applyUpdate(doc, update)
  if (content === 0) throw new Error('no event had any content')
  return { text, events }
}
