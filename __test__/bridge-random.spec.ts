import test from 'ava'
import { isDeepStrictEqual } from 'node:util'
import * as Y from 'yjs'

import { YDoc, encodeStateAsUpdate } from '../index.js'
import type { ProtocolManager } from '../index.js'
import { Random } from './helpers/random.ts'
import { startGateway } from './support/gateway.ts'
import { startProvider } from './support/provider.ts'
import { YjsClient } from './support/yjs-client.ts'

const ROUNDS = 120
// No surrogate pairs: yjs itself does not converge where an edit splits one.
const WORDS = ['a', 'bc', 'déf', '語', 'a longer run of text, ']

interface Editor {
  readonly provider: ProtocolManager
  edit(random: Random): void
  /** What it holds, as yjs sees it. */
  state(): Y.Doc
}

function bridged(provider: ProtocolManager, docId: string): Editor {
  const doc = new Y.Doc()
  provider.addDoc(doc, { docId, crdt: Y })
  const text = doc.getText('body')
  const edit = (random: Random) => {
    const index = random.below(text.length + 1)
    switch (random.below(6)) {
      case 0:
        return text.delete(index, random.below(Math.min(9, text.length - index) + 1))
      case 1:
        return text.format(index, random.below(text.length - index + 1), { bold: random.pick([true, null]) })
      case 2:
        return void doc.getMap('map').set(random.pick(['a', 'b', 'c']), random.below(100))
      case 3:
        return doc.transact(() => {
          doc.getMap('map').delete(random.pick(['a', 'b', 'c']))
          doc.getArray('list').insert(0, [new Y.Map([['n', random.below(100)]])])
        })
      default:
        return text.insert(index, random.pick(WORDS))
    }
  }
  return { provider, edit, state: () => doc }
}

function native(provider: ProtocolManager, docId: string): Editor {
  const doc = new YDoc()
  provider.addDoc(doc, { docId })
  const text = doc.getText('body')
  const edit = (random: Random) => {
    const index = random.below(text.length() + 1)
    if (random.chance(25)) text.delete(index, random.below(Math.min(9, text.length() - index) + 1))
    else if (random.chance(20)) doc.getMap('map').set(random.pick(['a', 'b', 'c']), random.below(100))
    else text.insert(index, random.pick(WORDS))
  }
  const state = () => {
    const copy = new Y.Doc()
    Y.applyUpdate(copy, encodeStateAsUpdate(doc))
    return copy
  }
  return { provider, edit, state }
}

const shown = (doc: Y.Doc) => ({
  text: doc.getText('body').toDelta(),
  map: doc.getMap('map').toJSON(),
  list: doc.getArray('list').toJSON()
})

test('bridged_and_native_documents_converge_whatever_the_connection_does', async (t) => {
  const random = new Random()
  t.log(`SEED=${random.seed}`)
  const { url } = await startGateway(t)
  const start = () => startProvider(t, url, { resyncInterval: 200 })
  const editors = [bridged(start(), 'doc'), bridged(start(), 'doc'), native(start(), 'doc'), native(start(), 'doc')]
  // One document in two providers, which get the same of the same server on two ways.
  const twice = new Y.Doc()
  const both = [start(), start()]
  for (const provider of both) provider.addDoc(twice, { docId: 'doc', crdt: Y })
  const providers = [...editors.map(({ provider }) => provider), ...both]
  const connected = new Set(providers)
  for (let round = 0; round < ROUNDS; round++) {
    for (let count = random.below(6); count > 0; count--) random.pick(editors).edit(random)
    if (random.chance(30)) twice.getArray('list').push([random.below(100)])
    if (random.chance(15)) {
      const provider = random.pick(providers)
      if (connected.delete(provider)) provider.disconnect()
      else connected.add(provider) && provider.connect()
    }
    // Lets events in between some of the edits, and none between others.
    if (random.chance(70)) await new Promise((resolve) => setImmediate(resolve))
    if (random.chance(10)) await random.pick([...connected])?.flush()
  }
  for (const provider of providers) provider.connect()
  await Promise.all(providers.map((provider) => provider.flush({ timeout: 60_000 })))
  // Everything is in the log: whoever comes now sees what all must come to.
  const expected = (await (await YjsClient.connect(t, url)).open('doc')).doc
  const docs = () => [...editors.map((editor) => editor.state()), twice]
  const vector = (doc: Y.Doc) => JSON.stringify([...Y.decodeStateVector(Y.encodeStateVector(doc))].sort())
  const isEqual = (doc: Y.Doc) => vector(doc) === vector(expected) && isDeepStrictEqual(shown(doc), shown(expected))
  const deadline = Date.now() + 30_000
  while (!docs().every(isEqual) && Date.now() < deadline) await new Promise((resolve) => setImmediate(resolve))
  for (const [index, doc] of docs().entries()) {
    t.deepEqual(shown(doc), shown(expected), `SEED=${random.seed}, document ${index}`)
    t.is(doc.store.pendingStructs, null, `SEED=${random.seed}, document ${index}`)
  }
  for (const provider of providers) t.false(provider.hasUnsyncedChanges, `SEED=${random.seed}`)
})
