import test from 'ava'
import * as awarenessProtocol from 'y-protocols/awareness'
import * as Y from 'yjs'
import { seenBy, states } from './support/awareness.js'
import { AWARENESS, body, Client, CONTROL, isAwareness, step1 } from './support/client.js'
import { startGateway } from './support/gateway.js'

const QUERY = Uint8Array.of(3)

test('awareness is relayed to the others of the document, and not to its author', async (t) => {
  const { url } = await startGateway(t)
  const author = await Client.connect(t, url)
  const reader = await Client.connect(t, url)
  await reader.settled()
  t.deepEqual(await author.send(states([[7, 1, { name: 'Anna' }]]), {}, AWARENESS), { ok: true })
  const { event, metadata, offset } = await reader.frame(isAwareness)
  t.is(event, AWARENESS)
  t.is(metadata['senderId'], author.socket.id)
  t.is(offset, undefined)
  t.deepEqual(seenBy(reader), { 7: { name: 'Anna' } })
  await author.settled()
  t.false(author.frames.some(isAwareness))
})

test('newcomers and queries get everybody', async (t) => {
  const { url } = await startGateway(t)
  const anna = await Client.connect(t, url)
  const bert = await Client.connect(t, url)
  await anna.send(states([[7, 1, 'Anna']]))
  await bert.send(states([[8, 1, 'Bert']]))

  const newcomer = await Client.connect(t, url)
  await newcomer.settled()
  t.deepEqual(seenBy(newcomer), { 7: 'Anna', 8: 'Bert' })

  anna.frames.length = 0
  await anna.send(QUERY)
  t.deepEqual(seenBy(anna), { 7: 'Anna', 8: 'Bert' })
})

test('a disconnect removes the clients of the socket, and no others', async (t) => {
  const { url } = await startGateway(t)
  const anna = await Client.connect(t, url)
  const bert = await Client.connect(t, url)
  const reader = await Client.connect(t, url)
  await anna.send(
    states([
      [7, 1, 'Anna'],
      [9, 4, 'Anna too']
    ])
  )
  await bert.send(states([[8, 1, 'Bert']]))
  await reader.settled()
  const isRemoval = (client: Client) => () => !('7' in seenBy(client))
  await reader.frame(isAwareness)
  t.true('7' in seenBy(reader))
  anna.socket.disconnect()
  await reader.frame((frame) => isAwareness(frame) && frame.metadata['senderId'] === 'server' && isRemoval(reader)())
  t.deepEqual(seenBy(reader), { 8: 'Bert' })
})

test('unsubscribing removes the clients of that document', async (t) => {
  const { url } = await startGateway(t)
  const anna = await Client.connect(t, url, { docId: 'a' })
  const reader = await Client.connect(t, url, { docId: 'a' })
  await anna.send(step1(new Y.Doc()), { docId: 'b' })
  await reader.send(step1(new Y.Doc()), { docId: 'b' })
  await anna.send(states([[7, 1, 'in a']]), { docId: 'a' })
  await anna.send(states([[7, 1, 'in b']]), { docId: 'b' })
  await anna.send(Buffer.from(JSON.stringify({ type: 'unsubscribe', docId: 'a' })), {}, CONTROL)
  await reader.settled()
  const removals = reader.frames.filter((frame) => isAwareness(frame) && frame.metadata['senderId'] === 'server')
  t.deepEqual(
    removals.map(({ metadata }) => metadata['docId']),
    ['a']
  )
})

test('a client that comes back with an old clock is told, so that it raises it', async (t) => {
  const { url } = await startGateway(t)
  const observer = await Client.connect(t, url)
  const before = await Client.connect(t, url)
  await before.send(states([[7, 1, 'Anna']]))
  before.socket.disconnect()
  await observer.frame((frame) => isAwareness(frame) && frame.metadata['senderId'] === 'server')

  const after = await Client.connect(t, url)
  const awareness = new awarenessProtocol.Awareness(new Y.Doc())
  t.teardown(() => awareness.destroy())
  awareness.clientID = 7
  awareness.setLocalState({ name: 'Anna' }) // the clock it had before
  await after.send(states([[7, 1, 'Anna']]))
  awarenessProtocol.applyAwarenessUpdate(awareness, body((await after.frame(isAwareness)).payload), 'server')
  t.is(awareness.meta.get(7)?.clock, 3)
  await after.send(states([[7, 3, 'Anna']]))
  await observer.settled()
  t.deepEqual(seenBy(observer), { 7: 'Anna' })
})

test('nobody speaks for a client of another token', async (t) => {
  const { url } = await startGateway(t)
  const anna = await Client.connect(t, url, { token: 'anna' })
  const eve = await Client.connect(t, url, { token: 'eve' })
  await anna.send(states([[7, 1, 'Anna']]))
  await eve.send(states([[7, 5, 'I am Anna']]))
  await eve.send(states([[7, 5, null]]))
  eve.socket.disconnect()
  anna.frames.length = 0
  await anna.send(QUERY)
  t.deepEqual(seenBy(anna), { 7: 'Anna' })
})

test('awareness is not logged', async (t) => {
  const { url } = await startGateway(t)
  const client = await Client.connect(t, url)
  await client.send(states([[7, 1, 'Anna']]))
  t.is((await client.send(Uint8Array.of(0, 2, 2, 0, 0)))['offset'], undefined)
})
