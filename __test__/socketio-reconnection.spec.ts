import test, { type ExecutionContext } from 'ava'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'

import type { ProtocolManager } from '../index.js'
import { BareServer } from './support/bare-server.ts'
import { startProvider, whenStatus } from './support/provider.ts'
import { RawServer } from './support/raw-server.ts'
import { waitFor } from './support/wait.ts'

/* When another attempt follows, and when not. Delays are tested with a virtual clock in tests/session_pair. */

const DEAD = 'ws://127.0.0.1:9'

/** An official server on a port, any or this one. */
async function listen(t: ExecutionContext, port = 0) {
  const http = createServer()
  const io = new Server(http)
  t.teardown(() => io.close())
  await once(http.listen(port, '127.0.0.1'), 'listening')
  return { io, port: (http.address() as AddressInfo).port }
}

/** Everything the provider tells of its connection, in its order. */
function record(provider: ProtocolManager): string[] {
  const story: string[] = []
  provider.on('status', ({ status }) => story.push(status))
  provider.on('connection-close', (reason) => story.push(reason))
  provider.on('connection-error', ({ willRetry }) => story.push(willRetry ? 'error' : 'last error'))
  provider.on('reconnect-failed', () => story.push('failed'))
  return story
}

const disconnected = (provider: ProtocolManager) =>
  waitFor(provider, 'status', ({ status }) => status === 'disconnected')

test('a_dead_server_is_tried_as_often_as_allowed', async (t) => {
  const provider = startProvider(t, DEAD, { socketOptions: { reconnectionAttempts: 2 } })
  const story = record(provider)
  await disconnected(provider)
  t.deepEqual(story, ['connecting', 'error', 'error', 'last error', 'failed', 'disconnected'])
})

test('without_reconnection_a_dead_server_is_tried_once', async (t) => {
  const provider = startProvider(t, DEAD, { socketOptions: { reconnection: false } })
  const story = record(provider)
  await disconnected(provider)
  t.deepEqual(story, ['connecting', 'last error', 'disconnected'], 'nothing was tried again that could fail')
})

test('without_reconnection_a_lost_connection_stays_lost', async (t) => {
  const server = await BareServer.start(t)
  const provider = startProvider(t, server.url, { socketOptions: { reconnection: false } })
  const story = record(provider)
  await whenStatus(provider, 'connected')
  const ended = disconnected(provider)
  server.sockets[0]!.conn.close()
  await ended
  t.deepEqual(story, ['connecting', 'connected', 'transport close', 'disconnected'])
  provider.connect()
  await whenStatus(provider, 'connected')
  t.is(server.connections, 2)
})

test('connect_starts_over_with_all_attempts_after_they_failed', async (t) => {
  const provider = startProvider(t, DEAD, { socketOptions: { reconnectionAttempts: 1 } })
  const story = record(provider)
  await disconnected(provider)
  const again = disconnected(provider)
  provider.connect()
  await again
  const round = ['connecting', 'error', 'last error', 'failed', 'disconnected']
  t.deepEqual(story, [...round, ...round])
})

test('attempts_are_counted_anew_after_a_success', async (t) => {
  const server = await RawServer.start(t)
  const provider = startProvider(t, server.url, { socketOptions: { reconnectionAttempts: 2 } })
  for (let round = 0; round < 3; round++) {
    // One failure and one success each: together they are more than two attempts.
    const failed = waitFor(provider, 'connection-error')
    ;(await server.connection()).webSocket.terminate()
    t.true((await failed)[0].willRetry)
    const socket = await server.joined()
    await whenStatus(provider, 'connected')
    const closed = waitFor(provider, 'connection-close')
    socket.webSocket.close()
    await closed
  }
  t.is(server.requests.length, 6)
})

for (const method of ['disconnect', 'destroy'] as const) {
  test(`${method}_in_a_listener_of_a_failure_ends_the_attempts`, async (t) => {
    const provider = startProvider(t, DEAD)
    const story = record(provider)
    const ended = disconnected(provider)
    provider.once('connection-error', () => provider[method]())
    await ended
    const last = story.length
    // By the time another provider has given up, there would have been another attempt.
    await disconnected(startProvider(t, DEAD, { socketOptions: { reconnectionAttempts: 3 } }))
    t.deepEqual(story.slice(last - 1), ['disconnected'])
    t.is(provider.status, 'disconnected')
  })
}

test('connect_after_disconnect_during_the_wait_dials_at_once', async (t) => {
  const server = await RawServer.start(t)
  // The next attempt would come after the test has failed.
  const socketOptions = { reconnectionDelay: 600_000, reconnectionDelayMax: 600_000 }
  const provider = startProvider(t, server.url, { socketOptions })
  const failed = waitFor(provider, 'connection-error')
  ;(await server.connection()).webSocket.terminate()
  await failed
  provider.disconnect()
  provider.connect()
  await server.joined()
  await whenStatus(provider, 'connected')
  t.is(server.requests.length, 2)
})

test('finds_a_server_that_comes_back', async (t) => {
  const { io, port } = await listen(t)
  const provider = startProvider(t, `ws://127.0.0.1:${port}`)
  await whenStatus(provider, 'connected')
  const failed = waitFor(provider, 'connection-error')
  await io.close()
  await failed
  const { io: next } = await listen(t, port)
  await once(next, 'connection')
  await whenStatus(provider, 'connected')
  t.pass()
})

test('finds_a_server_that_comes_late', async (t) => {
  const { io, port } = await listen(t)
  await io.close()
  const provider = startProvider(t, `ws://127.0.0.1:${port}`)
  await waitFor(provider, 'connection-error')
  await listen(t, port)
  await whenStatus(provider, 'connected')
  t.pass()
})

test('a_server_that_disconnects_five_times_in_a_row_means_it', async (t) => {
  const server = await BareServer.start(t)
  server.io.on('connection', (socket) => socket.disconnect())
  const provider = startProvider(t, server.url)
  const story = record(provider)
  const failed = waitFor(provider, 'connection-error')
  const [error] = await failed
  await whenStatus(provider, 'disconnected')
  t.regex(error.message, /disconnected 5 times/)
  t.false(error.willRetry)
  t.is(story.filter((it) => it === 'io server disconnect').length, 5)
  t.is(server.connections, 5)
})

test('an_attempt_under_way_ends_with_disconnect_and_says_nothing', async (t) => {
  const server = await RawServer.start(t)
  const provider = startProvider(t, server.url)
  const story = record(provider)
  const socket = await server.connection()
  provider.disconnect()
  await socket.closed
  await whenStatus(provider, 'disconnected')
  t.deepEqual(story, ['connecting', 'disconnected'])
})
