import test from 'ava'
import * as Y from 'yjs'

import { YArray, YMap, YText, type YDoc } from '../index.js'
import { BareServer } from './support/bare-server.ts'
import { startGateway } from './support/gateway.ts'
import { openDoc, whenSynced } from './support/provider.ts'
import { until, waitFor } from './support/wait.ts'
import * as wire from './support/wire.ts'
import { YjsClient } from './support/yjs-client.ts'

/** Two native clients and a yjs client of one room, all with the document `doc`. */
async function threeClients(t: Parameters<typeof startGateway>[0], isDoubled = false) {
  const { url } = await startGateway(t)
  const first = openDoc(t, url, 'doc')
  const second = openDoc(t, url, 'doc')
  await Promise.all([whenSynced(first.provider, 'doc'), whenSynced(second.provider, 'doc')])
  const client = await YjsClient.connect(t, url, { isDoubled })
  const { doc } = await client.open('doc')
  return { first, second, client, doc }
}

/** Each says that it is done; who has heard it of all has all that was written before. */
async function allDone({ first, second, client, doc }: Awaited<ReturnType<typeof threeClients>>): Promise<void> {
  first.doc.getMap('done').set('first', true)
  second.doc.getMap('done').set('second', true)
  doc.getMap('done').set('third', true)
  await Promise.all([
    until(first.doc, 'update', () => Object.keys(first.doc.getMap('done').toJson()).length === 3),
    until(second.doc, 'update', () => Object.keys(second.doc.getMap('done').toJson()).length === 3),
    until(doc, 'update', () => doc.getMap('done').size === 3)
  ])
  await client.settled('doc')
}

/** All that is in a document, formats included. */
const ofYjs = (doc: Y.Doc) => ({
  body: doc.getText('body').toDelta(),
  map: doc.getMap('map').toJSON(),
  list: doc.getArray('list').toJSON()
})
const ofNative = (doc: YDoc) => ({
  body: doc.getText('body').toDelta(),
  map: doc.getMap('map').toJson(),
  list: doc.getArray('list').toJson()
})

for (const isDoubled of [false, true]) {
  const form = isDoubled ? 'doubled_type_bytes' : 'single_type_bytes'

  test(`text_map_and_array_edits_made_at_the_same_time_converge_with_${form}`, async (t) => {
    const clients = await threeClients(t, isDoubled)
    const { first, second, doc } = clients
    // None of the three has heard of the others' edits of a round when it makes its own.
    for (let round = 0; round < 20; round++) {
      first.text.insert(Math.min(round, first.text.length()), `n${round} `)
      first.doc.getMap('map').set(`key${round % 4}`, `first ${round}`)
      first.doc.getArray('list').insert(0, [round])
      second.text.push(` s${round}`)
      second.doc.getMap('map').set(`key${round % 3}`, { second: round })
      second.doc.getArray('list').push([[round, null, 1.5]])
      doc.getText('body').insert(0, `y${round} `)
      doc.getMap('map').set(`key${round % 2}`, ['yjs', round])
      doc.getArray('list').push([{ yjs: round }])
      if (round % 5 === 4) {
        first.text.delete(0, 2)
        second.doc.getMap('map').delete('key3')
        doc.getArray('list').delete(0, 1)
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    await allDone(clients)
    const expected = ofYjs(doc)
    t.deepEqual(ofNative(first.doc), expected)
    t.deepEqual(ofNative(second.doc), expected)
    t.true(expected.list.length >= 56 && JSON.stringify(expected.body).length > 100, 'there is something to compare')
  })
}

test('formats_made_at_the_same_time_converge', async (t) => {
  const clients = await threeClients(t)
  const { first, second, doc } = clients
  first.text.insert(0, 'The quick brown fox 🦊')
  await until(doc, 'update', () => doc.getText('body').length === first.text.length())
  await until(second.doc, 'update', () => second.text.length() === first.text.length())
  first.text.format(4, 11, { bold: true })
  first.text.insert(0, 'Look: ', { link: 'https://example.org' })
  second.text.format(10, 9, { italic: true, color: '#f00' })
  doc.getText('body').format(0, 9, { bold: null, code: true })
  doc.getText('body').insertEmbed(3, { image: 'fox.png' })
  await allDone(clients)
  const expected = ofYjs(doc)
  t.deepEqual(ofNative(first.doc), expected)
  t.deepEqual(ofNative(second.doc), expected)
  const attributes = expected.body.flatMap((run: any) => Object.keys(run.attributes ?? {}))
  t.deepEqual([...new Set(attributes)].sort(), ['bold', 'code', 'color', 'italic', 'link'])
})

test('nested_types_are_edited_from_both_sides', async (t) => {
  const clients = await threeClients(t)
  const { first, doc } = clients
  const map = first.doc.getMap('map')
  map.set('text', new YText('from native'))
  map.set('list', new YArray([1, new YMap({ deep: true })]))
  const theirs = doc.getMap<any>('map')
  await until(doc, 'update', () => theirs.has('list'))
  theirs.get('text').insert(0, 'yjs, ')
  theirs.get('list').get(1).set('deep', 'er')
  const nested = new Y.Map<any>()
  theirs.set('nested', nested)
  nested.set('text', new Y.Text('from yjs'))
  await until(first.doc, 'update', () => map.toJson().nested?.text === 'from yjs')
  map.get('nested').get('text').push(', native')
  await allDone(clients)
  const expected = { text: 'yjs, from native', list: [1, { deep: 'er' }], nested: { text: 'from yjs, native' } }
  t.deepEqual(ofYjs(doc).map, expected)
  t.deepEqual(ofNative(first.doc).map, expected)
  t.deepEqual(ofNative(clients.second.doc).map, expected)
})

test('every_kind_of_value_crosses_in_both_directions', async (t) => {
  const clients = await threeClients(t)
  const { first, doc } = clients
  const values: Record<string, unknown> = {
    null: null,
    true: true,
    zero: 0,
    negative: -1,
    large: 2 ** 40,
    fraction: 0.1,
    infinity: -Infinity,
    bigint: 2n ** 62n + 1n,
    empty: '',
    text: 'grüße 🚀\u0000',
    bytes: Uint8Array.of(0, 255),
    list: [1, [null, { a: 'b' }]],
    object: { a: { b: [] }, c: {} }
  }
  for (const [key, value] of Object.entries(values)) {
    first.doc.getMap('map').set(key, value as never)
    doc.getMap('theirs').set(key, value)
  }
  await allDone(clients)
  for (const [key, value] of Object.entries(values)) {
    t.deepEqual(doc.getMap('map').get(key), value, `native to yjs: ${key}`)
    t.deepEqual(first.doc.getMap('theirs').get(key), value, `yjs to native: ${key}`)
    t.deepEqual(clients.second.doc.getMap('map').get(key), value, `native to native: ${key}`)
  }
})

test('a_large_document_crosses_in_one_sync', async (t) => {
  const { url } = await startGateway(t)
  const client = await YjsClient.connect(t, url)
  const { doc } = await client.open('doc')
  const text = 'The quick brown fox jumps over the lazy dog. '.repeat(20_000)
  doc.getText('body').insert(0, text)
  await client.settled('doc')
  const native = openDoc(t, url, 'doc')
  await whenSynced(native.provider, 'doc')
  t.is(native.text.toString(), text)
  native.text.insert(0, text)
  await native.provider.flush()
  await until(doc, 'update', () => doc.getText('body').length === 2 * text.length)
  t.pass()
})

test('the_doubled_type_byte_of_the_typescript_provider_is_understood_and_never_sent', async (t) => {
  const server = await BareServer.start(t)
  const { provider, doc, text } = openDoc(t, server.url, 'doc')
  const ours = provider.getDocState('doc')!.awareness
  ours.setLocalState({ name: 'bot' })
  const remote = new Y.Doc()
  remote.getText('body').insert(0, 'old')
  await server.frame(wire.isStep1)

  const synced = waitFor(provider, 'synced')
  server.send({ docId: 'doc' }, wire.doubled(wire.step2(remote)))
  await synced
  t.is(text.toString(), 'old', 'step 2')

  server.send({ docId: 'doc', senderId: 'peer' }, wire.doubled(wire.update(wire.textUpdate('new '))))
  await until(doc, 'update', () => text.length() === 7)

  const before = server.frames.length
  server.send({ docId: 'doc' }, wire.doubled(wire.step1(new Y.Doc())))
  const answer = await server.frame(wire.isStep2, before)
  t.is(wire.docOf(wire.body(answer.payload)).getText('body').length, 7, 'step 1')

  server.send({ docId: 'doc' }, wire.doubled(wire.queryAwareness()), wire.AWARENESS)
  await server.frame(wire.isAwareness, before)

  const denial = waitFor(provider, 'permission-denied')
  server.send({ docId: 'doc' }, wire.doubled(wire.denied('no')), wire.CONTROL)
  t.deepEqual(await denial, ['no', 'doc'])

  // y-protocols itself can read what was sent, to the last byte.
  for (const { payload, metadata } of server.frames) t.notThrows(() => wire.readWhole(payload), metadata.docId)
})

test('the_forms_of_published_servers_are_understood', async (t) => {
  const server = await BareServer.start(t)
  const { provider, doc, text } = openDoc(t, server.url, 'doc')
  await server.frame(wire.isStep1)
  const envelope = (payload: Uint8Array) => wire.envelope({ roomId: 'room', docId: 'doc', senderId: 'peer' }, payload)
  const log = { topic: 'y-kafka-sync-room', partition: 0 }
  const forms: [string, unknown[]][] = [
    ['fan-out of the log', ['protocol-message', { ...log, offset: '3', message: envelope(updateOf('a')) }]],
    ['object in place of bytes', [wire.SYNC, { message: envelope(updateOf('b')), offset: '4', ...log }]],
    ['with an offset', [wire.SYNC, envelope(updateOf('c')), '5', log]],
    ['on the wrong event', [wire.CONTROL, envelope(updateOf('d'))]],
    ['JSON form of a Buffer', [wire.SYNC, envelope(updateOf('e')).toJSON()]]
  ]
  for (const [label, [event, ...args]] of forms) {
    const length = text.length()
    server.io.emit(event as string, ...args)
    await until(doc, 'update', () => text.length() === length + 1)
    t.is(text.length(), length + 1, label)
  }
  t.is([...text.toString()].sort().join(''), 'abcde')
  t.is(provider.getDocState('doc')!.offset, '5')
})

function updateOf(text: string): Uint8Array {
  return wire.update(wire.textUpdate(text))
}
