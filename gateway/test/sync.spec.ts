import test from 'ava'
import * as Y from 'yjs'
import {
  body,
  Client,
  CONTROL,
  isStep1,
  isStep2,
  isUpdate,
  step1,
  step2,
  textUpdate,
  update,
  whenDoc
} from './support/client.js'
import { startGateway } from './support/gateway.js'

const textOf = (doc: Y.Doc) => doc.getText('body').toString()

test('step 1 is answered with an empty step 2 and a question while the log is empty', async (t) => {
  const { url } = await startGateway(t)
  const client = await Client.connect(t, url)
  await client.send(step1(new Y.Doc()))
  const [answer, question] = client.frames
  t.deepEqual([...answer!.payload], [0, 1, 2, 0, 0])
  t.is(answer!.offset, undefined)
  t.like(answer!.metadata, { roomId: 'room', docId: 'room', senderId: 'server' })
  t.deepEqual([...question!.payload], [0, 0, 1, 0])
})

test('step 1 is answered with the difference, and the offset that the answer contains', async (t) => {
  const { url } = await startGateway(t)
  const author = await Client.connect(t, url)
  const doc = new Y.Doc()
  doc.getText('body').insert(0, 'known ')
  await author.send(step2(doc))
  const stateVector = Y.encodeStateVector(doc)
  doc.getText('body').insert(6, 'new')
  await author.send(update(Y.encodeStateAsUpdate(doc, stateVector)))

  const reader = await Client.connect(t, url)
  const known = new Y.Doc()
  Y.applyUpdate(known, Y.encodeStateAsUpdate(doc))
  await reader.send(step1(known))
  const nothing = await reader.frame(isStep2)
  t.deepEqual([...body(nothing.payload)], [0, 0])
  t.is(nothing.offset, '1')
  t.deepEqual(nothing.stream, { topic: 'ykc.sync.room', partition: 0 })

  await reader.send(step1(new Y.Doc()))
  const everything = reader.frames.filter(isStep2)[1]!
  const copy = new Y.Doc()
  Y.applyUpdate(copy, body(everything.payload))
  t.is(textOf(copy), 'known new')
})

test('every step 1 is answered; the gateway asks once, and again when the client is ahead', async (t) => {
  const { url } = await startGateway(t)
  const client = await Client.connect(t, url)
  const counts = () => [client.frames.filter(isStep2).length, client.frames.filter(isStep1).length]
  const doc = new Y.Doc()
  await client.send(step1(doc))
  t.deepEqual(counts(), [1, 1])
  await client.send(step1(doc))
  t.deepEqual(counts(), [2, 1])
  doc.getText('body').insert(0, 'offline')
  await client.send(step1(doc))
  t.deepEqual(counts(), [3, 2])
})

test('answering the question uploads what was edited offline', async (t) => {
  const { url } = await startGateway(t)
  const author = await Client.connect(t, url)
  const reader = await Client.connect(t, url)
  const copy = await reader.open()
  const doc = new Y.Doc()
  doc.getText('body').insert(0, 'offline')
  author.post(step1(doc))
  await author.frame(isStep1)
  author.post(step2(doc))
  await whenDoc(copy, () => textOf(copy) === 'offline')
  t.pass()
})

test('the document of the handshake is subscribed without a step 1', async (t) => {
  const { url } = await startGateway(t)
  const reader = await Client.connect(t, url)
  await reader.settled()
  const author = await Client.connect(t, url)
  await author.send(update(textUpdate('hello')))
  t.is((await reader.frame(isUpdate)).offset, '0')
})

test('frames sent before the document is loaded are handled in order', async (t) => {
  const { url } = await startGateway(t)
  const client = new Client(url)
  t.teardown(() => client.socket.close())
  // Buffered by socket.io-client and sent in one go with the connection.
  const acks = ['a', 'b', 'c'].map((text) => client.send(update(textUpdate(text))))
  t.deepEqual(
    (await Promise.all(acks)).map(({ offset }) => offset),
    ['0', '1', '2']
  )
})

test('others get an update stamped, with its position; the author does not', async (t) => {
  const { url } = await startGateway(t)
  const author = await Client.connect(t, url)
  const reader = await Client.connect(t, url)
  await reader.settled()
  const before = Date.now()
  await author.send(update(textUpdate('hello')), { parentId: 'p', senderId: 'forged', timestamp: 1 })
  const { metadata, offset, stream, payload } = await reader.frame(isUpdate)
  t.deepEqual(Object.keys(metadata), ['roomId', 'docId', 'parentId', 'senderId', 'timestamp'])
  t.like(metadata, { roomId: 'room', docId: 'room', parentId: 'p', senderId: author.socket.id })
  t.true((metadata['timestamp'] as number) >= before)
  t.is(offset, '0')
  t.deepEqual(stream, { topic: 'ykc.sync.room', partition: 0 })
  t.deepEqual([...payload.subarray(0, 2)], [0, 2])
  await author.settled()
  t.false(author.frames.some(isUpdate))
})

test('updates reach others in the order of their offsets', async (t) => {
  const { url } = await startGateway(t)
  const authors = await Promise.all([1, 2, 3].map(() => Client.connect(t, url)))
  const reader = await Client.connect(t, url)
  await reader.settled()
  const acks = authors.flatMap((author) => Array.from({ length: 50 }, () => author.send(update(textUpdate('x')))))
  await Promise.all(acks)
  await reader.frame(({ offset, payload }) => offset === '149' && payload[1] === 2)
  const offsets = reader.frames.filter(isUpdate).map(({ offset }) => Number(offset))
  t.deepEqual(
    offsets,
    Array.from({ length: 150 }, (_, i) => i)
  )
})

test('several documents share one socket and stay apart', async (t) => {
  const { url } = await startGateway(t)
  const one = await Client.connect(t, url, { docId: 'a' })
  const two = await Client.connect(t, url, { docId: 'b' })
  const [a1, b1, a2, b2] = [await one.open('a'), await one.open('b'), await two.open('a'), await two.open('b')]
  a1.getText('body').insert(0, 'in a')
  b2.getText('body').insert(0, 'in b')
  await Promise.all([whenDoc(a2, () => textOf(a2) === 'in a'), whenDoc(b1, () => textOf(b1) === 'in b')])
  t.is(textOf(b2), 'in b')
  t.is(textOf(a1), 'in a')
})

test('a document is not sent to who is subscribed to another one of the room', async (t) => {
  const { url } = await startGateway(t)
  const author = await Client.connect(t, url, { docId: 'a' })
  const other = await Client.connect(t, url, { docId: 'b' })
  await other.settled()
  await author.send(update(textUpdate('x')))
  await other.settled()
  t.false(other.frames.some(isUpdate))
})

test('unsubscribing ends the updates, subscribing again brings what was missed', async (t) => {
  const { url } = await startGateway(t)
  const author = await Client.connect(t, url)
  const reader = await Client.connect(t, url)
  await reader.open()
  const unsubscribe = Buffer.from(JSON.stringify({ type: 'unsubscribe', docId: 'room' }))
  t.deepEqual(await reader.send(unsubscribe, {}, CONTROL), { ok: true })
  await author.send(update(textUpdate('missed')))
  t.like(await reader.send(update(textUpdate('x'))), { ok: false, code: 'not-subscribed' })
  t.false(reader.frames.some(isUpdate))
  const copy = await reader.open()
  await whenDoc(copy, () => textOf(copy) === 'missed')
})

test('unsubscribing and subscribing again at once leaves the socket subscribed', async (t) => {
  const { url } = await startGateway(t)
  const author = await Client.connect(t, url)
  const reader = await Client.connect(t, url)
  reader.post(Buffer.from(JSON.stringify({ type: 'unsubscribe' })), {}, CONTROL)
  await reader.send(step1(new Y.Doc()))
  await author.send(update(textUpdate('hello')))
  t.is((await reader.frame(isUpdate)).offset, '0')
  t.like(await reader.send(update(textUpdate('hello back'))), { ok: true, offset: '1' })
})

test('who joins while edits stream in misses none of them', async (t) => {
  const { url } = await startGateway(t, { maxIdleDocuments: 1 })
  const author = await Client.connect(t, url)
  const source = new Y.Doc()
  const acks: Promise<unknown>[] = []
  source.on('update', (bytes: Uint8Array) => acks.push(author.send(update(bytes))))
  const readers: Promise<Y.Doc>[] = []
  for (let i = 0; i < 600; i++) {
    source.getText('body').insert(i, String(i % 10))
    if (i % 60 === 30) readers.push(Client.connect(t, url).then((reader) => reader.open()))
    if (i % 20 === 0) await acks.at(-1)
  }
  await Promise.all(acks)
  for (const doc of await Promise.all(readers)) {
    await whenDoc(doc, () => textOf(doc) === textOf(source))
    t.is(doc.store.pendingStructs, null)
  }
})

test('clients that edit text, maps and arrays concurrently converge', async (t) => {
  const { url } = await startGateway(t)
  const clients = await Promise.all([1, 2, 3].map(() => Client.connect(t, url)))
  const docs = await Promise.all(clients.map((client) => client.open()))
  for (const [index, doc] of docs.entries()) {
    for (let i = 0; i < 20; i++) {
      doc.getText('body').insert(0, `${index}`)
      doc.getMap('map').set(`key${i % 3}`, index)
      doc.getArray('list').insert(0, [index])
      if (i % 5 === 0) doc.getText('body').delete(0, 1)
    }
  }
  const isComplete = (doc: Y.Doc) => doc.getText('body').length === 48 && doc.getArray('list').length === 60
  await Promise.all(docs.map((doc) => whenDoc(doc, () => isComplete(doc))))
  await Promise.all(clients.map((client) => client.settled()))
  t.deepEqual(docs[1]!.toJSON(), docs[0]!.toJSON())
  t.deepEqual(docs[2]!.toJSON(), docs[0]!.toJSON())
})
