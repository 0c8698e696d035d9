import test from 'ava'

import { BareServer, keepDocuments } from './support/bare-server.ts'
import { Child } from './support/child.ts'
import { openDoc, startProvider, whenStatus, whenSynced } from './support/provider.ts'
import { RawServer } from './support/raw-server.ts'
import { collect, until, waitFor } from './support/wait.ts'
import * as wire from './support/wire.ts'

/* How connections are made, kept and made again, with the official server. */

for (const scheme of ['ws', 'http', 'WS']) {
  test(`connects_with_the_scheme_${scheme}_and_has_the_id_of_its_socket`, async (t) => {
    const server = await BareServer.start(t)
    const provider = startProvider(t, server.url.replace('ws', scheme))
    const socket = await server.socket()
    await whenStatus(provider, 'connected')
    t.deepEqual({ ...provider.socket }, { id: socket.id, connected: true })
    t.not(provider.socket.id, (socket.conn as unknown as { id: string }).id)
  })
}

test('without_auto_connect_nothing_is_asked_until_connect', async (t) => {
  const server = await RawServer.start(t)
  const idle = startProvider(t, server.url, { autoConnect: false })
  // By the time another provider is connected, this one would have asked, too.
  startProvider(t, server.url)
  await server.joined()
  t.is(server.requests.length, 1)
  idle.connect()
  await server.joined()
  t.is(server.requests.length, 2)
})

test('two_providers_of_one_url_have_a_connection_each', async (t) => {
  const server = await BareServer.start(t)
  const providers = [startProvider(t, server.url), startProvider(t, server.url)]
  await Promise.all(providers.map((it) => whenStatus(it, 'connected')))
  t.not(providers[0]!.socket.id, providers[1]!.socket.id)
  // They may come in any order.
  const first = server.sockets.find((it) => it.id === providers[0]!.socket.id)
  providers[0]!.destroy()
  await waitFor(first as never, 'disconnect')
  t.is(providers[1]!.status, 'connected')
})

test('a_path_that_is_not_the_servers_is_a_connection_error', async (t) => {
  const server = await BareServer.start(t)
  // A request that nobody takes stays open until the client has had enough of it.
  const socketOptions = { path: '/elsewhere', timeout: 100 }
  const provider = startProvider(t, server.url, { socketOptions })
  const [error] = await waitFor(provider, 'connection-error')
  t.is(error.code, 'ERR_CONNECTION')
  t.is(server.connections, 0)
})

test('what_the_server_says_to_a_refused_request_is_in_the_error', async (t) => {
  const allowRequest = (_: unknown, callback: (error: string, ok: boolean) => void) => callback('not today', false)
  const strict = await BareServer.start(t, { socketOptions: { allowRequest } })
  const refused = await waitFor(startProvider(t, strict.url), 'connection-error')
  t.is(refused[0].message, 'Unexpected server response: 400 (not today)')
  const server = await BareServer.start(t)
  const stranger = startProvider(t, server.url, { params: { sid: 'of another server' } })
  const unknown = await waitFor(stranger, 'connection-error')
  t.is(unknown[0].message, 'Unexpected server response: 400 (Session ID unknown)')
  t.true(unknown[0].willRetry)
})

test('the_query_reaches_the_server_whole_and_auth_stays_out_of_it', async (t) => {
  const server = await BareServer.start(t)
  startProvider(t, `${server.url}?url=1&both=url`, {
    params: { both: 'params', '&a': '&=?a', ключ: '😀 %' },
    token: 'secret',
    socketOptions: { auth: { user: 'secret' }, query: { both: 'query', empty: '' } }
  })
  const { handshake } = await server.socket()
  t.like(handshake.query, { url: '1', both: 'url', '&a': '&=?a', ключ: '😀 %', empty: '', EIO: '4' })
  t.deepEqual(handshake.auth, { user: 'secret', token: 'secret' })
  t.false(handshake.url.includes('secret'))
})

test('auth_is_asked_for_anew_at_every_connection_and_the_query_stays', async (t) => {
  const server = await BareServer.start(t)
  let calls = 0
  const auth = (give: (auth: object) => void) => give({ call: (calls += 1) })
  startProvider(t, server.url, { params: { a: 1 }, socketOptions: { auth } })
  for (let round = 1; round <= 3; round++) {
    const socket = await server.socket()
    t.deepEqual(socket.handshake.auth, { call: round })
    t.is(socket.handshake.query['a'], '1')
    socket.conn.close()
  }
})

test('an_auth_function_that_never_answers_costs_the_timeout', async (t) => {
  const server = await BareServer.start(t)
  let calls = 0
  const provider = startProvider(t, server.url, {
    socketOptions: {
      timeout: 100,
      auth: (give) => {
        if ((calls += 1) > 1) give({ calls })
      }
    }
  })
  const [error] = await waitFor(provider, 'connection-error')
  t.is(error.message, 'timeout')
  await whenStatus(provider, 'connected')
  t.true(calls >= 2)
})

test('an_auth_that_comes_after_disconnect_connects_nobody', async (t) => {
  const server = await BareServer.start(t)
  let give: ((auth: object) => void) | undefined
  const asked = new Promise<void>((resolve) => {
    const provider = startProvider(t, server.url, {
      socketOptions: {
        auth: (callback) => {
          give = callback
          provider.disconnect()
          resolve()
        }
      }
    })
  })
  await asked
  give!({ late: true })
  // By the time another provider is connected, a late CONNECT would have arrived.
  await whenStatus(startProvider(t, server.url), 'connected')
  t.is(server.connections, 1)
})

test('connect_after_a_refusal_uses_a_new_token', async (t) => {
  const server = await BareServer.start(t)
  server.io.use((socket, next) => next(socket.handshake.auth['token'] === 'good' ? undefined : new Error('no')))
  let token = 'bad'
  const provider = startProvider(t, server.url, { token: () => token })
  const [error] = await waitFor(provider, 'connection-error')
  t.false(error.willRetry)
  await whenStatus(provider, 'disconnected')
  token = 'good'
  provider.connect()
  await whenStatus(provider, 'connected')
  t.is(server.connections, 1)
})

test('a_refusal_by_middleware_is_the_only_attempt', async (t) => {
  const server = await BareServer.start(t)
  let attempts = 0
  server.io.use((_, next) => next(new Error(`attempt ${(attempts += 1)}`)))
  const provider = startProvider(t, server.url)
  await waitFor(provider, 'connection-error')
  await whenStatus(provider, 'disconnected')
  // By the time another provider is refused, another attempt would have been made.
  await waitFor(startProvider(t, server.url), 'connection-error')
  t.is(attempts, 2)
})

test('the_id_changes_with_every_connection_and_is_unset_between_them', async (t) => {
  const server = await BareServer.start(t)
  const provider = startProvider(t, server.url)
  const ids: (string | undefined)[] = []
  provider.on('status', () => ids.push(provider.socket.id))
  const first = await server.socket()
  await whenStatus(provider, 'connected')
  const next = server.socket()
  first.conn.close()
  const second = await next
  await until(provider, 'status', () => provider.status === 'connected')
  t.deepEqual(ids, [undefined, first.id, undefined, undefined, second.id])
})

test('nothing_is_said_of_errors_once_it_is_connected', async (t) => {
  const server = await BareServer.start(t)
  const provider = startProvider(t, server.url)
  await whenStatus(provider, 'connected')
  const errors = collect(provider, 'connection-error', 'error')
  const closed = waitFor(provider, 'connection-close')
  server.sockets[0]!.conn.close()
  await closed
  await whenStatus(provider, 'connected')
  t.deepEqual(errors, [])
})

test('disconnect_and_connect_in_a_listener_make_one_close_and_one_connection', async (t) => {
  const server = await BareServer.start(t)
  const provider = startProvider(t, server.url)
  const story: string[] = []
  provider.on('connection-close', (reason) => story.push(reason))
  const again = new Promise<void>((resolve) => {
    let times = 0
    provider.on('status', ({ status }) => {
      story.push(status)
      if (status !== 'connected') return
      if ((times += 1) > 1) return resolve()
      provider.disconnect()
      provider.connect()
    })
  })
  await again
  t.is(story.filter((it) => it === 'io client disconnect').length, 1)
  t.is(server.connections, 2)
  t.is(server.mostAtOnce, 1)
})

test('connect_while_connected_opens_no_other_connection', async (t) => {
  const server = await BareServer.start(t)
  const provider = startProvider(t, server.url)
  await whenStatus(provider, 'connected')
  provider.connect()
  provider.connect()
  await whenStatus(startProvider(t, server.url), 'connected')
  t.is(server.connections, 2)
})

test('an_edit_before_the_connection_goes_out_before_one_in_the_listener_of_connected', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider, text } = openDoc(t, server.url, 'doc')
  text.insert(0, 'first')
  provider.on('status', ({ status }) => {
    if (status === 'connected') text.insert(text.length(), ' second')
  })
  await whenSynced(provider, 'doc')
  await provider.flush()
  const { provider: other, text: copy } = openDoc(t, server.url, 'doc')
  await whenSynced(other, 'doc')
  t.is(copy.toString(), 'first second')
})

test('a_message_of_the_user_without_a_connection_is_an_error_and_not_kept', async (t) => {
  const server = await BareServer.start(t)
  const provider = startProvider(t, server.url)
  const failed = waitFor(provider, 'error')
  provider.send('control', 100, Uint8Array.of(1), 'doc')
  t.is((await failed)[0].code, 'ERR_CONNECTION')
  await whenStatus(provider, 'connected')
  const received = server.frame(({ event }) => event === wire.CONTROL)
  provider.send('control', 100, Uint8Array.of(2), 'doc')
  t.deepEqual([...(await received).payload], [100, 2])
})

test('a_hundred_messages_keep_their_order', async (t) => {
  const server = await BareServer.start(t)
  const provider = startProvider(t, server.url)
  await whenStatus(provider, 'connected')
  const last = server.frame(({ payload }) => payload[1] === 99)
  for (let index = 0; index < 100; index++) {
    provider.send(index % 2 === 0 ? 'control' : 'awareness', 100, Uint8Array.of(index), 'doc')
  }
  await last
  t.deepEqual(
    server.frames.map(({ payload }) => payload[1]),
    Array.from({ length: 100 }, (_, index) => index)
  )
})

test('destroying_right_after_an_edit_delivers_it', async (t) => {
  for (let round = 0; round < 5; round++) {
    const server = await BareServer.start(t, { handle: keepDocuments() })
    const { provider, text } = openDoc(t, server.url, 'doc')
    await whenSynced(provider, 'doc')
    const arrived = server.frame(({ payload }) => Buffer.from(payload).includes('the last word'))
    text.insert(0, 'the last word')
    provider.destroy()
    await arrived
  }
  t.pass()
})

test('an_exception_in_a_listener_does_not_end_the_connection', async (t) => {
  const server = await BareServer.start(t)
  const child = Child.ofScript(
    t,
    `process.on('uncaughtException', ({ message }) => console.log('caught', message))
    const provider = new ProtocolManager({ url: '${server.url}', roomId: 'room' })
    provider.on('connection-close', (reason) => console.log('closed', reason))
    provider.on('control', (_, content) => {
      console.log('heard', content[0])
      if (content[0] === 1) throw new Error('mine')
      provider.destroy()
    })
    provider.on('status', ({ status }) => console.log(status))`
  )
  await server.socket()
  await child.printed('connected')
  const send = (byte: number) => server.send({ docId: 'doc' }, Uint8Array.of(100, byte), wire.CONTROL)
  send(1)
  await child.printed('caught mine')
  send(2)
  await child.exits(t)
  t.deepEqual(child.lines.slice(0, 5), ['connecting', 'connected', 'heard 1', 'caught mine', 'heard 2'])
})

test('a_blocked_event_loop_does_not_cost_the_connection', async (t) => {
  const server = await BareServer.start(t, {
    socketOptions: { pingInterval: 100, pingTimeout: 1500 },
    handle: keepDocuments()
  })
  const child = Child.ofScript(
    t,
    `const provider = new ProtocolManager({ url: '${server.url}', roomId: 'room' })
    const doc = new YDoc()
    provider.addDoc(doc, { docId: 'doc' })
    provider.on('connection-close', (reason) => console.log('closed', reason))
    provider.once('synced', () => {
      // Longer than two heartbeats together may take.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4000)
      doc.getText('body').insert(0, 'awake')
      provider.flush().then(() => { console.log('flushed'); provider.destroy() })
    })`
  )
  await child.printed('flushed')
  await child.exits(t)
  t.deepEqual(
    child.lines.filter((line) => line.startsWith('closed')),
    ['closed io client disconnect']
  )
  t.is(server.connections, 1)
})

for (const [label, url] of [
  ['connected', undefined],
  ['reconnecting', 'ws://127.0.0.1:9']
]) {
  test(`auto_unref_lets_the_process_end_while_${label}`, async (t) => {
    const server = await BareServer.start(t)
    const event = url === undefined ? 'status' : 'connection-error'
    const child = Child.ofScript(
      t,
      `const provider = new ProtocolManager({
        url: '${url ?? server.url}', roomId: 'room', socketOptions: { autoUnref: true }
      })
      // Only so that there is something to end.
      const timer = setInterval(() => {}, 1000)
      provider.on('${event}', () => { if (provider.status !== 'connecting' || ${url !== undefined}) clearInterval(timer) })`
    )
    await child.exits(t)
  })
}

test('without_auto_unref_the_process_stays_until_disconnect', async (t) => {
  const server = await BareServer.start(t)
  const child = Child.ofScript(
    t,
    `const provider = new ProtocolManager({ url: '${server.url}', roomId: 'room', socketOptions: { autoUnref: false } })
    provider.on('control', () => provider.disconnect())
    provider.on('status', ({ status }) => console.log(status))`
  )
  await child.printed('connected')
  server.send({ docId: 'doc' }, Uint8Array.of(100), wire.CONTROL)
  await child.exits(t)
  t.deepEqual(child.lines, ['connecting', 'connected', 'disconnected'])
})

test('a_worker_that_ends_with_a_live_socket_leaves_the_others_theirs', async (t) => {
  const server = await BareServer.start(t)
  const ended = new Promise((resolve) => server.io.on('connection', (socket) => socket.on('disconnect', resolve)))
  const child = Child.ofScript(
    t,
    `const { Worker } = require('node:worker_threads')
    const main = new ProtocolManager({ url: '${server.url}', roomId: 'room' })
    const code = \`
      const { parentPort } = require('node:worker_threads')
      const { ProtocolManager } = require('./index.js')
      const provider = new ProtocolManager({ url: '${server.url}', roomId: 'room' })
      provider.on('control', () => {})
      provider.on('status', ({ status }) => parentPort.postMessage(status))
    \`
    const worker = new Worker(code, { eval: true })
    worker.on('message', (status) => status === 'connected' && worker.terminate())
    worker.on('exit', () => console.log('worker ended'))
    main.on('connection-close', (reason) => console.log('closed', reason))
    main.on('control', () => { console.log('still here'); main.destroy() })`
  )
  await child.printed('worker ended')
  await ended
  server.send({ docId: 'doc' }, Uint8Array.of(100), wire.CONTROL)
  await child.printed('still here')
  await child.exits(t)
  t.is(server.connections, 2)
})
