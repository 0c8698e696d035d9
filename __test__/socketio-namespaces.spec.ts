import test from 'ava'

import { ProtocolManager } from '../index.js'
import { BareServer, keepDocuments } from './support/bare-server.ts'
import { startGateway } from './support/gateway.ts'
import { openDoc, startProvider, whenStatus, whenSynced } from './support/provider.ts'
import { waitFor } from './support/wait.ts'
import * as wire from './support/wire.ts'

/* The path of the URL is the namespace, on an official server. */

const control = (byte: number) => wire.envelope({ roomId: 'room', docId: 'doc' }, Uint8Array.of(100, byte))

for (const [label, path, namespace] of [
  ['a_name', '/admin', '/admin'],
  ['several_parts', '/a/b', '/a/b'],
  ['a_slash_at_the_end', '/foo/', '/foo/'],
  ['spaces_and_bars', '/yjs|a room', '/yjs|a room'],
  ['letters_beyond_ascii', '/räume/ʇxǝʇ😀', '/räume/ʇxǝʇ😀'],
  ['percent_signs', '/a%20b%2Cc', '/a%20b%2Cc'],
  ['a_query_and_a_hash_behind', '/foo?a=/bar#/baz', '/foo'],
  ['nothing_but_a_query', '?a=/bar', '/']
] as const) {
  test(`joins_a_namespace_with_${label}`, async (t) => {
    const server = await BareServer.start(t)
    const seen = new Promise((resolve) => {
      for (const nsp of [server.io, server.io.of(/^\/.+$/)]) nsp.on('connection', resolve)
    })
    const provider = startProvider(t, server.url + path)
    const socket = (await seen) as { nsp: { name: string }; id: string; conn: { id: string } }
    t.is(socket.nsp.name, namespace)
    await whenStatus(provider, 'connected')
    t.is(provider.socket.id, socket.id)
    t.not(provider.socket.id, socket.conn.id)
  })
}

test('a_comma_in_the_namespace_throws', (t) => {
  const error = t.throws(() => new ProtocolManager({ url: 'ws://127.0.0.1:9/a,b', roomId: 'room' }), {
    code: 'ERR_INVALID_OPTION'
  })
  t.regex(error!.message, /^url: .*comma/)
})

test('an_unknown_namespace_is_refused_for_good', async (t) => {
  const server = await BareServer.start(t)
  const provider = startProvider(t, `${server.url}/unknown`)
  const denied = waitFor(provider, 'permission-denied')
  const [error] = await waitFor(provider, 'connection-error')
  t.is(error.message, 'Invalid namespace')
  t.is(error.data, undefined)
  t.false(error.willRetry)
  t.deepEqual(await denied, ['Invalid namespace', undefined])
  t.is(provider.status, 'disconnected')
})

test('the_gateway_has_the_main_namespace_only', async (t) => {
  const { url } = await startGateway(t)
  const provider = startProvider(t, `${url}/other`)
  const [error] = await waitFor(provider, 'connection-error')
  t.is(error.message, 'Invalid namespace')
})

test('a_middleware_of_the_namespace_refuses_with_its_data', async (t) => {
  const server = await BareServer.start(t)
  server.io.of('/admin').use((socket, next) => {
    const isAdmin = socket.handshake.auth['token'] === 'admin'
    next(isAdmin ? undefined : Object.assign(new Error('not you'), { data: { code: 'unauthenticated', n: [1] } }))
  })
  const provider = startProvider(t, `${server.url}/admin`, { token: 'user' })
  const [error] = await waitFor(provider, 'connection-error')
  t.is(error.message, 'not you')
  t.deepEqual(error.data, { code: 'unauthenticated', n: [1] })
  const admin = startProvider(t, `${server.url}/admin`, { token: 'admin' })
  await whenStatus(admin, 'connected')
  // The main namespace has no such middleware.
  await whenStatus(startProvider(t, server.url), 'connected')
})

test('documents_are_synced_and_edits_confirmed_in_a_namespace', async (t) => {
  const server = await BareServer.start(t)
  const handle = keepDocuments()
  server.io.of('/docs').on('connection', (socket) =>
    socket.on(wire.SYNC, (data: Buffer, ...rest: unknown[]) => {
      const ack = rest.at(-1) as (answer: unknown) => void
      handle({ ...wire.readFrame(wire.SYNC, data), socket: socket as never, ack }, server)
    })
  )
  const first = openDoc(t, `${server.url}/docs`, 'doc')
  await whenSynced(first.provider, 'doc')
  first.text.insert(0, 'hello')
  await first.provider.flush()
  t.is(first.provider.getDocState('doc')?.offset, '0')
  first.text.insert(5, ' and bye')
  await first.provider.destroy({ flush: 10_000 })
  const second = openDoc(t, `${server.url}/docs`, 'doc')
  await whenSynced(second.provider, 'doc')
  t.is(second.text.toString(), 'hello and bye')
})

test('hears_its_own_namespace_only', async (t) => {
  const server = await BareServer.start(t)
  const heard: string[] = []
  const providers = ['/', '/a', '/b'].map((path) => {
    server.io.of(path).on('connection', () => {})
    const provider = startProvider(t, server.url + path)
    provider.on('control', (_, content) => heard.push(`${path} ${content[0]}`))
    return provider
  })
  await Promise.all(providers.map((it) => whenStatus(it, 'connected')))
  const last = providers.map((it) => waitFor(it, 'control', (_, content) => content[0] === 9))
  server.io.of('/a').emit(wire.CONTROL, control(1))
  server.io.of('/b').emit(wire.CONTROL, control(2))
  server.io.of('/').emit(wire.CONTROL, control(3))
  for (const path of ['/', '/a', '/b']) server.io.of(path).emit(wire.CONTROL, control(9))
  await Promise.all(last)
  t.deepEqual(heard.filter((it) => !it.endsWith('9')).sort(), ['/ 3', '/a 1', '/b 2'])
})

test('two_providers_in_two_namespaces_have_two_connections', async (t) => {
  const server = await BareServer.start(t)
  server.io.of('/a')
  const one = startProvider(t, server.url, { socketOptions: { multiplex: true } })
  const other = startProvider(t, `${server.url}/a`, { socketOptions: { multiplex: true } })
  await Promise.all([one, other].map((it) => whenStatus(it, 'connected')))
  t.is(server.io.engine.clientsCount, 2)
  one.destroy()
  await waitFor(server.sockets[0] as never, 'disconnect')
  t.is(other.status, 'connected')
})

test('reconnects_to_its_namespace_with_its_auth', async (t) => {
  const server = await BareServer.start(t)
  const tokens: unknown[] = []
  server.io.of('/a').on('connection', (socket) => {
    tokens.push(socket.handshake.auth['token'])
    if (tokens.length === 1) socket.conn.close()
    if (tokens.length === 2) socket.disconnect()
    if (tokens.length === 3) socket.disconnect(true)
  })
  let calls = 0
  const provider = startProvider(t, `${server.url}/a`, { token: () => `${(calls += 1)}` })
  const reasons: string[] = []
  provider.on('connection-close', (reason) => reasons.push(reason))
  await new Promise<void>((resolve) =>
    server.io.of('/a').on('connection', () => {
      if (tokens.length === 4) resolve()
    })
  )
  t.deepEqual(tokens, ['1', '2', '3', '4'])
  t.deepEqual(reasons, ['transport close', 'io server disconnect', 'io server disconnect'])
})
