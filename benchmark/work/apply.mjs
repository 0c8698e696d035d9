// Small updates are applied, without a socket and without listeners: the CRDT, and the way to it.
import { Meter, expectText } from '../clients/measure.mjs'
import { readRecords } from '../inputs/records.mjs'
import { CPU, RATE, RSS, STALL_MAX, TIME } from '../report/columns.mjs'

export const title = 'small updates applied, no socket'
export const unit = 'updates'
export const sizes = { full: [10_000, 50_000, 100_000, 259_778], quick: [10_000] }
export const baseline = 'yjs'
export const columns = [TIME, RATE, STALL_MAX, CPU, RSS]
export const rows = [
  { label: 'native, applyUpdate', client: 'native', way: 'each' },
  { label: 'native, merged by 16', client: 'native', way: 'merged' },
  { label: 'native, applyUpdateAsync', client: 'native', way: 'asynchronous' },
  { label: 'yjs', client: 'yjs', way: 'each' },
  { label: 'ywasm', client: 'ywasm', way: 'each' },
  { label: 'floor: yrs, merged by 16', client: 'floor' }
]

const WARM_UP = 2_000
/** As the floor does it. */
const GROUP = 16
/** Calls that are under way at a time. */
const WINDOW = 256

export const prepare = ({ size, inputs }) => inputs.updates(size)

export const floor = ({ file, size }) => ['apply', file, size]

export async function run(client, { file, way, ...expected }) {
  const updates = Array.from(readRecords(file))
  await ways[way](client, client.createDoc(), updates.slice(0, WARM_UP))
  const doc = client.createDoc()
  const text = doc.getText('text')
  const meter = await Meter.start()
  await ways[way](client, doc, updates)
  const figures = await meter.stop()
  expectText(text, expected)
  return { ...figures, perSecond: (updates.length / figures.time) * 1000 }
}

const ways = {
  each(client, doc, updates) {
    for (const update of updates) client.applyUpdate(doc, update)
  },

  merged(client, doc, updates) {
    for (let at = 0; at < updates.length; at += GROUP) {
      client.applyUpdate(doc, client.mergeUpdates(updates.slice(at, at + GROUP)))
    }
  },

  async asynchronous(client, doc, updates) {
    for (let at = 0; at < updates.length; at += WINDOW) {
      await Promise.all(updates.slice(at, at + WINDOW).map((update) => client.applyUpdateAsync(doc, update)))
    }
  }
}
