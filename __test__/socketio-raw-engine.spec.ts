import test, { type ExecutionContext } from 'ava'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo, type Socket } from 'node:net'

import { startProvider, whenStatus } from './support/provider.ts'
import { RawServer } from './support/raw-server.ts'
import { collect, waitFor, until } from './support/wait.ts'

/* What Engine.IO v4 asks of a client, with a server that speaks raw frames. */

const CONTROL = '451-["y-kafka-collabation-server-control",{"_placeholder":true,"num":0}]'

/** A server that answers what comes with these bytes and hangs up. */
async function startTcp(t: ExecutionContext, answer: (request: string, socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => {
    t.teardown(() => socket.destroy())
    socket.on('error', () => {})
    socket.once('data', (data) => answer(data.toString(), socket))
  })
  t.teardown(() => server.close())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** The head of an answer that accepts the upgrade. */
function accept(request: string): string {
  const [, key] = /sec-websocket-key: (.*)\r\n/i.exec(request)!
  const hash = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
  return `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${hash}\r\n\r\n`
}

test('asks_for_a_websocket_of_engine_io_4_and_offers_no_compression', async (t) => {
  const server = await RawServer.start(t)
  startProvider(t, server.url)
  const { path, request } = await server.connection()
  t.is(request.method, 'GET')
  t.is(path, '/socket.io/?roomId=room&EIO=4&transport=websocket')
  t.like(request.headers, {
    host: server.url.slice('ws://'.length),
    upgrade: 'websocket',
    connection: 'Upgrade',
    'sec-websocket-version': '13',
    'sec-websocket-extensions': undefined,
    'sec-websocket-protocol': undefined,
    origin: undefined,
    authorization: undefined
  })
})

test('user_name_and_password_of_the_url_are_not_sent', async (t) => {
  const server = await RawServer.start(t)
  startProvider(t, server.url.replace('ws://', 'ws://user:secret@'))
  const { request } = await server.connection()
  t.false(JSON.stringify([request.url, request.rawHeaders]).includes('secret'))
})

test('the_query_of_the_url_joins_the_handshake', async (t) => {
  const server = await RawServer.start(t)
  startProvider(t, `${server.url}/?a=1&b=%26%C3%A4&woot&a=2#hash`)
  const { path } = await server.connection()
  t.is(path, '/socket.io/?roomId=room&a=2&b=%26%C3%A4&woot=undefined&EIO=4&transport=websocket')
})

test('says_nothing_before_open_and_then_connect', async (t) => {
  const server = await RawServer.start(t)
  startProvider(t, server.url)
  const socket = await server.connection()
  // An answer to this would be the first frame.
  socket.send('2', '6')
  socket.open()
  t.is(await socket.receive(), '40')
})

for (const [label, open] of [
  ['without_max_payload', { sid: 'lv_VI97HAXpY6yYWAAAC' }],
  ['with_max_payload', { maxPayload: 1000000 }],
  ['with_a_short_sid', { sid: 'x' }],
  ['with_a_long_and_odd_sid', { sid: `ä/${'x'.repeat(500)}` }]
] as const) {
  test(`an_open_packet_${label}_is_taken`, async (t) => {
    const server = await RawServer.start(t)
    const provider = startProvider(t, server.url)
    await server.joined(open)
    await whenStatus(provider, 'connected')
    t.is(provider.socket.id, 'socket', 'the id of the Socket.IO socket, not of the transport')
  })
}

for (const [label, packet] of [
  ['no_payload', '0'],
  ['no_json', '0{'],
  ['no_sid', '0{"pingInterval":1,"pingTimeout":1}'],
  ['no_interval', '0{"sid":"x","pingTimeout":1}']
]) {
  test(`an_open_packet_with_${label}_is_a_connection_error`, async (t) => {
    const server = await RawServer.start(t)
    const provider = startProvider(t, server.url)
    const failed = waitFor(provider, 'connection-error')
    const closes = collect(provider, 'connection-close')
    const socket = await server.connection()
    socket.send(packet!)
    const [error] = await failed
    t.is(error.code, 'ERR_CONNECTION')
    t.true(error.willRetry)
    await socket.closed
    t.deepEqual(closes, [], 'it was never open')
  })
}

test('answers_every_ping_with_a_pong_without_payload', async (t) => {
  const server = await RawServer.start(t)
  startProvider(t, server.url)
  const socket = await server.joined()
  for (const ping of ['2', '2probe', '2']) {
    socket.send(ping)
    t.is(await socket.receive(), '3')
  }
})

test('answers_a_ping_of_the_websocket_with_its_payload', async (t) => {
  const server = await RawServer.start(t)
  startProvider(t, server.url)
  const { webSocket } = await server.joined()
  const pong = waitFor(webSocket as never, 'pong')
  webSocket.ping('payload')
  t.is((await pong)[0].toString(), 'payload')
})

test('leaves_when_no_ping_comes_in_time', async (t) => {
  const server = await RawServer.start(t)
  const provider = startProvider(t, server.url)
  const closed = waitFor(provider, 'connection-close')
  const socket = await server.joined({ pingInterval: 30, pingTimeout: 20 })
  t.deepEqual(await closed, ['ping timeout', undefined])
  t.deepEqual(await socket.closed, { code: 1005, reason: '' })
  await server.joined()
})

test('other_traffic_does_not_stand_for_a_ping', async (t) => {
  const server = await RawServer.start(t)
  const provider = startProvider(t, server.url)
  const closed = waitFor(provider, 'connection-close')
  const socket = await server.joined({ pingInterval: 150, pingTimeout: 100 })
  const traffic = setInterval(() => socket.send('42["hello"]', '6', '3'), 10)
  t.teardown(() => clearInterval(traffic))
  t.is((await closed)[0], 'ping timeout')
})

for (const [label, packet] of [
  ['close', '1'],
  ['pong', '3'],
  ['upgrade', '5'],
  ['noop', '6'],
  ['pong_with_payload', '3probe']
]) {
  test(`ignores_a_packet_of_type_${label}`, async (t) => {
    const server = await RawServer.start(t)
    const provider = startProvider(t, server.url)
    const socket = await server.joined()
    socket.send(packet!, '2')
    t.is(await socket.receive(), '3', 'it is still there')
    // What the provider tells and what the server receives come to this thread on different ways.
    await until(provider, 'status', () => provider.status === 'connected')
  })
}

test('a_second_open_packet_changes_nothing', async (t) => {
  const server = await RawServer.start(t)
  const provider = startProvider(t, server.url)
  const socket = await server.joined()
  socket.open({ sid: 'other', maxPayload: 1 })
  socket.send('2')
  t.is(await socket.receive(), '3')
  t.is(provider.socket.id, 'socket')
  provider.send('control', 100, Uint8Array.of(1, 2, 3), 'doc')
  t.is(await socket.receive(), CONTROL, 'nor does the limit')
})

for (const [label, frames] of [
  ['an_unknown_type', ['abc']],
  ['no_type', ['']],
  ['a_type_that_is_no_character_of_ascii', ['é']]
] as const) {
  test(`a_packet_with_${label}_is_a_transport_error`, async (t) => {
    const server = await RawServer.start(t)
    const provider = startProvider(t, server.url)
    const closed = waitFor(provider, 'connection-close')
    const socket = await server.joined()
    socket.send(...frames)
    t.is((await closed)[0], 'transport error')
    t.deepEqual(await socket.closed, { code: 1005, reason: '' })
    await server.joined()
  })
}

test('takes_binary_messages_as_base64', async (t) => {
  const server = await RawServer.start(t)
  const provider = startProvider(t, server.url)
  const control = waitFor(provider, 'control')
  const socket = await server.joined()
  const json = Buffer.from('{"roomId":"room","docId":"doc"}')
  const envelope = Buffer.concat([Buffer.from([json.length, 0]), json, Buffer.from([100, 0x1e, 0xff])])
  socket.send(CONTROL, `b${envelope.toString('base64')}`)
  t.deepEqual(await control, [100, Uint8Array.of(0x1e, 0xff)])
})

test('says_goodbye_with_a_close_frame_only', async (t) => {
  const server = await RawServer.start(t)
  const provider = startProvider(t, server.url)
  const socket = await server.joined()
  await whenStatus(provider, 'connected')
  const frames: string[] = []
  socket.webSocket.on('message', (data) => frames.push(String(data)))
  provider.destroy()
  // A DISCONNECT packet would make the server drop what came just before it.
  t.deepEqual(await socket.closed, { code: 1005, reason: '' })
  t.deepEqual(frames, [])
})

/** Answers to the upgrade request, and the error they become. */
const REFUSALS: [label: string, status: number, headers: Record<string, string>, body: string, message: string][] = [
  ['a_bad_request', 400, {}, '"Transport unknown"', 'Unexpected server response: 400 ("Transport unknown")'],
  ['forbidden', 403, {}, '', 'Unexpected server response: 403'],
  ['not_found', 404, {}, 'no such thing', 'Unexpected server response: 404 (no such thing)'],
  ['an_answer_without_upgrade', 200, {}, '<html>', 'Unexpected server response: 200 (<html>)'],
  ['a_redirect', 302, { location: 'http://127.0.0.1:9/' }, '', 'Unexpected server response: 302'],
  ['a_failing_server', 503, {}, 'busy', 'Unexpected server response: 503 (busy)']
]

for (const [label, status, headers, body, message] of REFUSALS) {
  test(`${label}_is_a_connection_error_and_is_tried_again`, async (t) => {
    let requests = 0
    const http = createHttpServer()
    http.on('upgrade', (_, socket) => {
      requests += 1
      const lines = Object.entries({ connection: 'close', 'content-length': body.length, ...headers })
      const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
      socket.on('error', () => {})
      socket.end(`HTTP/1.1 ${status} Reason\r\n${head}\r\n${body}`)
    })
    t.teardown(() => http.close())
    await once(http.listen(0, '127.0.0.1'), 'listening')
    const provider = startProvider(t, `http://127.0.0.1:${(http.address() as AddressInfo).port}`)
    const [error] = await waitFor(provider, 'connection-error')
    t.is(error.message, message)
    t.is(error.code, 'ERR_CONNECTION')
    t.true(error.willRetry)
    await waitFor(provider, 'connection-error')
    t.true(requests >= 2)
  })
}

/** What a server that is none does with the request. */
const STRANGERS: [label: string, answer: (request: string, socket: Socket) => void][] = [
  ['hangs_up', (_, socket) => socket.end()],
  ['resets', (_, socket) => socket.resetAndDestroy()],
  ['speaks_no_http', (_, socket) => socket.end('220 smtp.example.com ESMTP\r\n')],
  ['accepts_with_the_wrong_key', (request, socket) => socket.end(accept(request.replace(/(key: )./i, '$1_')))],
  // What engine.io does to a client of another protocol version.
  ['refuses_after_it_accepted', (request, socket) => socket.end(`${accept(request)}HTTP/1.1 400 Bad Request\r\n\r\n`)],
  ['hangs_up_after_it_accepted', (request, socket) => socket.end(accept(request))]
]

for (const [label, answer] of STRANGERS) {
  test(`a_server_that_${label}_is_a_connection_error`, async (t) => {
    const provider = startProvider(t, await startTcp(t, answer))
    const closes = collect(provider, 'connection-close')
    const [error] = await waitFor(provider, 'connection-error')
    t.is(error.code, 'ERR_CONNECTION')
    t.true(error.message.length > 0)
    t.true(error.willRetry)
    t.deepEqual(closes, [], 'it was never open')
  })
}
