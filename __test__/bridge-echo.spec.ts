import test from 'ava'
import type { ExecutionContext } from 'ava'
import * as Y from 'yjs'

import { BareServer, keepDocuments } from './support/bare-server.ts'
import { startProvider, whenSynced } from './support/provider.ts'
import { until, waitFor } from './support/wait.ts'
import { body, docOf, isStep2, isUpdate, textUpdate, update } from './support/wire.ts'

async function startBridged(t: ExecutionContext) {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const provider = startProvider(t, server.url)
  const doc = new Y.Doc()
  provider.addDoc(doc, { docId: 'doc', crdt: Y })
  await whenSynced(provider, 'doc')
  await provider.flush()
  const before = server.frames.length
  /** What the provider sent since, as one document. */
  const sent = () => server.frames.slice(before).filter((frame) => isUpdate(frame) || isStep2(frame))
  const sentDoc = () => docOf(...sent().map(({ payload }) => body(payload)))
  return { server, provider, doc, sent, sentDoc }
}

test('what_came_from_the_server_is_not_sent_back', async (t) => {
  const { server, provider, doc, sent, sentDoc } = await startBridged(t)
  for (const text of ['one', 'two', 'three']) server.send({ docId: 'doc' }, update(textUpdate(text)))
  await until(doc, 'update', () => doc.getText('body').length === 11)
  const author = new Y.Doc()
  Y.applyUpdate(author, Y.encodeStateAsUpdate(doc))
  const deleted = waitFor(author, 'update')
  author.getText('body').delete(0, 11)
  server.send({ docId: 'doc' }, update((await deleted)[0]))
  await until(doc, 'update', () => doc.getText('body').length === 0)
  // An edit of its own is behind whatever would have come back.
  doc.getMap('map').set('own', 1)
  await provider.flush()
  t.is(sent().length, 1)
  t.deepEqual(sentDoc().getMap('map').toJSON(), { own: 1 })
  t.is(sentDoc().store.clients.size, 1)
})

test('what_was_applied_again_is_not_sent_again', async (t) => {
  const { provider, doc, sent } = await startBridged(t)
  doc.getText('body').insert(0, 'once')
  await provider.flush()
  const known = Y.encodeStateAsUpdate(doc)
  Y.applyUpdate(doc, known)
  t.false(provider.hasUnsyncedChanges)
  await provider.flush()
  t.is(sent().length, 1)
})

test('what_a_listener_adds_to_a_remote_transaction_is_sent', async (t) => {
  const { server, provider, doc, sentDoc } = await startBridged(t)
  // The only edit that shares a transaction, and with it the origin, with what the provider applies.
  doc.once('beforeTransaction', () => doc.getMap('map').set('seen', true))
  server.send({ docId: 'doc' }, update(textUpdate('remote')))
  await until(doc, 'update', () => doc.getText('body').length > 0)
  t.is(doc.getMap('map').get('seen'), true)
  t.true(provider.hasUnsyncedChanges)
  await provider.flush()
  t.deepEqual(sentDoc().getMap('map').toJSON(), { seen: true })
})

test('what_an_observer_does_about_a_remote_change_is_sent', async (t) => {
  const { server, provider, doc, sent } = await startBridged(t)
  const text = doc.getText('body')
  text.observe((_, transaction) => {
    if (!transaction.local) text.insert(0, 'seen: ')
  })
  const remote = textUpdate('remote')
  server.send({ docId: 'doc' }, update(remote))
  await until(doc, 'update', () => text.length === 12)
  await provider.flush()
  t.is(
    docOf(remote, ...sent().map(({ payload }) => body(payload)))
      .getText('body')
      .toString(),
    'seen: remote'
  )
})

test('what_a_remote_change_completes_is_sent', async (t) => {
  const { server, provider, doc, sent } = await startBridged(t)
  const author = new Y.Doc()
  const updates: Uint8Array[] = []
  author.on('update', (it: Uint8Array) => updates.push(it))
  author.getText('body').insert(0, 'one ')
  author.getText('body').insert(4, 'two')
  // It waits inside of the document, and comes out in the transaction of the provider.
  Y.applyUpdate(doc, updates[1])
  await provider.flush()
  t.is(sent().length, 0)
  server.send({ docId: 'doc' }, update(updates[0]))
  await until(doc, 'update', () => doc.getText('body').length === 7)
  await provider.flush()
  t.is(
    docOf(updates[0], ...sent().map(({ payload }) => body(payload)))
      .getText('body')
      .toString(),
    'one two'
  )
})

test('an_origin_that_is_the_provider_does_not_hide_an_edit', async (t) => {
  const { provider, doc, sentDoc } = await startBridged(t)
  doc.transact(() => doc.getText('body').insert(0, 'mine'), provider)
  await provider.flush()
  t.is(sentDoc().getText('body').toString(), 'mine')
})
