import test from 'ava'
import { Manager } from 'socket.io-client'
import * as Y from 'yjs'
import { Client, isStep1, step1, whenDoc } from './support/client.js'
import { startGateway } from './support/gateway.js'

test('messages beyond the rate are refused, and pass later', async (t) => {
  const { url } = await startGateway(t, { maxMessagesPerSecond: 1, maxMessageBurst: 3 })
  const client = await Client.connect(t, url)
  const acks = await Promise.all(Array.from({ length: 30 }, () => client.send(step1(new Y.Doc()))))
  t.deepEqual(
    acks.slice(0, 3).map(({ ok }) => ok),
    [true, true, true]
  )
  const refusal = { ok: false, code: 'rate-limited', retryable: true, reason: 'more than 1 messages per second' }
  t.true(acks.some(({ ok }) => !ok))
  for (const ack of acks.filter(({ ok }) => !ok)) t.deepEqual(ack, refusal)
  let ack = acks.at(-1)!
  while (!ack.ok) ack = await client.send(step1(new Y.Doc()))
  t.pass()
})

test('one connection does not use up the rate of another', async (t) => {
  const { url } = await startGateway(t, { maxMessagesPerSecond: 1, maxMessageBurst: 2 })
  const greedy = await Client.connect(t, url)
  const modest = await Client.connect(t, url)
  const acks = await Promise.all(Array.from({ length: 20 }, () => greedy.send(step1(new Y.Doc()))))
  t.true(acks.some(({ code }) => code === 'rate-limited'))
  t.like(await modest.send(step1(new Y.Doc())), { ok: true })
})

test('an update dropped without an ack is asked for when the rate allows it', async (t) => {
  const { url } = await startGateway(t, { maxMessagesPerSecond: 20, maxMessageBurst: 4 })
  const reader = await Client.connect(t, url)
  const copy = await reader.open()
  const author = await Client.connect(t, url)
  const doc = await author.open()
  await author.frame(isStep1)
  const text = doc.getText('body')
  const words = Array.from({ length: 40 }, (_, i) => `${i} `)
  for (const word of words) text.insert(text.length, word) // posted without ack, most of them beyond the burst
  await whenDoc(copy, () => copy.getText('body').toString() === words.join(''))
  t.pass()
})

test('connections beyond the limit are refused as busy until one leaves', async (t) => {
  const { url } = await startGateway(t, { maxConnections: 2 })
  const first = await Client.connect(t, url, { roomId: 'a' })
  await Client.connect(t, url, { roomId: 'b' })
  const refused = Client.connect(t, url, { roomId: 'c' })
  t.like(await t.throwsAsync(refused), { data: { code: 'busy', reason: 'the gateway has 2 connections' } })
  first.socket.disconnect()
  await eventuallyConnects(url, t, 'c')
  t.pass()
})

test('connections of a room are counted by themselves', async (t) => {
  const { url } = await startGateway(t, { maxConnectionsPerRoom: 1 })
  await Client.connect(t, url, { roomId: 'a' })
  await Client.connect(t, url, { roomId: 'b' })
  const refused = Client.connect(t, url, { roomId: 'a' })
  t.like(await t.throwsAsync(refused), { data: { code: 'busy', reason: 'the room has 1 connections' } })
})

test('a connection that is not let in is not counted', async (t) => {
  const authorize = ({ token }: { token: string | undefined }) => token === 'good'
  const { url } = await startGateway(t, { authorize, maxConnections: 1, maxConnectionsPerRoom: 1 })
  for (let i = 0; i < 3; i++) {
    t.like(await t.throwsAsync(Client.connect(t, url)), { data: { code: 'permission-denied' } })
  }
  await Client.connect(t, url, { token: 'good' })
  t.pass()
})

test('a connection that breaks off while it is being let in is not counted', async (t) => {
  let verdict = (_isAllowed: boolean): void => {}
  let asked = (): void => {}
  const isAsked = new Promise<void>((resolve) => (asked = resolve))
  const authorize = ({ token }: { token: string | undefined }) => {
    if (token !== 'slow') return true
    asked()
    return new Promise<boolean>((resolve) => (verdict = resolve))
  }
  const { gateway, url } = await startGateway(t, { authorize, maxConnections: 1 })
  const gone = new Promise((resolve) => {
    gateway.io.engine.once('connection', (transport: NodeJS.EventEmitter) => transport.once('close', resolve))
  })
  const slow = new Client(url, { token: 'slow' })
  await isAsked
  slow.socket.close()
  await gone
  verdict(true)
  await Client.connect(t, url, { token: 'fast' })
  t.pass()
})

test('a transport that stays open for another namespace is not counted', async (t) => {
  const authorize = ({ token }: { token: string | undefined }) => token !== 'bad'
  const { gateway, url } = await startGateway(t, { authorize, maxConnections: 1 })
  gateway.io.of('/other')
  const manager = new Manager(url, { query: { roomId: 'room' }, transports: ['websocket'], reconnection: false })
  t.teardown(() => manager._close())
  const other = manager.socket('/other')
  await new Promise<void>((resolve) => other.once('connect', resolve))
  const socket = manager.socket('/', { auth: { token: 'bad' } })
  t.is((await new Promise<Error>((resolve) => socket.once('connect_error', resolve))).message, 'connect is not allowed')
  socket.auth = { token: 'good' }
  socket.connect()
  await new Promise<void>((resolve) => socket.once('connect', resolve))
  const left = new Promise((resolve) => gateway.io.sockets.sockets.get(socket.id!)!.once('disconnect', resolve))
  socket.disconnect()
  await left
  await Client.connect(t, url, { token: 'good' })
  t.true(other.connected)
})

/** The gateway notices after its client that a connection is gone. */
async function eventuallyConnects(url: string, t: Parameters<typeof Client.connect>[0], roomId: string): Promise<void> {
  for (;;) {
    const client = new Client(url, { roomId })
    t.teardown(() => client.socket.close())
    const error: unknown = await client.connected().catch((reason: unknown) => reason)
    if (error === undefined) return
    client.socket.close()
  }
}
