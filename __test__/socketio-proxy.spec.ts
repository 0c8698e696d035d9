import test from 'ava'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createHttpsServer } from 'node:https'
import { connect, createServer, type AddressInfo, type Socket as TcpSocket } from 'node:net'
import { Server } from 'socket.io'

import { BareServer, keepDocuments } from './support/bare-server.ts'
import { openDoc, startProvider, whenStatus, whenSynced } from './support/provider.ts'
import { Proxy } from './support/proxy.ts'
import { RawServer } from './support/raw-server.ts'
import { bounded, waitFor } from './support/wait.ts'

/* socketOptions.proxy, with a proxy that Node makes of its HTTP server. */

const pem = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url))

test('an_unencrypted_server_is_reached_through_a_tunnel', async (t) => {
  const [server, proxy] = await Promise.all([RawServer.start(t), Proxy.start(t)])
  const provider = startProvider(t, server.url, { socketOptions: { proxy: proxy.url } })
  await server.joined()
  await whenStatus(provider, 'connected')
  const [request] = proxy.requests
  const target = `127.0.0.1:${server.port}`
  t.like(request, { method: 'CONNECT', url: target, httpVersion: '1.1' })
  t.deepEqual(request!.headers, { host: target })
  t.like(server.requests[0]!.headers, { host: target, 'proxy-authorization': undefined })
})

test('tls_goes_through_the_tunnel_to_the_server', async (t) => {
  const https = createHttpsServer({ cert: pem('server.pem'), key: pem('server.key') })
  const io = new Server(https)
  t.teardown(() => io.close())
  await once(https.listen(0, '127.0.0.1'), 'listening')
  const proxy = await Proxy.start(t)
  const { port } = https.address() as AddressInfo
  const socketOptions = { proxy: proxy.url, ca: pem('ca.pem') }
  // The name is the server's, and so is the certificate.
  const provider = startProvider(t, `wss://localhost:${port}`, { socketOptions })
  await whenStatus(provider, 'connected')
  t.is(proxy.requests[0]!.url, `localhost:${port}`)
})

test('the_proxy_looks_up_the_name_of_the_server', async (t) => {
  const [server, proxy] = await Promise.all([RawServer.start(t), Proxy.start(t)])
  const url = `ws://server.invalid:${server.port}`
  startProvider(t, url, { socketOptions: { proxy: proxy.url } })
  const { request } = await server.connection()
  t.is(request.headers.host, `server.invalid:${server.port}`)
})

for (const [label, userInfo, expected] of [
  ['user_and_password', 'user:pass', 'user:pass'],
  ['a_user_only', 'user', 'user:'],
  ['escaped_characters', 'us%40er:p%3Aa%2Fs%20%C3%A4', 'us@er:p:a/s ä']
] as const) {
  test(`shows_the_proxy_${label}`, async (t) => {
    const [server, proxy] = await Promise.all([RawServer.start(t), Proxy.start(t)])
    const url = proxy.url.replace('//', `//${userInfo}@`)
    startProvider(t, server.url, { socketOptions: { proxy: url } })
    await server.connection()
    const credentials = Buffer.from(expected).toString('base64')
    t.is(proxy.requests[0]!.headers['proxy-authorization'], `Basic ${credentials}`)
  })
}

for (const status of ['407 Proxy Authentication Required', '403 Forbidden', '502 Bad Gateway']) {
  test(`a_proxy_that_answers_${status.slice(0, 3)}_is_a_connection_error`, async (t) => {
    const [server, proxy] = await Promise.all([RawServer.start(t), Proxy.start(t, () => status)])
    const url = proxy.url.replace('//', '//user:secret@')
    const provider = startProvider(t, server.url, { socketOptions: { proxy: url } })
    const [error] = await waitFor(provider, 'connection-error')
    t.is(error.message, `proxy: Unexpected server response: ${status}`)
    t.is(error.code, 'ERR_CONNECTION')
    t.true(error.willRetry)
    t.is(server.requests.length, 0)
    await waitFor(provider, 'connection-error')
  })
}

/** What a proxy that is none does, and what is said of it. */
const STRANGERS: [label: string, answer: (socket: TcpSocket) => void, message: RegExp][] = [
  ['hangs_up', (socket) => socket.end(), /^proxy: socket hang up$/],
  ['resets', (socket) => socket.resetAndDestroy(), /^proxy: ECONNRESET$/],
  ['speaks_no_http', (socket) => socket.write('SSH-2.0-OpenSSH\r\n\r\n'), /^proxy: the answer is no HTTP$/],
  ['never_ends', (socket) => socket.write(`HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(5000)}`), /^proxy: .* too long$/],
  ['says_more', (socket) => socket.write('HTTP/1.1 200 OK\r\n\r\n0{"sid":"x"}'), /^proxy: the answer has a body$/],
  ['hangs_up_half_way', (socket) => socket.end('HTTP/1.1 200 OK\r\n'), /^proxy: socket hang up$/]
]

for (const [label, answer, message] of STRANGERS) {
  test(`a_proxy_that_${label}_is_a_connection_error`, async (t) => {
    const tcp = createServer((socket) => {
      t.teardown(() => socket.destroy())
      socket.on('error', () => {})
      socket.once('data', () => answer(socket))
    })
    t.teardown(() => tcp.close())
    await once(tcp.listen(0, '127.0.0.1'), 'listening')
    const proxy = `http://127.0.0.1:${(tcp.address() as AddressInfo).port}`
    const provider = startProvider(t, 'ws://127.0.0.1:9', { socketOptions: { proxy } })
    const [error] = await waitFor(provider, 'connection-error')
    t.regex(error.message, message)
  })
}

test('a_proxy_that_is_not_there_is_a_connection_error', async (t) => {
  const server = await RawServer.start(t)
  const provider = startProvider(t, server.url, { socketOptions: { proxy: 'http://127.0.0.1:9' } })
  const [error] = await waitFor(provider, 'connection-error')
  t.is(error.message, 'proxy: connect ECONNREFUSED 127.0.0.1:9')
  t.is(server.requests.length, 0)
})

test('a_proxy_that_does_not_answer_costs_the_timeout_and_no_socket', async (t) => {
  const ended: Promise<unknown>[] = []
  const proxy = await Proxy.start(t, (_, socket) => void ended.push(once(socket.resume(), 'end')))
  const provider = startProvider(t, 'ws://127.0.0.1:9', { socketOptions: { proxy: proxy.url, timeout: 50 } })
  const [error] = await waitFor(provider, 'connection-error')
  t.is(error.message, 'timeout')
  await waitFor(provider, 'connection-error')
  await bounded(ended[0]!, 'the end of the first connection')
})

test('an_answer_in_pieces_is_an_answer', async (t) => {
  const server = await RawServer.start(t)
  const proxy = await Proxy.start(t, (request, client) => {
    const pieces = ['HTTP', '/1.1 200', ' OK\r\nVia: x\r\n\r', '\n']
    const next = () => {
      const piece = pieces.shift()
      if (piece !== undefined) return void client.write(piece, () => setImmediate(next))
      // From here on it is the server that speaks.
      const to = connect(Number(request.url!.split(':')[1]), '127.0.0.1').on('error', () => {})
      t.teardown(() => to.destroy())
      client.pipe(to).pipe(client)
    }
    client.setNoDelay(true)
    next()
    return undefined
  })
  const provider = startProvider(t, server.url, { socketOptions: { proxy: proxy.url } })
  await server.joined()
  await whenStatus(provider, 'connected')
  t.pass()
})

test('documents_are_synced_through_a_proxy_and_again_after_it_dropped_them', async (t) => {
  const [server, proxy] = await Promise.all([BareServer.start(t, { handle: keepDocuments() }), Proxy.start(t)])
  const { provider, text } = openDoc(t, server.url, 'doc', { socketOptions: { proxy: proxy.url } })
  await whenSynced(provider, 'doc')
  text.insert(0, 'x'.repeat(300_000))
  await provider.flush()
  const synced = waitFor(provider, 'synced', ({ state }) => state)
  const closed = waitFor(provider, 'connection-close')
  proxy.drop()
  text.insert(0, 'y')
  t.is((await closed)[0], 'transport close')
  await synced
  await provider.flush()
  t.is(proxy.requests.length, 2)
  const other = openDoc(t, server.url, 'doc')
  await whenSynced(other.provider, 'doc')
  t.is(other.text.length(), 300_001)
})
