import test, { type ExecutionContext } from 'ava'
import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket, TlsOptions } from 'node:tls'
import { Server, type Socket } from 'socket.io'

import { ProtocolManager } from '../index.js'
import type { SocketOptions } from '../index.js'
import { BareServer } from './support/bare-server.ts'
import { startProvider, whenStatus } from './support/provider.ts'
import { collect, waitFor } from './support/wait.ts'

/* TLS with the official server behind Node's own TLS. scripts/tls-fixtures.sh makes the certificates. */

const pem = (name: string) => readFileSync(new URL(`../fixtures/tls/${name}`, import.meta.url), 'utf8')
const CA = pem('ca.pem')
const STRANGER = pem('stranger.pem')
const CLIENT = { cert: pem('client.pem'), key: pem('client.key') }

async function start(t: ExecutionContext, options: TlsOptions = {}) {
  const https = createServer({ cert: pem('server.pem'), key: pem('server.key'), ...options })
  const io = new Server(https)
  t.teardown(() => io.close())
  // What clients don't like of us is theirs to tell.
  https.on('tlsClientError', () => {})
  await once(https.listen(0, '127.0.0.1'), 'listening')
  return { io, port: (https.address() as AddressInfo).port }
}

/** Options that make the server a trusted one. */
const TRUSTED: [label: string, options: SocketOptions][] = [
  ['its_authority', { ca: CA }],
  ['its_authority_as_bytes', { ca: Buffer.from(CA) }],
  ['its_authority_in_a_list', { ca: [STRANGER, Buffer.from(CA)] }],
  ['its_authority_in_a_bundle', { ca: `${STRANGER}\nsome text\n${CA}` }],
  ['its_authority_for_the_transport', { ca: STRANGER, transportOptions: { websocket: { ca: CA } } }],
  ['reject_unauthorized_off', { rejectUnauthorized: false }],
  ['reject_unauthorized_off_and_another_authority', { rejectUnauthorized: false, ca: STRANGER }]
]

for (const [label, socketOptions] of TRUSTED) {
  test(`connects_over_tls_with_${label}`, async (t) => {
    const { io, port } = await start(t)
    const connected = once(io, 'connection')
    const provider = startProvider(t, `wss://127.0.0.1:${port}`, { socketOptions })
    const [socket] = (await connected) as [Socket]
    t.true(socket.handshake.secure)
    await whenStatus(provider, 'connected')
  })
}

/** Options with which the server is not to be trusted. */
const DISTRUSTED: [label: string, server: TlsOptions, options: SocketOptions][] = [
  ['of_an_unknown_authority', {}, {}],
  ['of_another_authority', {}, { ca: STRANGER }],
  ['that_signed_its_own_certificate', { cert: STRANGER, key: pem('stranger.key') }, {}],
  ['that_wants_a_client_certificate', { ca: CA, requestCert: true, rejectUnauthorized: true }, { ca: CA }],
  [
    'that_wants_another_client_certificate',
    { ca: CA, requestCert: true, rejectUnauthorized: true },
    { ca: CA, cert: STRANGER, key: pem('stranger.key') }
  ],
  ['that_speaks_an_old_version', { maxVersion: 'TLSv1.1', minVersion: 'TLSv1.1' }, { ca: CA }]
]

for (const [label, options, socketOptions] of DISTRUSTED) {
  test(`a_server_${label}_is_a_connection_error`, async (t) => {
    const { io, port } = await start(t, options)
    const connections = collect(io as never, 'connection')
    const provider = startProvider(t, `https://127.0.0.1:${port}`, { socketOptions })
    const [error] = await waitFor(provider, 'connection-error')
    t.is(error.code, 'ERR_CONNECTION')
    t.regex(error.message, /TLS|tls|ECONNRESET|EPIPE|hang up/)
    t.true(error.willRetry)
    t.deepEqual(connections, [])
  })
}

test('a_certificate_for_another_name_is_a_connection_error', async (t) => {
  const options = { cert: pem('other.pem'), key: pem('other.key') }
  const { port } = await start(t, options)
  const provider = startProvider(t, `wss://127.0.0.1:${port}`, { socketOptions: { ca: CA } })
  const [error] = await waitFor(provider, 'connection-error')
  t.regex(error.message, /^TLS: .*name/)
})

test('shows_its_certificate_to_a_server_that_asks', async (t) => {
  const { io, port } = await start(t, { ca: CA, requestCert: true, rejectUnauthorized: true })
  const connected = once(io, 'connection')
  const provider = startProvider(t, `wss://127.0.0.1:${port}`, {
    socketOptions: { ca: CA, cert: Buffer.from(CLIENT.cert), key: CLIENT.key }
  })
  const [socket] = (await connected) as [Socket]
  t.is((socket.request.socket as TLSSocket).getPeerCertificate().subject.CN, 'client')
  await whenStatus(provider, 'connected')
})

test('an_encrypted_key_is_refused', (t) => {
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' }
  })
  const socketOptions = { cert: CLIENT.cert, key: privateKey }
  const error = t.throws(() => new ProtocolManager({ url: 'wss://127.0.0.1:9', roomId: 'room', socketOptions }), {
    code: 'ERR_INVALID_OPTION'
  })
  t.regex(error!.message, /^socketOptions\.key: /)
})

test('a_key_that_belongs_to_another_certificate_is_refused', (t) => {
  const socketOptions = { cert: CLIENT.cert, key: pem('server.key') }
  const error = t.throws(() => new ProtocolManager({ url: 'wss://127.0.0.1:9', roomId: 'room', socketOptions }), {
    code: 'ERR_INVALID_OPTION'
  })
  t.regex(error!.message, /^socketOptions\.cert: /)
})

test('reconnects_over_tls', async (t) => {
  const { io, port } = await start(t)
  const provider = startProvider(t, `wss://127.0.0.1:${port}`, { socketOptions: { ca: CA } })
  await whenStatus(provider, 'connected')
  const closed = waitFor(provider, 'connection-close')
  const again = once(io, 'connection')
  for (const socket of io.sockets.sockets.values()) socket.conn.close()
  t.is((await closed)[0], 'transport close')
  await again
  await whenStatus(provider, 'connected')
})

test('tls_to_a_server_without_it_is_a_connection_error', async (t) => {
  const server = await BareServer.start(t)
  const provider = startProvider(t, server.url.replace('ws:', 'wss:'), { socketOptions: { ca: CA } })
  const [error] = await waitFor(provider, 'connection-error')
  t.is(error.code, 'ERR_CONNECTION')
})

test('no_tls_to_a_server_with_it_is_a_connection_error', async (t) => {
  const { port } = await start(t)
  const provider = startProvider(t, `ws://127.0.0.1:${port}`)
  const [error] = await waitFor(provider, 'connection-error')
  t.is(error.code, 'ERR_CONNECTION')
})
