import test from 'ava'
import type { ExecutionContext } from 'ava'
import * as Y from 'yjs'

import { YDoc, YKafkaCollabationProvider } from '../index.js'
import { BareServer, keepDocuments } from './support/bare-server.ts'
import { startGateway } from './support/gateway.ts'
import { openDoc, startProvider, whenStatus, whenSynced } from './support/provider.ts'
import { until, waitFor } from './support/wait.ts'
import { body, docOf, isStep2, isUpdate } from './support/wire.ts'
import { YjsClient } from './support/yjs-client.ts'

/** What the server holds of a document, asked by a client from official parts only. */
async function onServer(t: ExecutionContext, url: string, docId: string): Promise<Y.Doc> {
  return (await (await YjsClient.connect(t, url)).open(docId)).doc
}

test('edits_go_both_ways_and_remote_ones_have_the_provider_as_origin', async (t) => {
  const { url } = await startGateway(t)
  const client = await YjsClient.connect(t, url)
  const remote = (await client.open('doc')).doc.getText('body')
  const provider = startProvider(t, url)
  const doc = new Y.Doc()
  provider.addDoc(doc, { docId: 'doc', crdt: Y })
  doc.getText('body').insert(0, 'hello')
  await provider.flush()
  await client.settled('doc')
  t.is(remote.toString(), 'hello')
  const arrived = waitFor(doc, 'update')
  remote.insert(5, ' world')
  const [, origin, , transaction] = await arrived
  t.is(origin, provider)
  t.false(transaction.local)
  t.is(doc.getText('body').toString(), 'hello world')
})

test('content_of_before_is_sent_and_the_server_gets_all_types', async (t) => {
  const { url } = await startGateway(t)
  const doc = new Y.Doc()
  doc.getText('body').insert(0, 'before', { bold: true })
  doc.getMap('map').set('nested', new Y.Map([['list', Y.Array.from([1, { two: 2 }, null])]]))
  doc.getXmlFragment('xml').insert(0, [new Y.XmlElement('p'), new Y.XmlText('text')])
  doc.getArray('bytes').push([Uint8Array.of(1, 2, 3)])
  const provider = startProvider(t, url)
  provider.addDoc(doc, { docId: 'doc', crdt: Y })
  t.true(provider.hasUnsyncedChanges)
  await provider.flush()
  const server = await onServer(t, url, 'doc')
  t.deepEqual(server.getText('body').toDelta(), doc.getText('body').toDelta())
  t.deepEqual(server.getMap('map').toJSON(), doc.getMap('map').toJSON())
  t.is(server.getXmlFragment('xml').toString(), '<p></p>text')
  t.deepEqual(server.getArray('bytes').toArray(), [Uint8Array.of(1, 2, 3)])
  t.deepEqual(Y.encodeStateVector(server), Y.encodeStateVector(doc))
})

test('an_empty_document_has_nothing_to_send', async (t) => {
  const { url } = await startGateway(t)
  const provider = startProvider(t, url)
  provider.addDoc(new Y.Doc(), { docId: 'doc', crdt: Y })
  t.false(provider.hasUnsyncedChanges)
  await whenSynced(provider, 'doc')
  t.false(provider.hasUnsyncedChanges)
})

test('synced_is_told_when_the_document_holds_what_the_server_had', async (t) => {
  const { url } = await startGateway(t)
  const writer = openDoc(t, url, 'doc')
  for (let line = 0; line < 2000; line++) writer.text.push(`line ${line}\n`)
  await writer.provider.flush()
  const provider = startProvider(t, url, { autoConnect: false })
  const doc = new Y.Doc()
  provider.addDoc(doc, { docId: 'doc', crdt: Y })
  const held: boolean[] = []
  const isWhole = () => doc.getText('body').toString() === writer.text.toString()
  provider.on('synced', () => held.push(isWhole()))
  provider.connect()
  await provider.whenSynced('doc')
  t.true(isWhole())
  t.deepEqual(held, [true])
})

test('an_edit_counts_in_the_tick_in_which_it_is_made', async (t) => {
  const { url } = await startGateway(t)
  const provider = startProvider(t, url)
  const doc = new Y.Doc()
  provider.addDoc(doc, { docId: 'doc', crdt: Y })
  await whenSynced(provider, 'doc')
  const offsets = new Set<string | undefined>()
  for (const word of ['one ', 'two ', 'three']) {
    doc.getText('body').insert(doc.getText('body').length, word)
    t.true(provider.hasUnsyncedChanges)
    await provider.flush()
    t.false(provider.hasUnsyncedChanges)
    offsets.add(provider.getDocState('doc')!.offset)
  }
  t.is(offsets.size, 3, 'each is in the log, at an offset of its own')
  t.is((await onServer(t, url, 'doc')).getText('body').toString(), 'one two three')
})

test('flush_inside_of_a_listener_covers_the_edit_that_it_is_told_of', async (t) => {
  const { url } = await startGateway(t)
  const provider = startProvider(t, url)
  const doc = new Y.Doc()
  provider.addDoc(doc, { docId: 'doc', crdt: Y })
  await whenSynced(provider, 'doc')
  const flushed = new Promise<void>((resolve, reject) => {
    doc.once('update', () => void provider.flush().then(resolve, reject))
  })
  doc.getText('body').insert(0, 'x')
  await flushed
  t.is((await onServer(t, url, 'doc')).getText('body').toString(), 'x')
})

test('edits_of_one_tick_are_one_message', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const provider = startProvider(t, server.url)
  const doc = new Y.Doc()
  provider.addDoc(doc, { docId: 'doc', crdt: Y })
  await whenSynced(provider, 'doc')
  const before = server.frames.length
  for (let count = 0; count < 100; count++) doc.getText('body').insert(count, 'x')
  await provider.flush()
  t.is(server.frames.slice(before).filter(isUpdate).length, 1)
})

test('offline_edits_of_both_sides_meet', async (t) => {
  const { url } = await startGateway(t)
  const provider = startProvider(t, url)
  const doc = new Y.Doc()
  provider.addDoc(doc, { docId: 'doc', crdt: Y })
  doc.getText('body').insert(0, 'keep and drop')
  await provider.flush()
  provider.disconnect()
  await whenStatus(provider, 'disconnected')
  doc.getText('body').delete(4, 9)
  doc.getMap('map').set('offline', true)
  const client = await YjsClient.connect(t, url)
  const remote = (await client.open('doc')).doc
  remote.getArray('list').push(['meanwhile'])
  await client.settled('doc')
  const arrived = Promise.all([
    waitFor(remote, 'update', () => remote.getMap('map').get('offline') === true),
    waitFor(doc, 'update', () => doc.getArray('list').length === 1)
  ])
  provider.connect()
  await arrived
  await provider.flush()
  t.is(remote.getText('body').toString(), 'keep')
  t.deepEqual(doc.getArray('list').toArray(), ['meanwhile'])
  t.deepEqual(Y.encodeStateAsUpdate(doc), Y.encodeStateAsUpdate(remote))
})

test('events_tell_of_every_change_in_order', async (t) => {
  const { url } = await startGateway(t)
  const writer = openDoc(t, url, 'doc')
  const provider = startProvider(t, url)
  const doc = new Y.Doc()
  provider.addDoc(doc, { docId: 'doc', crdt: Y })
  await whenSynced(provider, 'doc')
  const text = doc.getText('body')
  let mirror = ''
  let vector = Y.encodeStateVector(doc)
  text.observe(({ delta }) => {
    let index = 0
    for (const { retain = 0, insert = '', delete: removed = 0 } of delta) {
      index += retain
      mirror = mirror.slice(0, index) + insert + mirror.slice(index + removed)
      index += (insert as string).length
    }
    t.is(mirror, text.toString())
  })
  const replica = new Y.Doc()
  Y.applyUpdate(replica, Y.encodeStateAsUpdate(doc))
  doc.on('update', (update: Uint8Array) => {
    Y.applyUpdate(replica, update)
    t.is(replica.store.pendingStructs, null, 'no update comes before what it builds on')
    vector = Y.encodeStateVector(doc)
  })
  for (let count = 0; count < 50; count++) {
    writer.text.insert(0, `${count} `)
    if (count % 5 === 4) writer.text.delete(3, 4)
    if (count % 7 === 0) text.insert(text.length, '!')
    await writer.provider.flush()
  }
  await provider.flush()
  // The writer first: were it behind, no event of this document would tell when it is not any more.
  await until(writer.doc, 'update', () => writer.text.toString().replaceAll(/[^!]/g, '').length === 8)
  await until(doc, 'update', () => text.toString() === writer.text.toString())
  t.is(mirror, text.toString())
  t.deepEqual(Y.encodeStateVector(replica), vector)
})

test('bridged_and_native_documents_share_a_provider', async (t) => {
  const { url } = await startGateway(t)
  const provider = startProvider(t, url)
  const first = new Y.Doc()
  const second = new Y.Doc({ guid: 'second' })
  const native = new YDoc()
  provider.addDoc(first, { docId: 'first', crdt: Y })
  provider.addDoc(second, { crdt: Y, parentId: 'first' })
  provider.addDoc(native, { docId: 'native' })
  first.getText('body').insert(0, 'one')
  second.getText('body').insert(0, 'two')
  native.getText('body').insert(0, 'three')
  await provider.flush()
  t.is(provider.getDocState('first')?.doc as unknown, first)
  t.is(provider.getDocState('second')?.doc as unknown, second)
  t.is(provider.getDocState('second')?.parentId, 'first')
  t.is(provider.getDocState('native')?.doc, native)
  for (const [docId, text] of Object.entries({ first: 'one', second: 'two', native: 'three' })) {
    t.is((await onServer(t, url, docId)).getText('body').toString(), text)
  }
})

test('a_document_may_be_in_several_providers', async (t) => {
  const servers = [await startGateway(t), await startGateway(t)]
  const [first, second] = servers.map(({ url }) => startProvider(t, url))
  const doc = new Y.Doc()
  first.addDoc(doc, { docId: 'doc', crdt: Y })
  second.addDoc(doc, { docId: 'doc', crdt: Y })
  const client = await YjsClient.connect(t, servers[0].url)
  const origins: unknown[] = []
  doc.on('update', (_: Uint8Array, origin: unknown) => origins.push(origin))
  const remote = (await client.open('doc')).doc
  remote.getText('body').insert(0, 'from the first server')
  await until(doc, 'update', () => doc.getText('body').length > 0)
  t.deepEqual(origins, [first])
  await second.flush()
  t.is((await onServer(t, servers[1].url, 'doc')).getText('body').toString(), 'from the first server')
  second.removeDoc(doc)
  t.is(second.getDocState('doc'), undefined)
  doc.getText('body').insert(0, 'only there: ')
  await Promise.all([first.flush(), second.flush()])
  t.is((await onServer(t, servers[0].url, 'doc')).getText('body').toString(), 'only there: from the first server')
  t.is((await onServer(t, servers[1].url, 'doc')).getText('body').toString(), 'from the first server')
})

test('what_waits_in_the_document_for_other_updates_is_sent', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const author = new Y.Doc()
  const updates: Uint8Array[] = []
  author.on('update', (update: Uint8Array) => updates.push(update))
  for (const word of ['one ', 'two ', 'three']) author.getText('body').insert(author.getText('body').length, word)
  const doc = new Y.Doc()
  Y.applyUpdate(doc, updates[2])
  t.not(doc.store.pendingStructs, null)
  const provider = startProvider(t, server.url)
  provider.addDoc(doc, { docId: 'doc', crdt: Y })
  Y.applyUpdate(doc, updates[1])
  Y.applyUpdate(doc, updates[0])
  t.is(doc.store.pendingStructs, null)
  await provider.flush()
  const sent = server.frames.filter((frame) => isUpdate(frame) || isStep2(frame))
  t.is(
    docOf(...sent.map(({ payload }) => body(payload)))
      .getText('body')
      .toString(),
    'one two three'
  )
})

test('a_large_document_comes_and_goes_whole', async (t) => {
  const { url } = await startGateway(t)
  const doc = new Y.Doc()
  doc.getArray('lines').push(Array.from({ length: 40_000 }, (_, line) => `line ${line} of many that make it large`))
  const first = startProvider(t, url)
  first.addDoc(doc, { docId: 'doc', crdt: Y })
  await first.flush({ timeout: 60_000 })
  const other = new Y.Doc()
  const second = startProvider(t, url)
  second.addDoc(other, { docId: 'doc', crdt: Y })
  await second.whenSynced('doc', { timeout: 60_000 })
  t.is(other.getArray('lines').length, 40_000)
  t.deepEqual(Y.encodeStateAsUpdate(other), Y.encodeStateAsUpdate(doc))
})

test('subdocuments_are_left_alone', async (t) => {
  const { url } = await startGateway(t)
  const provider = startProvider(t, url)
  const doc = new Y.Doc()
  provider.addDoc(doc, { docId: 'doc', crdt: Y })
  const child = new Y.Doc({ guid: 'child' })
  child.getText('body').insert(0, 'not sent with its parent')
  doc.getMap('map').set('child', child)
  await provider.flush()
  const other = await onServer(t, url, 'doc')
  const inner = other.getMap('map').get('child') as Y.Doc
  t.is(inner.guid, 'child')
  t.is(inner.getText('body').toString(), '')
  // It is a document like any other, if somebody wants it.
  provider.addDoc(child, { crdt: Y, parentId: 'doc' })
  await provider.flush()
  t.is((await onServer(t, url, 'child')).getText('body').toString(), 'not sent with its parent')
  const removed = waitFor(doc, 'subdocs')
  other.getMap('map').delete('child')
  const [{ removed: gone }] = await removed
  t.deepEqual([...gone], [child])
})

test('a_provider_of_one_document_takes_it_too', async (t) => {
  const { url } = await startGateway(t)
  const doc = new Y.Doc()
  const provider = new YKafkaCollabationProvider(url, 'room/doc', doc, { crdt: Y })
  t.teardown(() => provider.destroy())
  doc.getText('body').insert(0, 'hello')
  await provider.flush()
  t.is(provider.doc, doc)
  t.is((await onServer(t, url, 'doc')).getText('body').toString(), 'hello')
})
