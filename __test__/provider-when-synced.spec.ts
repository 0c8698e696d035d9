import test from 'ava'
import { getEventListeners } from 'node:events'

import { YDoc } from '../index.js'
import { BareServer, keepDocuments } from './support/bare-server.ts'
import { startGateway } from './support/gateway.ts'
import { openDoc, startProvider, whenStatus } from './support/provider.ts'
import { bounded } from './support/wait.ts'
import { CONTROL, denied, isStep1 } from './support/wire.ts'

test('resolves_when_the_document_is_synced_and_at_once_afterwards', async (t) => {
  const { url } = await startGateway(t)
  const { provider } = openDoc(t, url, 'doc')
  const synced = provider.whenSynced('doc')
  t.false(provider.getDocState('doc')!.synced)
  t.is(await bounded(synced, 'the first call'), undefined)
  t.true(provider.getDocState('doc')!.synced)
  await bounded(provider.whenSynced('doc', { timeout: 5_000 }), 'a call when it is synced')
})

test('waits_for_a_connection_that_is_made_later', async (t) => {
  const { url } = await startGateway(t)
  const { provider } = openDoc(t, url, 'doc', { autoConnect: false })
  const synced = provider.whenSynced('doc')
  provider.connect()
  await bounded(synced, 'the call')
  provider.disconnect()
  await t.throwsAsync(provider.whenSynced('doc', { timeout: 0 }), { code: 'ERR_TIMEOUT' }, 'no longer synced')
})

test('rejects_with_err_timeout_when_nobody_answers', async (t) => {
  const server = await BareServer.start(t)
  const { provider } = openDoc(t, server.url, 'doc')
  await whenStatus(provider, 'connected')
  await t.throwsAsync(provider.whenSynced('doc', { timeout: 50 }), { code: 'ERR_TIMEOUT' })
})

test('rejects_with_err_permission_denied_when_the_gateway_lets_nobody_read', async (t) => {
  const { url } = await startGateway(t, {
    authorize: ({ op, docId }) => op !== 'read' || docId !== 'secret' || { ok: false, reason: 'not for you' }
  })
  const { provider } = openDoc(t, url, 'secret')
  await t.throwsAsync(bounded(provider.whenSynced('secret'), 'the call'), {
    code: 'ERR_PERMISSION_DENIED',
    message: /not for you/
  })
  await t.throwsAsync(bounded(provider.whenSynced('secret'), 'a call afterwards'), { code: 'ERR_PERMISSION_DENIED' })
  await bounded(provider.openDoc('open'), 'another document')
  await t.throwsAsync(bounded(startProvider(t, url).openDoc('secret'), 'openDoc'), { code: 'ERR_PERMISSION_DENIED' })
})

for (const [code, expected] of [
  ['permission-denied', 'ERR_PERMISSION_DENIED'],
  ['too-large', 'ERR_MESSAGE_TOO_LARGE'],
  ['room-mismatch', 'ERR_REFUSED']
]) {
  test(`rejects_with_${expected.toLowerCase()}_when_the_question_is_refused_with_${code}`, async (t) => {
    const server = await BareServer.start(t, {
      handle: (frame) => isStep1(frame) && frame.ack!({ ok: false, code, reason: 'because', retryable: false })
    })
    const { provider } = openDoc(t, server.url, 'doc')
    const synced = bounded(provider.whenSynced('doc'), 'the call')
    await t.throwsAsync(synced, { code: expected, message: /because/ })
  })
}

test('rejects_with_err_permission_denied_when_the_denial_comes_without_an_ack', async (t) => {
  const server = await BareServer.start(t, {
    handle: (frame, it) => isStep1(frame) && it.send({ docId: 'doc' }, denied('not for you'), CONTROL)
  })
  const { provider, text } = openDoc(t, server.url, 'doc')
  text.insert(0, 'a')
  const flushed = t.throwsAsync(bounded(provider.flush(), 'the flush'), { code: 'ERR_PERMISSION_DENIED' })
  const synced = bounded(provider.whenSynced('doc'), 'the call')
  await t.throwsAsync(synced, { code: 'ERR_PERMISSION_DENIED', message: /not for you/ })
  await flushed
  t.true(provider.hasUnsyncedChanges, 'and nothing is given up')
  await t.throwsAsync(bounded(provider.whenSynced('doc'), 'a call afterwards'), { code: 'ERR_PERMISSION_DENIED' })
  text.insert(0, 'b')
  await t.throwsAsync(bounded(provider.flush(), 'a flush afterwards'), { code: 'ERR_PERMISSION_DENIED' })
})

test('rejects_with_err_unknown_doc_without_the_document_and_when_it_is_removed', async (t) => {
  const server = await BareServer.start(t)
  const { provider } = openDoc(t, server.url, 'doc')
  await t.throwsAsync(provider.whenSynced('other'), { code: 'ERR_UNKNOWN_DOC', message: /'other'/ })
  const synced = provider.whenSynced('doc')
  provider.removeDoc('doc')
  await t.throwsAsync(bounded(synced, 'the call'), { code: 'ERR_UNKNOWN_DOC' })
})

test('rejects_with_err_destroyed_on_destroy_and_after', async (t) => {
  const server = await BareServer.start(t)
  const { provider } = openDoc(t, server.url, 'doc')
  const synced = provider.whenSynced('doc')
  provider.destroy()
  await t.throwsAsync(bounded(synced, 'the call'), { code: 'ERR_DESTROYED' })
  await t.throwsAsync(provider.whenSynced('doc'), { code: 'ERR_DESTROYED' })
})

for (const [name, call] of [
  ['when_synced', 'whenSynced'],
  ['flush', 'flush']
] as const) {
  test(`${name}_rejects_with_err_aborted_and_the_reason_of_the_signal`, async (t) => {
    const server = await BareServer.start(t)
    const { provider, text } = openDoc(t, server.url, 'doc')
    text.insert(0, 'a')
    const start = (signal: AbortSignal) =>
      call === 'flush' ? provider.flush({ signal }) : provider.whenSynced('doc', { signal })
    const controller = new AbortController()
    const calls = [start(controller.signal), start(controller.signal)]
    const reason = new Error('enough')
    controller.abort(reason)
    for (const it of calls) {
      const error = await t.throwsAsync(bounded(it, 'the call'), { code: 'ERR_ABORTED' })
      t.is(error!.cause, reason)
    }
    await t.throwsAsync(start(AbortSignal.abort()), { code: 'ERR_ABORTED' }, 'a signal that was aborted before')
    // The provider goes on.
    await whenStatus(provider, 'connected')
  })

  test(`${name}_leaves_no_listener_on_a_signal_when_it_ends`, async (t) => {
    const handle = keepDocuments()
    const server = await BareServer.start(t, { handle })
    const { provider, text } = openDoc(t, server.url, 'doc')
    text.insert(0, 'a')
    const controller = new AbortController()
    const { signal } = controller
    const start = () => (call === 'flush' ? provider.flush({ signal }) : provider.whenSynced('doc', { signal }))
    const first = start()
    t.is(getEventListeners(signal, 'abort').length, 1)
    await bounded(first, 'the call')
    t.is(getEventListeners(signal, 'abort').length, 0, 'fulfilled')
    provider.disconnect()
    text.insert(0, 'b')
    const second = start()
    provider.destroy()
    await t.throwsAsync(second, { code: 'ERR_DESTROYED' })
    t.is(getEventListeners(signal, 'abort').length, 0, 'rejected')
  })
}

test('an_aborted_flush_gives_up_no_edit', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider, text } = openDoc(t, server.url, 'doc', { autoConnect: false })
  text.insert(0, 'a')
  const controller = new AbortController()
  const flushed = provider.flush({ signal: controller.signal })
  controller.abort()
  await t.throwsAsync(flushed, { code: 'ERR_ABORTED' })
  provider.connect()
  await bounded(provider.flush(), 'the second flush')
})

test('wrong_arguments_throw', (t) => {
  const provider = startProvider(t, 'ws://127.0.0.1:9', { autoConnect: false })
  provider.addDoc(new YDoc(), { docId: 'doc' })
  for (const [label, call, code] of [
    ['an id that is no string', () => provider.whenSynced(5 as never), 'ERR_INVALID_ARGUMENT'],
    ['options that are no object', () => provider.whenSynced('doc', 5 as never), 'ERR_INVALID_OPTION'],
    ['a timeout that is no number', () => provider.whenSynced('doc', { timeout: '1' as never }), 'ERR_INVALID_OPTION'],
    ['a signal that is none', () => provider.whenSynced('doc', { signal: {} as never }), 'ERR_INVALID_OPTION'],
    ['the same for flush', () => provider.flush({ signal: new EventTarget() as never }), 'ERR_INVALID_OPTION']
  ] as const) {
    t.throws(call, { instanceOf: TypeError, code }, label)
  }
})
