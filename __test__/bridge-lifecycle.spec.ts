import test from 'ava'
import type { ExecutionContext } from 'ava'
import * as Y from 'yjs'

import { ProtocolManager } from '../index.js'
import { throwsCode } from './helpers/errors.ts'
import { BareServer, keepDocuments } from './support/bare-server.ts'
import { Child } from './support/child.ts'
import { startGateway } from './support/gateway.ts'
import { startProvider, whenSynced } from './support/provider.ts'
import { waitFor } from './support/wait.ts'
import { YjsClient } from './support/yjs-client.ts'

const collectGarbage = (globalThis as unknown as { gc: () => void }).gc

/** How many listeners a document has. */
const listeners = (doc: Y.Doc) => [...doc._observers.values()].reduce((sum, { size }) => sum + size, 0)

async function startBridged(t: ExecutionContext) {
  const { url } = await startGateway(t)
  const provider = startProvider(t, url)
  const doc = new Y.Doc()
  const before = listeners(doc)
  provider.addDoc(doc, { docId: 'doc', crdt: Y })
  await whenSynced(provider, 'doc')
  return { url, provider, doc, before }
}

test('a_removed_document_has_no_listeners_left', async (t) => {
  const { provider, doc, before } = await startBridged(t)
  t.true(listeners(doc) > before)
  provider.removeDoc('doc')
  t.is(listeners(doc), before)
  provider.removeDoc(doc)
  t.is(provider.getDocState('doc'), undefined)
})

test('what_was_edited_before_a_document_is_removed_is_sent', async (t) => {
  const { url, provider, doc } = await startBridged(t)
  doc.getText('body').insert(0, 'before')
  provider.removeDoc(doc)
  doc.getText('body').insert(0, 'after ')
  provider.addDoc(new Y.Doc(), { docId: 'other', crdt: Y })
  await whenSynced(provider, 'other')
  const client = await YjsClient.connect(t, url)
  t.is((await client.open('doc')).doc.getText('body').toString(), 'before')
})

test('a_document_can_be_added_again_under_another_id', async (t) => {
  const { url, provider, doc } = await startBridged(t)
  doc.getText('body').insert(0, 'text')
  await provider.flush()
  provider.removeDoc(doc)
  provider.addDoc(doc, { docId: 'copy', crdt: Y })
  await provider.flush()
  const client = await YjsClient.connect(t, url)
  t.is((await client.open('copy')).doc.getText('body').toString(), 'text')
})

test('destroying_a_document_removes_it', async (t) => {
  const { url, provider, doc } = await startBridged(t)
  doc.getText('body').insert(0, 'last words')
  doc.destroy()
  t.is(provider.getDocState('doc'), undefined)
  provider.addDoc(new Y.Doc(), { docId: 'other', crdt: Y })
  await whenSynced(provider, 'other')
  const client = await YjsClient.connect(t, url)
  t.is((await client.open('doc')).doc.getText('body').toString(), 'last words')
})

test('a_destroyed_provider_leaves_the_document_alone', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const provider = startProvider(t, server.url)
  const doc = new Y.Doc()
  const before = listeners(doc)
  provider.addDoc(doc, { docId: 'doc', crdt: Y })
  await whenSynced(provider, 'doc')
  doc.getText('body').insert(0, 'last words')
  await provider.destroy({ flush: 20_000 })
  // The last call of the provider ends with its task, and everything else with it.
  while (listeners(doc) > before) await new Promise((resolve) => setImmediate(resolve))
  t.is(listeners(doc), before)
  throwsCode(t, () => provider.addDoc(doc, { docId: 'doc', crdt: Y }), 'ERR_DESTROYED')
})

test('a_document_is_in_a_provider_once', async (t) => {
  const { provider, doc } = await startBridged(t)
  throwsCode(t, () => provider.addDoc(doc, { docId: 'again', crdt: Y }), 'ERR_DOC_IN_USE')
  throwsCode(t, () => provider.addDoc(new Y.Doc(), { docId: 'doc', crdt: Y }), 'ERR_DOC_IN_USE')
  doc.getText('body').insert(0, 'still works')
  await provider.flush()
})

test('an_event_of_another_document_may_remove_this_one', async (t) => {
  const { url, provider, doc } = await startBridged(t)
  const other = new Y.Doc()
  provider.addDoc(other, { docId: 'other', crdt: Y })
  await whenSynced(provider, 'other')
  doc.on('update', () => provider.removeDoc(doc))
  other.on('update', () => other.destroy())
  const client = await YjsClient.connect(t, url)
  const [first, second] = [(await client.open('doc')).doc, (await client.open('other')).doc]
  const both = Promise.all([waitFor(doc, 'update'), waitFor(other, 'destroy')])
  first.getText('body').insert(0, 'x')
  second.getText('body').insert(0, 'x')
  await both
  t.is(provider.getDocState('doc'), undefined)
  t.is(provider.getDocState('other'), undefined)
  t.is(doc.getText('body').toString(), 'x')
})

test('documents_and_providers_that_nobody_holds_are_collected', async (t) => {
  const docs: WeakRef<Y.Doc>[] = []
  const providers: WeakRef<ProtocolManager>[] = []
  const make = () => {
    for (let count = 0; count < 20; count++) {
      const provider = new ProtocolManager({ url: 'ws://127.0.0.1:9', roomId: 'room', autoConnect: false })
      const doc = new Y.Doc()
      provider.addDoc(doc, { docId: 'doc', crdt: Y })
      doc.on('update', () => provider.hasUnsyncedChanges)
      doc.getText('body').insert(0, 'x')
      docs.push(new WeakRef(doc))
      providers.push(new WeakRef(provider))
    }
  }
  make()
  const left = () => [...docs, ...providers].filter((it) => it.deref() !== undefined).length
  for (let round = 0; round < 50 && left() > 0; round++) {
    await new Promise((resolve) => setImmediate(resolve))
    collectGarbage()
  }
  t.is(left(), 0)
})

test('a_process_with_a_bridged_document_ends', async (t) => {
  const { url } = await startGateway(t)
  const script = `const Y = require('yjs')
    const provider = new ProtocolManager({ url: '${url}', roomId: 'room' })
    const doc = new Y.Doc()
    provider.addDoc(doc, { docId: 'doc', crdt: Y })
    doc.getText('body').insert(0, 'hello')
    provider.flush().then(() => provider.destroy())`
  await Child.ofScript(t, script).exits(t)
  const client = await YjsClient.connect(t, url)
  t.is((await client.open('doc')).doc.getText('body').toString(), 'hello')
})

test('a_worker_with_a_bridged_document_can_be_terminated_at_any_time', async (t) => {
  const { url } = await startGateway(t)
  const script = `const { Worker } = require('node:worker_threads')
    const code = \`const { ProtocolManager } = require('./index.js')
      const Y = require('yjs')
      const { parentPort } = require('node:worker_threads')
      const provider = new ProtocolManager({ url: '${url}', roomId: 'room' })
      const doc = new Y.Doc()
      provider.addDoc(doc, { docId: 'doc', crdt: Y })
      provider.on('synced', () => parentPort.postMessage('synced'))
      setInterval(() => doc.getText('body').insert(0, 'x'), 1)\`
    let left = 6
    const next = () => {
      if (left-- === 0) return
      const worker = new Worker(code, { eval: true })
      if (left % 2) worker.on('message', () => worker.terminate())
      else worker.on('online', () => worker.terminate())
      worker.on('exit', next)
    }
    next()`
  await Child.ofScript(t, script).exits(t)
})
