import test from 'ava'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket as TcpSocket } from 'node:net'
import type { Socket } from 'socket.io'
import { Server } from 'socket.io'

import { BareServer, keepDocuments } from './support/bare-server.ts'
import { openDoc, startProvider, whenStatus, whenSynced } from './support/provider.ts'
import { Proxy } from './support/proxy.ts'
import { RawServer, type RawSocket } from './support/raw-server.ts'
import { collect, waitFor } from './support/wait.ts'

/* How connections end: the reasons of the official client, and what follows. */

const tcpOf = ({ conn }: Socket) => (conn.transport as unknown as { socket: { _socket: TcpSocket } }).socket._socket
const rawTcpOf = ({ webSocket }: RawSocket) => (webSocket as unknown as { _socket: TcpSocket })._socket

/** What the official server does, and what the client says of it. All of them are followed by another connection. */
const BY_THE_SERVER: [label: string, end: (socket: Socket, server: BareServer) => void, reason: string][] = [
  ['socket_disconnect', (socket) => socket.disconnect(), 'io server disconnect'],
  ['socket_disconnect_true', (socket) => socket.disconnect(true), 'io server disconnect'],
  ['disconnect_sockets', (_, { io }) => io.disconnectSockets(), 'io server disconnect'],
  ['conn_close', (socket) => socket.conn.close(), 'transport close'],
  ['conn_close_without_waiting', (socket) => socket.conn.close(true), 'transport close'],
  ['a_fin', (socket) => tcpOf(socket).end(), 'transport close'],
  ['a_destroyed_socket', (socket) => tcpOf(socket).destroy(), 'transport close'],
  ['a_reset', (socket) => tcpOf(socket).resetAndDestroy(), 'transport close']
]

for (const [label, end, reason] of BY_THE_SERVER) {
  test(`${label}_is_${reason.replaceAll(' ', '_')}_and_it_reconnects_with_another_id`, async (t) => {
    const server = await BareServer.start(t, { handle: keepDocuments() })
    const { provider } = openDoc(t, server.url, 'doc')
    await whenSynced(provider, 'doc')
    const id = provider.socket.id
    const story: string[] = []
    provider.on('status', ({ status }) => story.push(status))
    const socketsAtClose: object[] = []
    provider.on('connection-close', (it) => {
      story.push(it)
      socketsAtClose.push({ ...provider.socket })
    })
    const synced = waitFor(provider, 'synced', ({ state }) => state)
    end(server.sockets[0]!, server)
    await synced
    t.deepEqual(story, [reason, 'disconnected', 'connecting', 'connected'])
    t.deepEqual(socketsAtClose, [{ id: undefined, connected: false }])
    t.truthy(provider.socket.id)
    t.not(provider.socket.id, id)
  })
}

test('a_server_that_closes_is_transport_close_and_then_refuses', async (t) => {
  const http = createServer()
  const io = new Server(http)
  await once(http.listen(0, '127.0.0.1'), 'listening')
  const { port } = http.address() as AddressInfo
  const provider = startProvider(t, `ws://127.0.0.1:${port}`)
  await whenStatus(provider, 'connected')
  const closed = waitFor(provider, 'connection-close')
  const failed = waitFor(provider, 'connection-error')
  await io.close()
  t.is((await closed)[0], 'transport close')
  const [error] = await failed
  t.regex(error.message, /ECONNREFUSED|ECONNRESET|socket hang up/)
  t.true(error.willRetry)
})

/** What a server does to its WebSocket, and what the client says of it. */
const BY_FRAMES: [label: string, end: (socket: RawSocket) => void, reason: string, description?: RegExp][] = [
  ['a_close_frame', ({ webSocket }) => webSocket.close(), 'transport close'],
  ['a_close_frame_with_a_reason', ({ webSocket }) => webSocket.close(4001, 'why'), 'transport close', /why.*4001/],
  ['too_large_a_message', ({ webSocket }) => webSocket.close(1009), 'transport close', /1009/],
  ['a_reserved_opcode', (socket) => rawTcpOf(socket).write(Buffer.from([0x83, 0])), 'transport error', /.+/],
  ['a_reserved_bit', (socket) => rawTcpOf(socket).write(Buffer.from([0xc1, 1, 0x32])), 'transport error', /.+/],
  [
    'a_masked_frame',
    (socket) => rawTcpOf(socket).write(Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x36])),
    'transport error',
    /.+/
  ],
  [
    'text_that_is_no_utf_8',
    (socket) => rawTcpOf(socket).write(Buffer.from([0x81, 2, 0x34, 0xff])),
    'transport error',
    /.+/
  ],
  [
    'a_fragment_without_a_beginning',
    (socket) => rawTcpOf(socket).write(Buffer.from([0x80, 0])),
    'transport error',
    /.+/
  ],
  [
    'a_long_ping',
    (socket) => rawTcpOf(socket).write(Buffer.concat([Buffer.from([0x89, 126, 0, 126]), Buffer.alloc(126)])),
    'transport error',
    /.+/
  ],
  ['half_a_frame', (socket) => rawTcpOf(socket).end(Buffer.from([0x81, 5, 0x34])), 'transport close']
]

for (const [label, end, reason, description] of BY_FRAMES) {
  test(`${label}_is_${reason.replace(' ', '_')}`, async (t) => {
    const server = await RawServer.start(t)
    const provider = startProvider(t, server.url)
    const socket = await server.joined()
    await whenStatus(provider, 'connected')
    const closed = waitFor(provider, 'connection-close')
    end(socket)
    const [was, detail] = await closed
    t.is(was, reason)
    if (description !== undefined) t.regex(detail, description)
    await server.joined()
    await whenStatus(provider, 'connected')
  })
}

test('silence_is_a_ping_timeout', async (t) => {
  const server = await BareServer.start(t, { socketOptions: { pingInterval: 1000, pingTimeout: 1000 } })
  const proxy = await Proxy.start(t)
  const provider = startProvider(t, server.url, { socketOptions: { proxy: proxy.url } })
  await whenStatus(provider, 'connected')
  const closed = waitFor(provider, 'connection-close')
  proxy.stall()
  t.deepEqual(await closed, ['ping timeout', undefined])
  await whenStatus(provider, 'connected')
})

test('a_disconnect_by_the_user_is_io_client_disconnect_and_final', async (t) => {
  const server = await BareServer.start(t)
  const provider = startProvider(t, server.url)
  await whenStatus(provider, 'connected')
  const left = waitFor(server.sockets[0] as never, 'disconnect')
  const story: string[] = []
  provider.on('connection-close', (reason) => story.push(reason))
  provider.on('status', ({ status }) => story.push(status))
  const closed = waitFor(provider, 'status', ({ status }) => status === 'disconnected')
  provider.disconnect()
  await closed
  await left
  t.deepEqual(story, ['io client disconnect', 'disconnected'])
  t.deepEqual({ ...provider.socket }, { id: undefined, connected: false })
})

test('a_disconnect_before_the_connection_is_open_says_nothing_of_a_close', async (t) => {
  const server = await RawServer.start(t)
  const provider = startProvider(t, server.url)
  const told = collect(provider, 'connection-close', 'connection-error')
  const socket = await server.connection()
  const ended = waitFor(provider, 'status', ({ status }) => status === 'disconnected')
  provider.disconnect()
  await ended
  await socket.closed
  t.deepEqual(told, [])
  t.is(server.requests.length, 1)
})

for (const [label, end] of [
  ['a_close_frame', ({ webSocket }) => webSocket.close()],
  ['a_reset', (socket) => rawTcpOf(socket).resetAndDestroy()]
] as [string, (socket: RawSocket) => void][]) {
  test(`${label}_before_connect_is_answered_is_a_close_without_a_connected`, async (t) => {
    const server = await RawServer.start(t)
    const provider = startProvider(t, server.url)
    const story: string[] = []
    provider.on('status', ({ status }) => story.push(status))
    provider.on('connection-close', (reason) => story.push(reason))
    const socket = await server.connection()
    socket.open()
    await socket.receive()
    end(socket)
    await server.joined()
    await whenStatus(provider, 'connected')
    t.deepEqual(story, ['connecting', 'transport close', 'disconnected', 'connecting', 'connected'])
  })
}

test('a_close_before_open_is_a_connection_error', async (t) => {
  const server = await RawServer.start(t)
  const provider = startProvider(t, server.url)
  const closes = collect(provider, 'connection-close')
  const failed = waitFor(provider, 'connection-error')
  const socket = await server.connection()
  socket.webSocket.close()
  const [error] = await failed
  t.is(error.message, 'transport close')
  t.true(error.willRetry)
  t.deepEqual(closes, [], 'it was never open')
})

test('a_message_above_the_servers_limit_is_an_error_and_no_loop', async (t) => {
  const server = await BareServer.start(t, { socketOptions: { maxHttpBufferSize: 10_000 } })
  const provider = startProvider(t, server.url)
  await whenStatus(provider, 'connected')
  const failed = waitFor(provider, 'error')
  provider.send('control', 100, new Uint8Array(10_000), 'doc')
  const [error] = await failed
  t.is(error.code, 'ERR_MESSAGE_TOO_LARGE')
  const received = server.frame(({ payload }) => payload.length === 9_001)
  provider.send('control', 100, new Uint8Array(9_000), 'doc')
  await received
  t.is(server.connections, 1)
})

test('a_server_that_does_not_tell_its_limit_closes_once_over_it', async (t) => {
  const server = await RawServer.start(t)
  const { provider, text } = openDoc(t, server.url, 'doc')
  const socket = await server.joined()
  const [, id] = /^451-(\d+)\[/.exec(await socket.receiveText('451-'))!
  socket.send(`43${id}[{"ok":true}]`)
  text.insert(0, 'x'.repeat(1_500_000))
  for (;;) {
    const frame = await socket.receive()
    if (typeof frame !== 'string' && frame.length > 1_000_000) break
  }
  socket.webSocket.close(1009)
  const next = await server.joined()
  let received = 0
  while (received < 1_500_000) {
    const frame = await next.receive()
    if (typeof frame === 'string') {
      const [, ack] = /^451-(\d+)\[/.exec(frame) ?? []
      if (ack !== undefined) next.send(`43${ack}[{"ok":true}]`)
      continue
    }
    t.true(frame.length <= 1_000_000, `${frame.length} bytes`)
    received += frame.length
  }
  await provider.flush()
})
