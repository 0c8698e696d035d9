import test from 'ava'

import { YDoc } from '../index.js'
import { BareServer, keepDocuments, type BareOptions } from './support/bare-server.ts'
import { startGateway } from './support/gateway.ts'
import { openDoc, startProvider, whenStatus, whenSynced } from './support/provider.ts'
import { bounded, until, waitFor } from './support/wait.ts'
import { body, denied, docOf, isUpdate, SYNC } from './support/wire.ts'
import { YjsClient } from './support/yjs-client.ts'

/** Handles frames like `keepDocuments`, but leaves updates to the test. */
function withUpdates(handleUpdate: NonNullable<BareOptions['handle']>): NonNullable<BareOptions['handle']> {
  const keep = keepDocuments()
  return (frame, server) => (isUpdate(frame) ? handleUpdate(frame, server) : keep(frame, server))
}

const refusal = (code: string) => ({ ok: false, code, reason: 'because', retryable: false })

test('resolves_when_every_edit_is_in_the_log_and_its_offset_is_known', async (t) => {
  const { url } = await startGateway(t)
  const { provider, doc, text } = openDoc(t, url, 'doc')
  text.insert(0, 'body')
  doc.getMap('map').set('key', 'value')
  doc.getArray('list').push([1])
  t.is(await provider.flush(), undefined)
  t.regex(String(provider.getDocState('doc')!.offset), /^\d+$/)
  // Nobody helps: the author says nothing more.
  provider.destroy()
  const copy = (await (await YjsClient.connect(t, url)).open('doc')).doc
  t.is(copy.getText('body').toString(), 'body')
  t.is(copy.getMap('map').get('key'), 'value')
  t.deepEqual(copy.getArray('list').toJSON(), [1])
})

test('does_not_resolve_before_the_ack', async (t) => {
  const server = await BareServer.start(t, { handle: withUpdates(() => {}) })
  const { provider, text } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  text.insert(0, 'a')
  let isFlushed = false
  const flushed = provider.flush().then(() => (isFlushed = true))
  const { ack } = await server.frame(isUpdate)
  // A round trip later it would have resolved.
  const roundTrip = waitFor(provider, 'control')
  server.send({ docId: 'doc' }, Uint8Array.of(100), 'y-kafka-collabation-server-control')
  await roundTrip
  t.false(isFlushed)
  ack!({ ok: true, topic: 'log', partition: 0, offset: '9007199254740993' })
  t.true(await flushed)
  t.is(provider.getDocState('doc')!.offset, '9007199254740993', 'offsets are int64')
})

test('with_nothing_to_do_it_resolves_at_once', async (t) => {
  const { url } = await startGateway(t)
  const server = await BareServer.start(t)
  const offline = startProvider(t, url, { autoConnect: false })
  await bounded(offline.flush(), 'a flush without documents')
  offline.addDoc(new YDoc())
  await bounded(offline.flush(), 'a flush without edits, offline')
  const mute = openDoc(t, server.url, 'doc')
  await whenStatus(mute.provider, 'connected')
  await bounded(mute.provider.flush(), 'a flush without edits, connected')
  t.pass()
})

test('covers_the_edits_of_its_own_tick_and_none_after', async (t) => {
  const server = await BareServer.start(t, { handle: withUpdates(() => {}) })
  const { provider, text } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  text.insert(0, 'covered')
  text.insert(7, ' too')
  const flushed = provider.flush()
  const { ack, payload } = await server.frame(isUpdate)
  t.is(docOf(body(payload)).getText('body').toString(), 'covered too')
  text.insert(11, ', later')
  ack!({ ok: true, offset: '1' })
  await bounded(flushed, 'the flush; the later edit is never acked')
})

test('many_at_once_all_resolve', async (t) => {
  const { url } = await startGateway(t)
  const provider = startProvider(t, url)
  const docs = Array.from({ length: 10 }, (_, index) => {
    const doc = new YDoc()
    provider.addDoc(doc, { docId: `doc-${index}` })
    return doc
  })
  const flushes = docs.flatMap((doc) =>
    Array.from({ length: 10 }, (_, index) => {
      doc.getText('body').insert(0, String(index))
      return provider.flush()
    })
  )
  await bounded(Promise.all(flushes), 'a hundred flushes')
  const client = await YjsClient.connect(t, url)
  for (const index of docs.keys()) {
    const { doc } = await client.open(`doc-${index}`)
    t.is(doc.getText('body').toString(), '9876543210')
  }
})

test('while_disconnected_it_waits_for_the_reconnect', async (t) => {
  const { url } = await startGateway(t)
  const { provider, text } = openDoc(t, url, 'doc')
  await whenSynced(provider, 'doc')
  provider.disconnect()
  await whenStatus(provider, 'disconnected')
  text.insert(0, 'offline')
  let isFlushed = false
  const flushed = provider.flush().then(() => (isFlushed = true))
  provider.connect()
  await waitFor(provider, 'status', ({ status }) => status === 'connecting')
  t.false(isFlushed)
  t.true(await flushed)
  t.is((await (await YjsClient.connect(t, url)).open('doc')).doc.getText('body').toString(), 'offline')
})

test('over_a_connection_that_drops_before_the_ack_it_still_resolves', async (t) => {
  let count = 0
  const keep = keepDocuments()
  const server = await BareServer.start(t, {
    handle: (frame, it) => {
      if (isUpdate(frame) && count++ < 3) frame.socket.conn.close()
      else keep(frame, it)
    }
  })
  const { provider, text } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  text.insert(0, 'stubborn')
  await provider.flush()
  t.is(server.connections, 4)
})

test('is_confirmed_by_the_echo_from_the_log_where_servers_do_not_ack', async (t) => {
  const server = await BareServer.start(t, {
    handle: withUpdates((frame, it) => {
      const { docId } = frame.metadata
      it.send({ docId, senderId: frame.socket.id }, frame.payload, SYNC, '41', { topic: 'log', partition: 0 })
    })
  })
  const { provider, text } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  text.insert(0, 'echoed')
  await provider.flush()
  t.is(provider.getDocState('doc')!.offset, '41')
  t.is(text.toString(), 'echoed', 'the echo changes nothing')
})

test('rejects_with_err_timeout_when_the_server_neither_acks_nor_echoes', async (t) => {
  const server = await BareServer.start(t, { handle: withUpdates(() => {}) })
  const { provider, text } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  text.insert(0, 'a')
  await t.throwsAsync(provider.flush({ timeout: 50 }), { code: 'ERR_TIMEOUT' })
  // The edit was not given up.
  const { ack } = await server.frame(isUpdate)
  const flushed = provider.flush()
  ack!({ ok: true, offset: '0' })
  await bounded(flushed, 'the second flush')
})

test('rejects_with_err_timeout_when_there_is_no_server', async (t) => {
  const server = await BareServer.start(t)
  await new Promise<void>((resolve) => server.io.close(() => resolve()))
  const { provider, text } = openDoc(t, server.url, 'doc')
  text.insert(0, 'a')
  await t.throwsAsync(provider.flush({ timeout: 50 }), { code: 'ERR_TIMEOUT' })
  const never = openDoc(t, server.url, 'doc', { autoConnect: false })
  never.text.insert(0, 'a')
  await t.throwsAsync(never.provider.flush({ timeout: 0 }), { code: 'ERR_TIMEOUT' })
})

for (const [code, expected] of [
  ['permission-denied', 'ERR_PERMISSION_DENIED'],
  ['bad-message', 'ERR_REFUSED'],
  ['too-large', 'ERR_MESSAGE_TOO_LARGE']
]) {
  test(`rejects_with_${expected.toLowerCase()}_when_the_server_refuses_with_${code}`, async (t) => {
    const server = await BareServer.start(t, { handle: withUpdates(({ ack }) => ack!(refusal(code))) })
    const { provider, text } = openDoc(t, server.url, 'doc')
    await whenSynced(provider, 'doc')
    const reported = waitFor(provider, 'error')
    text.insert(0, 'a')
    await t.throwsAsync(provider.flush(), { code: expected, message: /because/ })
    const [error] = await reported
    t.like(error, { code: expected, docId: 'doc' })
    // Still in the document, and still not in the log: a later flush must not pretend otherwise.
    t.is(text.toString(), 'a')
    await t.throwsAsync(bounded(provider.flush({ timeout: 50 }), 'a flush after the refusal'))
  })
}

test('rejects_with_err_permission_denied_when_the_gateway_lets_nobody_write', async (t) => {
  const { url } = await startGateway(t, { authorize: ({ op }) => op !== 'write' })
  const { provider, text } = openDoc(t, url, 'doc')
  await whenSynced(provider, 'doc')
  const denial = waitFor(provider, 'permission-denied')
  text.insert(0, 'a')
  await t.throwsAsync(provider.flush(), { code: 'ERR_PERMISSION_DENIED' })
  t.is((await denial)[1], 'doc')
  t.is(provider.status, 'connected', 'reading goes on')
})

test('a_denial_of_the_awareness_only_rejects_nothing', async (t) => {
  const { url } = await startGateway(t, { authorize: ({ op }) => op !== 'awareness' })
  for (let index = 0; index < 10; index++) {
    const { provider, text } = openDoc(t, url, `doc-${index}`)
    provider.getDocState(`doc-${index}`)!.awareness.setLocalState({ name: 'bot' })
    const denial = waitFor(provider, 'permission-denied')
    text.insert(0, 'a')
    await bounded(provider.flush(), 'a flush')
    await denial
    text.insert(0, 'b')
    await bounded(provider.flush(), 'a flush after the denial')
    provider.destroy()
  }
  t.pass()
})

test('a_denial_without_an_ack_is_an_event_and_confirms_nothing', async (t) => {
  // Such a message does not say what is denied: it may be the awareness only.
  const server = await BareServer.start(t, {
    handle: withUpdates(({ metadata: { docId } }, it) => it.send({ docId }, denied('read only')))
  })
  const { provider, text } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  const denial = waitFor(provider, 'permission-denied')
  text.insert(0, 'a')
  const flushed = t.throwsAsync(provider.flush({ timeout: 300 }), { code: 'ERR_TIMEOUT' })
  t.deepEqual(await denial, ['read only', 'doc'])
  await flushed
})

test('a_retryable_refusal_is_retried', async (t) => {
  let count = 0
  const keep = keepDocuments()
  const server = await BareServer.start(t, {
    handle: (frame, it) => {
      if (isUpdate(frame) && count++ < 2) frame.ack!({ ...refusal('busy'), retryable: true })
      else keep(frame, it)
    }
  })
  const { provider, text } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  text.insert(0, 'patient')
  await provider.flush()
  t.is(server.frames.filter(isUpdate).length, 3)
})

test('rejects_with_err_read_only_when_a_reader_has_edits', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider, text } = openDoc(t, server.url, 'doc', { readOnly: true })
  await whenSynced(provider, 'doc')
  await bounded(provider.flush(), 'a flush without edits')
  text.insert(0, 'a')
  await t.throwsAsync(provider.flush(), { code: 'ERR_READ_ONLY' })
  t.is(server.frames.filter(isUpdate).length, 0)
})

test('rejects_with_err_destroyed_on_destroy_and_after', async (t) => {
  const server = await BareServer.start(t, { handle: withUpdates(() => {}) })
  const { provider, text } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  text.insert(0, 'a')
  const flushes = [provider.flush(), provider.flush()]
  provider.destroy()
  for (const flush of flushes) await t.throwsAsync(flush, { code: 'ERR_DESTROYED' })
  await t.throwsAsync(provider.flush(), { code: 'ERR_DESTROYED' })
})

test('an_edit_made_while_a_flush_is_pending_needs_a_flush_of_its_own', async (t) => {
  const { url } = await startGateway(t)
  const reader = openDoc(t, url, 'doc')
  const { provider, text } = openDoc(t, url, 'doc')
  for (let index = 0; index < 20; index++) {
    text.push(`${index} `)
    await provider.flush()
  }
  const expected = Array.from({ length: 20 }, (_, index) => `${index} `).join('')
  await until(reader.doc, 'update', () => reader.text.toString() === expected)
  t.pass()
})

test('wrong_options_reject_or_throw_with_err_invalid_option', (t) => {
  const provider = startProvider(t, 'ws://127.0.0.1:9', { autoConnect: false })
  for (const [label, options] of [
    ['no object', 5],
    ['a string', { timeout: '5' }],
    ['not a number', { timeout: NaN }]
  ] as const) {
    t.throws(() => provider.flush(options as never), { instanceOf: TypeError, code: 'ERR_INVALID_OPTION' }, label)
  }
})

test('what_is_larger_than_a_message_may_be_arrives_in_parts', async (t) => {
  const limit = 4096
  const { url } = await startGateway(t, { maxHttpBufferSize: limit })
  const { provider, doc, text } = openDoc(t, url, 'doc')
  const fail = (error: Error) => t.fail(String(error))
  provider.on('error', fail)
  const closes: string[] = []
  provider.on('connection-close', (reason) => closes.push(reason))
  await whenSynced(provider, 'doc')
  const body = 'large text, ä€😀 '.repeat(2000)
  text.insert(0, body)
  doc.getArray('list').push(Array.from({ length: 2000 }, (_, index) => `element ${index}`))
  await provider.flush()
  text.insert(0, 'later: ')
  await provider.flush()
  const copy = openDoc(t, url, 'doc')
  await until(
    copy.doc,
    'update',
    () => copy.text.toString() === `later: ${body}` && copy.doc.getArray('list').length() === 2000
  )

  provider.off('error', fail)
  const parked = waitFor(provider, 'error')
  doc.getMap('map').set('one value', 'x'.repeat(limit))
  await t.throwsAsync(provider.flush(), { code: 'ERR_MESSAGE_TOO_LARGE' })
  const [error] = await parked
  t.is(error.code, 'ERR_MESSAGE_TOO_LARGE')
  t.deepEqual(closes, [])
})

test('what_was_in_a_document_before_may_be_larger_than_a_message', async (t) => {
  const { url } = await startGateway(t, { maxHttpBufferSize: 4096 })
  const provider = startProvider(t, url)
  const doc = new YDoc()
  doc.getText('body').insert(0, 'x'.repeat(50_000))
  provider.addDoc(doc, { docId: 'doc' })
  await provider.flush()
  const client = await (await YjsClient.connect(t, url)).open('doc')
  await until(client.doc, 'update', () => client.doc.getText('body').length === 50_000)
  t.pass()
})
