import test, { type ExecutionContext } from 'ava'
import type { Socket } from 'socket.io'
import * as Y from 'yjs'

import type { ProtocolManager } from '../index.js'
import { BareServer, keepDocuments } from './support/bare-server.ts'
import { openDoc, startProvider, whenStatus, whenSynced } from './support/provider.ts'
import { RawServer } from './support/raw-server.ts'
import { waitFor } from './support/wait.ts'
import * as wire from './support/wire.ts'

/* Connection state recovery: with the official server that offers it, and frame by frame. */

const SLOT = '{"_placeholder":true,"num":0}'
const control = (byte: number) => wire.envelope({ roomId: 'room', docId: 'doc' }, Uint8Array.of(100, byte))

async function start(t: ExecutionContext) {
  const docs = new Map<string, Y.Doc>()
  const server = await BareServer.start(t, {
    socketOptions: { connectionStateRecovery: {} },
    handle: keepDocuments(docs)
  })
  return { server, docs }
}

/** Resolves with the server's side of the next connection, once the provider knows of it. */
async function reconnected(server: BareServer, provider: ProtocolManager): Promise<Socket> {
  const connected = waitFor(provider, 'status', ({ status }) => status === 'connected')
  const socket = await server.socket()
  await connected
  return socket
}

/** Loses the connection, and has this done before the next one is made. */
async function lose(server: BareServer, provider: ProtocolManager, meanwhile: () => void): Promise<Socket> {
  const [socket] = server.sockets
  // The connection closes first: what is sent now is kept for the next one.
  socket!.once('disconnect', meanwhile)
  const next = reconnected(server, provider)
  socket!.conn.close()
  return next
}

test('a_lost_connection_is_recovered_under_its_id', async (t) => {
  const { server } = await start(t)
  const provider = startProvider(t, server.url)
  const first = await reconnected(server, provider)
  t.false(first.recovered)
  // The server keeps a connection that has received something it may have to repeat.
  const heard = waitFor(provider, 'control')
  server.io.emit(wire.CONTROL, control(1))
  await heard
  const second = await lose(server, provider, () => {})
  t.true(second.recovered)
  t.is(second.id, first.id)
  t.is(provider.socket.id, first.id)
})

test('messages_that_a_lost_connection_missed_come_in_their_order', async (t) => {
  const { server } = await start(t)
  const provider = startProvider(t, server.url)
  await reconnected(server, provider)
  const heard: number[] = []
  provider.on('control', (_, content) => heard.push(content[0]!))
  const first = waitFor(provider, 'control')
  server.io.emit(wire.CONTROL, control(1))
  await first
  const last = waitFor(provider, 'control', (_, content) => content[0] === 4)
  const socket = await lose(server, provider, () => {
    server.io.emit(wire.CONTROL, control(2))
    server.io.emit(wire.CONTROL, control(3))
  })
  t.true(socket.recovered)
  server.io.emit(wire.CONTROL, control(4))
  await last
  t.deepEqual(heard, [1, 2, 3, 4])
})

test('a_recovered_document_asks_what_it_lacks_all_the_same', async (t) => {
  const { server, docs } = await start(t)
  const { provider, text } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  text.insert(0, 'a')
  await provider.flush()
  const before = server.frames.length
  const synced = waitFor(provider, 'synced', ({ state }) => state)
  const socket = await lose(server, provider, () => {
    text.insert(1, 'b')
    // The server forgets to send this to anyone.
    docs.get('doc')!.getText('body').insert(0, '_')
  })
  t.true(socket.recovered)
  await synced
  await provider.flush()
  t.true(server.frames.slice(before).some(wire.isStep1))
  t.is(text.toString(), '_ab')
  t.is(docs.get('doc')!.getText('body').toString(), '_ab')
})

test('a_disconnect_by_the_user_is_not_recovered', async (t) => {
  const { server } = await start(t)
  const provider = startProvider(t, server.url)
  const first = await reconnected(server, provider)
  const heard = waitFor(provider, 'control')
  server.io.emit(wire.CONTROL, control(1))
  await heard
  const ended = waitFor(first as never, 'disconnect')
  provider.disconnect()
  await ended
  const next = reconnected(server, provider)
  provider.connect()
  const second = await next
  t.deepEqual(second.handshake.auth, {})
  t.false(second.recovered)
  t.not(second.id, first.id)
})

test('a_disconnect_by_the_server_is_not_recovered', async (t) => {
  const { server } = await start(t)
  const provider = startProvider(t, server.url)
  const first = await reconnected(server, provider)
  const next = reconnected(server, provider)
  first.disconnect(true)
  const second = await next
  t.false(second.recovered)
  t.not(second.id, first.id)
})

test('the_string_that_recovery_adds_to_every_event_is_no_offset', async (t) => {
  const { server, docs } = await start(t)
  docs.set('doc', new Y.Doc())
  const { provider, text } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  t.is(provider.getDocState('doc')?.offset, undefined)
  const doc = docs.get('doc')!
  const updates: Uint8Array[] = []
  doc.on('update', (bytes: Uint8Array) => updates.push(bytes))
  doc.getText('body').insert(0, 'x')
  server.send({ docId: 'doc' }, wire.update(updates[0]!))
  await waitFor(provider, 'message-sync', () => text.length() === 1)
  t.is(provider.getDocState('doc')?.offset, undefined)
  doc.getText('body').insert(1, 'y')
  server.send({ docId: 'doc' }, wire.update(updates[1]!), wire.SYNC, '17', { topic: 'log', partition: 0 })
  await waitFor(provider, 'message-sync', () => text.length() === 2)
  t.is(provider.getDocState('doc')?.offset, '17')
})

test('connect_asks_with_pid_offset_and_auth', async (t) => {
  const server = await RawServer.start(t)
  let calls = 0
  startProvider(t, server.url, { token: () => `token ${(calls += 1)}` })
  const rounds: [connect: string, pid: string, events: string[]][] = [
    ['40{"token":"token 1"}', 'p1', []],
    ['40{"pid":"p1","token":"token 2"}', 'p1', ['42["a","first"]', '42["b",{},"second"]', '42["c",5]']],
    ['40{"pid":"p1","offset":"second","token":"token 3"}', 'p1', []],
    ['40{"pid":"p1","offset":"second","token":"token 4"}', 'p2', []],
    ['40{"pid":"p2","token":"token 5"}', 'p2', []]
  ]
  for (const [connect, pid, events] of rounds) {
    const socket = await server.connection()
    t.is(await socket.join({}, { sid: 'socket', pid }), connect)
    socket.send(...events, '2')
    await socket.receiveText('3')
    socket.webSocket.terminate()
  }
})

test('auth_wins_over_pid_and_offset', async (t) => {
  const server = await RawServer.start(t)
  startProvider(t, `${server.url}/ns`, { socketOptions: { auth: { offset: 'mine', pid: 1 } } })
  for (let round = 0; round < 2; round++) {
    const socket = await server.connection()
    t.is(await socket.join({}, { sid: 'socket', pid: 'p' }), '40/ns,{"offset":"mine","pid":1}')
    socket.send('42/ns,["a","offset"]', '2')
    await socket.receiveText('3')
    socket.webSocket.terminate()
  }
})

test('a_server_without_recovery_is_not_asked_for_it', async (t) => {
  const server = await RawServer.start(t)
  const provider = startProvider(t, server.url)
  for (let round = 0; round < 2; round++) {
    const socket = await server.connection()
    t.is(await socket.join(), '40')
    await whenStatus(provider, 'connected')
    socket.send(`451-["${wire.CONTROL}",${SLOT},"offset"]`, control(1), '2')
    await socket.receiveText('3')
    socket.webSocket.terminate()
    await whenStatus(provider, 'connecting')
  }
})
