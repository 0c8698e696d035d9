// Loads the addon in a worker thread and keeps editing and listening until it is terminated.
import { parentPort, workerData } from 'node:worker_threads'

import addon from '../../index.js'

const { applyUpdate, encodeStateAsUpdate, YDoc, YMap } = addon
const docs = Array.from({ length: 20 }, () => new YDoc())
let events = 0
for (const doc of docs) {
  doc.on('update', () => events++)
  doc.getText('text').observe(() => doc.getText('text').length() % 3 === 0 && doc.getMap('map').set('n', events))
  doc.getMap('map').observeDeep(() => events++)
}
applyUpdate(docs[0], workerData)

let round = 0
function work() {
  const doc = docs[round++ % docs.length]
  doc.getText('text').push('abc')
  doc.getArray('array').push([new YMap({ round })])
  applyUpdate(docs[round % docs.length], encodeStateAsUpdate(doc))
  // Documents that nobody refers to any more are freed on other threads.
  new YDoc().getText('text').insert(0, 'x'.repeat(1000))
  if (round % 7 === 0) docs[round % docs.length] = new YDoc()
  if (round % 50 === 0) docs[(round + 1) % docs.length].beginTransaction('left open')
  if (round % 10 === 0) globalThis.gc?.()
  if (round === 5) parentPort.postMessage(events)
  if (round < 50) setImmediate(work)
  else for (;;) docs[0].getText('text').push('never ends')
}
work()
