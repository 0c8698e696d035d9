import test from 'ava'

import type { Denial } from '../gateway/src/index.js'
import { startGateway } from './support/gateway.ts'
import { openDoc, startProvider, whenStatus, whenSynced } from './support/provider.ts'
import { bounded, waitFor } from './support/wait.ts'

const DENIED: Denial = { ok: false, code: 'unauthenticated', reason: 'expired' }

test('a_token_function_is_called_at_every_attempt_and_may_be_asynchronous', async (t) => {
  let valid = 'token 1'
  const { gateway, url } = await startGateway(t, { authorize: ({ token }) => (token === valid ? true : DENIED) })
  let calls = 0
  const token = async () => {
    calls += 1
    await Promise.resolve()
    return valid
  }
  const { provider, text } = openDoc(t, url, 'doc', { token })
  await whenSynced(provider, 'doc')
  t.is(calls, 1)
  valid = 'token 2'
  const reconnected = waitFor(provider, 'status', ({ status }) => status === 'connected')
  gateway.io.disconnectSockets(true)
  await reconnected
  t.is(calls, 2)
  text.insert(0, 'with the second token')
  await provider.flush()
})

test('a_refused_token_is_refreshed_once', async (t) => {
  const { url } = await startGateway(t, { authorize: ({ token }) => (token === 'token 2' ? true : DENIED) })
  let calls = 0
  const provider = startProvider(t, url, { token: () => `token ${(calls += 1)}` })
  provider.on('permission-denied', () => t.fail('the second token is good'))
  const refused = waitFor(provider, 'connection-error')
  await whenStatus(provider, 'connected')
  const [error] = await refused
  t.true(error.willRetry)
  t.is(error.data.code, 'unauthenticated')
  t.is(calls, 2)
})

test('a_second_refusal_is_final', async (t) => {
  const { url } = await startGateway(t, { authorize: () => DENIED })
  let calls = 0
  const provider = startProvider(t, url, { token: () => `token ${(calls += 1)}` })
  const [reason] = await waitFor(provider, 'permission-denied')
  t.is(reason, 'expired')
  t.is(provider.status, 'disconnected')
  t.is(calls, 2)
})

test('a_refused_token_that_is_a_string_is_not_tried_again', async (t) => {
  let attempts = 0
  const authorize = () => {
    attempts += 1
    return DENIED
  }
  const { url } = await startGateway(t, { authorize })
  const { provider, text } = openDoc(t, url, 'doc', { token: 'fixed' })
  text.insert(0, 'kept')
  const flushed = t.throwsAsync(bounded(provider.flush(), 'the flush'), { code: 'ERR_PERMISSION_DENIED' })
  const synced = t.throwsAsync(bounded(provider.whenSynced('doc'), 'the call'), { code: 'ERR_PERMISSION_DENIED' })
  await waitFor(provider, 'permission-denied')
  t.is(provider.status, 'disconnected')
  t.is(attempts, 1)
  await Promise.all([flushed, synced])
  t.true(provider.hasUnsyncedChanges)
})

test('an_auth_function_hands_its_object_on_and_the_token_joins_it', async (t) => {
  const { gateway, url } = await startGateway(t)
  const auth = (callback: (auth: Record<string, any>) => void) =>
    queueMicrotask(() => callback({ user: 'ä', token: 0 }))
  const seen = new Promise((resolve) => gateway.io.on('connection', (socket) => resolve(socket.handshake.auth)))
  startProvider(t, url, { token: () => 'fresh', socketOptions: { auth } })
  t.deepEqual(await seen, { user: 'ä', token: 'fresh' })
})

test('a_function_without_a_token_sends_none', async (t) => {
  const { gateway, url } = await startGateway(t)
  const seen = new Promise((resolve) => gateway.io.on('connection', (socket) => resolve(socket.handshake.auth)))
  startProvider(t, url, { token: async () => undefined, socketOptions: { auth: { user: 'a' } } })
  t.deepEqual(await seen, { user: 'a' })
})

const cycle: Record<string, unknown> = {}
cycle['cycle'] = cycle
const hostile = {
  toString() {
    throw new Error('not even a string')
  }
}

/** What the functions do, and how the message of the error begins. */
const FAILURES: [label: string, options: Record<string, unknown>, message: string][] = [
  ['token throws', { token: () => { throw new Error('no session') } }, 'token: Error: no session'], // prettier-ignore
  ['token rejects', { token: () => Promise.reject(new Error('no session')) }, 'token: Error: no session'],
  ['token rejects with what is no string', { token: () => Promise.reject(hostile) }, 'token: it failed'],
  ['token is a number', { token: () => 5 }, 'token: expected a string'],
  ['auth throws', { socketOptions: { auth: () => { throw new Error('no user') } } }, 'auth: Error: no user'], // prettier-ignore
  ['auth is a string', { socketOptions: { auth: (callback: (auth: any) => void) => callback('x') } }, 'auth: expected'],
  [
    'auth is a cycle',
    { socketOptions: { auth: (callback: (auth: any) => void) => callback(cycle) } },
    'auth: TypeError'
  ]
]

for (const [label, options, message] of FAILURES) {
  test(`an_attempt_fails_when_${label.replaceAll(' ', '_')}_and_another_follows`, async (t) => {
    const { url } = await startGateway(t)
    const provider = startProvider(t, url, options)
    const [error] = await waitFor(provider, 'connection-error')
    t.is(error.code, 'ERR_CONNECTION')
    t.true(error.message.startsWith(message), error.message)
    t.true(error.willRetry)
    await waitFor(provider, 'connection-error')
  })
}

test('an_answer_after_its_attempt_is_over_changes_nothing', async (t) => {
  const { gateway, url } = await startGateway(t)
  let former: ((token: string) => void) | undefined
  const token = () =>
    new Promise<string>((resolve) => {
      former?.('stale')
      // The first attempt gets no answer while it lasts.
      if (former !== undefined) setImmediate(resolve, 'current')
      former = resolve
    })
  const seen = new Promise((resolve) => gateway.io.on('connection', (socket) => resolve(socket.handshake.auth)))
  const provider = startProvider(t, url, { token, connectionTimeout: 500 })
  const [error] = await waitFor(provider, 'connection-error')
  t.is(error.message, 'timeout')
  t.deepEqual(await seen, { token: 'current' })
})

test('destroying_in_the_function_is_allowed', async (t) => {
  const { url } = await startGateway(t)
  const called = new Promise<void>((resolve) => {
    const provider = startProvider(t, url, {
      token: () => {
        provider.destroy()
        resolve()
        return 'late'
      }
    })
  })
  await called
  t.pass()
})
