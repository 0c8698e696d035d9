import test from 'ava'
import * as Y from 'yjs'
import { createGateway } from '../src/index.js'
import {
  Client,
  CONTROL,
  envelope,
  isStep1,
  step1,
  step2,
  SYNC,
  textUpdate,
  update,
  whenDoc
} from './support/client.js'
import { ControlledStore } from './support/controlled-store.js'
import { startGateway } from './support/gateway.js'

test('updates beyond the number that may wait are refused as busy, and pass later', async (t) => {
  const store = await ControlledStore.open()
  const { url } = await startGateway(t, { store, maxUnackedFrames: 2 })
  const client = await Client.connect(t, url)
  store.holdBack()
  const waiting = [client.send(update(textUpdate('1'))), client.send(update(textUpdate('2')))]
  t.like(await client.send(update(textUpdate('3'))), { ok: false, code: 'busy', retryable: true })
  t.like(await client.send(step1(new Y.Doc())), { ok: true }, 'only updates are counted')
  store.letGo()
  t.deepEqual(
    (await Promise.all(waiting)).map(({ offset }) => offset),
    ['0', '1']
  )
  t.like(await client.send(update(textUpdate('3'))), { ok: true, offset: '2' })
})

test('bytes beyond the number that may wait are refused as busy, but a lone frame passes', async (t) => {
  const store = await ControlledStore.open()
  const { url } = await startGateway(t, { store, maxUnackedBytes: 1000 })
  const client = await Client.connect(t, url)
  store.holdBack()
  const large = client.send(update(textUpdate('x'.repeat(5000))))
  t.like(await client.send(update(textUpdate('y'))), { ok: false, code: 'busy' })
  store.letGo()
  t.like(await large, { ok: true })
})

test('an update refused as busy without an ack is asked for later', async (t) => {
  const store = await ControlledStore.open()
  const { url } = await startGateway(t, { store, maxUnackedFrames: 1 })
  const reader = await Client.connect(t, url)
  const copy = await reader.open()
  const author = await Client.connect(t, url)
  const doc = await author.open()
  await author.settled()
  store.holdBack()
  const text = doc.getText('body')
  for (const word of ['one ', 'two ', 'three ']) text.insert(text.length, word) // posted without ack
  await author.send(step1(new Y.Doc())) // the gateway has seen, and refused, all of them
  store.letGo()
  await whenDoc(copy, () => copy.getText('body').toString() === 'one two three ')
  t.pass()
})

test('an update that cannot be written is refused as unavailable, and can be sent again', async (t) => {
  const errors: unknown[] = []
  const store = await ControlledStore.open()
  const { url } = await startGateway(t, { store, onError: (error) => errors.push(error) })
  const client = await Client.connect(t, url)
  const reader = await Client.connect(t, url)
  const copy = await reader.open()
  const bytes = textUpdate('hello')
  store.failure = new Error('disk /dev/sda1 is full')
  const acks = await Promise.all([client.send(update(bytes)), client.send(update(bytes))])
  for (const ack of acks) {
    t.like(ack, { ok: false, code: 'unavailable', retryable: true })
    t.false(JSON.stringify(ack).includes('sda1'))
  }
  t.deepEqual(errors, [store.failure], 'reported once')
  t.is(copy.getText('body').toString(), '')
  store.failure = undefined
  t.like(await client.send(update(bytes)), { ok: true, offset: '0' })
  await whenDoc(copy, () => copy.getText('body').toString() === 'hello')
})

test('a document that could not be loaded is loaded when it is needed again', async (t) => {
  const errors: unknown[] = []
  const store = await ControlledStore.open()
  const { url } = await startGateway(t, { store, onError: (error) => errors.push(error) })
  store.loadFailure = new Error('disk error')
  const client = await Client.connect(t, url)
  const bytes = textUpdate('hello')
  t.like(await client.send(update(bytes)), { ok: false, code: 'unavailable', retryable: true })
  t.deepEqual(errors, [store.loadFailure])
  store.loadFailure = undefined
  t.like(await client.send(update(bytes)), { ok: true, offset: '0' })
})

test('a message beyond the limit is refused as too large', async (t) => {
  const { url } = await startGateway(t, { maxMessageBytes: 1000 })
  const client = await Client.connect(t, url)
  t.like(await client.send(update(textUpdate('x'.repeat(1000)))), { ok: false, code: 'too-large', retryable: false })
  t.like(await client.send(update(textUpdate('x'))), { ok: true })
})

test('awareness beyond the limit is refused as too large', async (t) => {
  const { url } = await startGateway(t, { maxAwarenessBytes: 10 })
  const client = await Client.connect(t, url)
  t.like(await client.send(Uint8Array.of(1, 11, ...new Uint8Array(11))), { ok: false, code: 'too-large' })
})

test('documents beyond the limit are refused until one is unsubscribed', async (t) => {
  const { url } = await startGateway(t, { maxDocumentsPerSocket: 2 })
  const client = await Client.connect(t, url, { docId: 'a' })
  const ask = (docId: string) => client.send(step1(new Y.Doc()), { docId })
  t.like(await ask('b'), { ok: true })
  t.like(await ask('c'), { ok: false, code: 'too-large', retryable: false })
  await client.send(Buffer.from(JSON.stringify({ type: 'unsubscribe', docId: 'b' })), {}, CONTROL)
  t.like(await ask('c'), { ok: true })
})

test('thousands of documents are opened on one socket in one go', async (t) => {
  const { url } = await startGateway(t)
  const client = await Client.connect(t, url)
  const acks = await Promise.all(
    Array.from({ length: 2000 }, (_, i) => client.send(step1(new Y.Doc()), { docId: `document ${i}` }))
  )
  t.true(acks.every(({ ok }) => ok))
})

test('an update to a document beyond the limit is refused for good', async (t) => {
  const { url } = await startGateway(t, { maxDocumentsPerSocket: 1 })
  const client = await Client.connect(t, url, { docId: 'a' })
  t.like(await client.send(update(textUpdate('x')), { docId: 'b' }), { ok: false, code: 'too-large', retryable: false })
  t.like(await client.send(update(textUpdate('x')), { docId: 'a' }), { ok: true })
})

test('documents that nobody uses leave the memory and come back whole', async (t) => {
  const store = await ControlledStore.open()
  const { url } = await startGateway(t, { store, maxIdleDocuments: 1, snapshotUpdates: 3 })
  const texts = new Map<string, string>()
  for (let i = 0; i < 40; i++) {
    const docId = `document ${i % 5}`
    const client = new Client(url, { docId })
    await client.connected()
    const doc = await client.open()
    t.is(doc.getText('body').toString(), texts.get(docId) ?? '')
    doc.getText('body').insert(0, `${i} `)
    texts.set(docId, doc.getText('body').toString())
    await client.send(step2(doc))
    client.socket.disconnect()
  }
  // The last two: one that is idle, and one whose socket the gateway may not have seen leaving.
  t.true(store.openTails <= 2, `${store.openTails} documents are in memory`)
})

test('a document stays in memory until its snapshot is written', async (t) => {
  const store = await ControlledStore.open()
  const { url } = await startGateway(t, { store, maxIdleDocuments: 1, snapshotUpdates: 1 })
  const client = await Client.connect(t, url, { docId: 'a' })
  const leave = (docId: string) => {
    return client.send(Buffer.from(JSON.stringify({ type: 'unsubscribe', docId })), {}, CONTROL)
  }
  store.holdSnapshotsBack()
  await client.send(update(textUpdate('hello'))) // starts a snapshot
  await leave('a')
  for (const docId of ['b', 'a']) {
    await client.send(step1(new Y.Doc()), { docId })
    await leave(docId)
  }
  t.deepEqual(store.loaded, ['a', 'b'])
  store.letGo()
})

test('a message beyond the buffer closes the connection and nothing else', async (t) => {
  const { url } = await startGateway(t, { maxHttpBufferSize: 10_000 })
  const other = await Client.connect(t, url)
  const client = await Client.connect(t, url)
  const closed = client.disconnected()
  client.post(update(textUpdate('x'.repeat(20_000))))
  t.is(await closed, 'transport close')
  t.like(await other.send(update(textUpdate('x'))), { ok: true })
})

test('options out of range throw and are named', (t) => {
  for (const value of [0, -1, 1.5, NaN, '5' as unknown as number]) {
    t.throws(() => createGateway({ maxUnackedFrames: value }), { instanceOf: TypeError, message: /maxUnackedFrames/ })
  }
})

test('garbage frames are answered or ignored, and never disturb anybody', async (t) => {
  const { url } = await startGateway(t)
  const other = await Client.connect(t, url)
  const { socket } = await Client.connect(t, url)
  const frame = envelope({ roomId: 'room', docId: 'room' }, update(textUpdate('x')))
  for (let end = 0; end < frame.length; end++) {
    t.like(await socket.emitWithAck(SYNC, frame.subarray(0, end)), { ok: false, code: 'bad-message' })
  }
  for (const garbage of [undefined, null, 7, 'text', [], {}, [frame], { message: frame }, true]) {
    t.like(await socket.emitWithAck(SYNC, garbage), { ok: false, code: 'bad-message' })
  }
  socket.emit(SYNC)
  socket.emit('unknown event', frame)
  socket.emit(SYNC, frame, { an: 'object' }, ['more'], 'arguments')
  t.like(await socket.emitWithAck(SYNC, frame), { ok: true })
  t.like(await other.send(step1(new Y.Doc())), { ok: true })
  await other.frame(isStep1)
})
