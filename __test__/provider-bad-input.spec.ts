import test from 'ava'
import * as Y from 'yjs'

import { BareServer, keepDocuments } from './support/bare-server.ts'
import { startGateway } from './support/gateway.ts'
import { openDoc, startProvider, whenStatus, whenSynced } from './support/provider.ts'
import { until, waitFor } from './support/wait.ts'
import * as wire from './support/wire.ts'

const { SYNC, AWARENESS, CONTROL } = wire
const good = wire.update(wire.textUpdate('good'))
const bytes = (...values: number[]) => Uint8Array.from(values)
const inDoc = (payload: Uint8Array) => wire.envelope({ roomId: 'room', docId: 'doc', senderId: 'server' }, payload)
/** An update that yjs encodes and decodes; it would overflow the stack of a thread that follows its nesting. */
const nestedValues = (depth: number) => {
  const doc = new Y.Doc()
  let value: unknown[] = []
  for (let level = 0; level < depth; level++) value = [value]
  doc.getArray('list').push(value)
  return Y.encodeStateAsUpdate(doc)
}

/** An envelope with this many bytes of metadata. */
const withMetadata = (length: number, payload: Uint8Array) => {
  const rest = JSON.stringify({ roomId: 'room', docId: 'doc', padding: '' }).length
  const metadata = { roomId: 'room', docId: 'doc', padding: 'x'.repeat(length - rest) }
  const json = Buffer.from(JSON.stringify(metadata))
  return Buffer.concat([Buffer.from([length & 0xff, (length >> 8) & 0xff]), json, payload])
}
const wrapped = (payload: Uint8Array) => withMetadata(65_536, payload)

/** What arrives, and the error it must be. `docId` is `undefined` where the envelope doesn't get that far. */
const BAD_FRAMES: [label: string, event: string, args: unknown[], code: string, docId?: string][] = [
  ['no arguments', SYNC, [], 'ERR_INVALID_ENVELOPE'],
  ['a string', SYNC, ['text'], 'ERR_INVALID_ENVELOPE'],
  ['an object without bytes', SYNC, [{ message: 5 }], 'ERR_INVALID_ENVELOPE'],
  ['no bytes', SYNC, [Buffer.alloc(0)], 'ERR_INVALID_ENVELOPE'],
  ['one byte', SYNC, [Buffer.from([7])], 'ERR_INVALID_ENVELOPE'],
  ['garbage', SYNC, [Buffer.from('garbage that is no envelope')], 'ERR_INVALID_ENVELOPE'],
  ['metadata cut off', SYNC, [inDoc(good).subarray(0, 20)], 'ERR_INVALID_ENVELOPE'],
  ['metadata is no JSON', SYNC, [Buffer.from([2, 0, 0x7b, 0x7b, 0])], 'ERR_INVALID_ENVELOPE'],
  ['metadata without ids', SYNC, [wire.envelope({}, good)], 'ERR_INVALID_ENVELOPE'],
  ['metadata with a number as id', SYNC, [wire.envelope({ roomId: 1 } as never, good)], 'ERR_INVALID_ENVELOPE'],
  // The length of the TypeScript provider wraps: these are 65,536 bytes of metadata that say they are none.
  ['metadata whose length wrapped', SYNC, [wrapped(good)], 'ERR_INVALID_ENVELOPE'],
  ['no payload', SYNC, [inDoc(bytes())], 'ERR_INVALID_MESSAGE', 'doc'],
  ['payload cut off', SYNC, [inDoc(good.subarray(0, 5))], 'ERR_INVALID_MESSAGE', 'doc'],
  ['bytes behind the message', SYNC, [inDoc(bytes(...good, 9))], 'ERR_INVALID_MESSAGE', 'doc'],
  ['unknown message type', SYNC, [inDoc(bytes(99, 1))], 'ERR_INVALID_MESSAGE', 'doc'],
  ['unknown sync type', SYNC, [inDoc(bytes(0, 9, 0))], 'ERR_INVALID_MESSAGE', 'doc'],
  [
    'a length beyond all memory',
    SYNC,
    [inDoc(bytes(0, 2, 255, 255, 255, 255, 255, 255, 255, 15))],
    'ERR_INVALID_MESSAGE',
    'doc'
  ],
  ['an update of garbage', SYNC, [inDoc(wire.update(bytes(1, 2, 3, 4, 5)))], 'ERR_INVALID_UPDATE', 'doc'],
  ['an update of nothing', SYNC, [inDoc(wire.update(bytes()))], 'ERR_INVALID_UPDATE', 'doc'],
  [
    'an update cut off',
    SYNC,
    [inDoc(wire.update(wire.textUpdate('hello').subarray(0, 9)))],
    'ERR_INVALID_UPDATE',
    'doc'
  ],
  ['a step 2 of garbage', SYNC, [inDoc(bytes(0, 1, 3, 200, 200, 200))], 'ERR_INVALID_UPDATE', 'doc'],
  ['a step 1 of garbage', SYNC, [inDoc(bytes(0, 0, 3, 200, 200, 200))], 'ERR_INVALID_MESSAGE', 'doc'],
  ['an update nested too deep', SYNC, [inDoc(wire.update(nestedValues(5000)))], 'ERR_INVALID_UPDATE', 'doc'],
  ['an awareness of garbage', AWARENESS, [inDoc(wire.awareness(bytes(9, 9)))], 'ERR_INVALID_UPDATE', 'doc'],
  ['fan-out without a message', 'protocol-message', [{ topic: 'y-sync-room', offset: '1' }], 'ERR_INVALID_ENVELOPE']
]

for (const [label, event, args, code, docId] of BAD_FRAMES) {
  test(`${label.replaceAll(/[ ,]+/g, '_')}_is_an_error_event_and_good_messages_still_arrive`, async (t) => {
    const server = await BareServer.start(t, { handle: keepDocuments() })
    const { provider, doc, text } = openDoc(t, server.url, 'doc')
    await whenSynced(provider, 'doc')
    const closes: unknown[] = []
    provider.on('connection-close', (reason) => closes.push(reason))
    const failed = waitFor(provider, 'error')
    server.io.emit(event, ...args)
    const [error] = await failed
    t.true(error instanceof Error)
    t.deepEqual([error.code, error.docId], [code, docId])
    t.true(error.message.length > 0)
    server.send({ docId: 'doc' }, good)
    await until(doc, 'update', () => text.toString() === 'good')
    text.push('!')
    await provider.flush()
    t.deepEqual(closes, [], 'the connection stays')
  })
}

test('the_largest_metadata_that_fits_is_read', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider, doc, text } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  provider.on('error', (error) => t.fail(String(error)))
  server.io.emit(SYNC, withMetadata(65_535, good))
  await until(doc, 'update', () => text.toString() === 'good')
  t.pass()
})

test('an_update_of_format_v2_is_applied_like_any_other', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider, doc, text } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  provider.on('error', (error) => t.fail(String(error)))
  server.send({ docId: 'doc' }, wire.update(Y.convertUpdateFormatV1ToV2(wire.textUpdate('second format'))))
  await until(doc, 'update', () => text.toString() === 'second format')
  t.pass()
})

test('messages_of_foreign_rooms_and_unknown_documents_are_ignored', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider, doc, text } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  const errors: unknown[] = []
  provider.on('error', (error) => errors.push(error))
  const foreign = wire.update(wire.textUpdate('foreign'))
  server.send({ roomId: 'other', docId: 'doc' }, foreign)
  server.send({ docId: 'unknown' }, foreign)
  server.send({ docId: '__proto__' }, foreign)
  server.send({ roomId: 'other', docId: 'doc' }, wire.denied('not you'), CONTROL)
  server.io.emit('some-other-event', { docId: 'doc' }, Buffer.from('x'))
  server.send({ docId: 'doc' }, good)
  await until(doc, 'update', () => text.length() > 0)
  t.is(text.toString(), 'good')
  t.deepEqual(errors, [])
})

test('a_corrupt_message_is_followed_by_a_step_1_but_not_by_one_for_each', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider, text, doc } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  const before = server.frames.length
  const errors: string[] = []
  provider.on('error', ({ code }) => errors.push(code))
  for (let index = 0; index < 50; index++) server.send({ docId: 'doc' }, wire.update(bytes(1, 2, 3, 4, 5)))
  await server.frame(wire.isStep1, before)
  server.send({ docId: 'doc' }, good)
  await until(doc, 'update', () => text.length() > 0)
  t.is(errors.length, 50)
  t.true(server.frames.slice(before).filter(wire.isStep1).length < 10, 'damped')
})

const ENGINE_GARBAGE: [label: string, frames: (string | Buffer)[], reason: RegExp][] = [
  ['unknown_engine_packet', ['x'], /^transport error$/],
  ['empty_engine_packet', [''], /^transport error$/],
  ['unknown_socket_packet', ['49'], /^parse error$/],
  ['json_cut_off', ['42["a"'], /^parse error$/],
  ['event_that_is_an_object', ['42{}'], /^parse error$/],
  ['binary_without_a_header', [Buffer.from([1, 2, 3])], /^parse error$/],
  ['text_while_an_attachment_is_pending', ['451-["a",{"_placeholder":true,"num":0}]', '42["b"]'], /^parse error$/],
  ['placeholder_out_of_bounds', ['451-["a",{"_placeholder":true,"num":7}]', Buffer.from([1])], /^parse error$/]
]

for (const [label, frames, reason] of ENGINE_GARBAGE) {
  test(`${label}_closes_the_connection_and_it_reconnects`, async (t) => {
    const server = await BareServer.start(t, { handle: keepDocuments() })
    const { provider, text } = openDoc(t, server.url, 'doc')
    await whenSynced(provider, 'doc')
    const closed = waitFor(provider, 'connection-close')
    const webSocket = (server.sockets[0].conn.transport as unknown as { socket: WebSocket }).socket
    for (const frame of frames) webSocket.send(frame as string)
    t.regex((await closed)[0], reason)
    text.insert(0, 'after')
    await provider.flush()
    t.is(server.connections, 2)
  })
}

test('a_refusal_by_middleware_is_a_connection_error_with_data_and_final', async (t) => {
  const server = await BareServer.start(t)
  let attempts = 0
  server.io.use((_, next) => {
    attempts += 1
    next(Object.assign(new Error('not you'), { data: { code: 'permission-denied', reason: 'go away', extra: [1] } }))
  })
  const provider = startProvider(t, server.url)
  const failed = waitFor(provider, 'connection-error')
  const denied = waitFor(provider, 'permission-denied')
  const ended = waitFor(provider, 'status', ({ status }) => status === 'disconnected')
  const [error] = await failed
  t.true(error instanceof Error)
  t.is(error.message, 'not you')
  t.is(error.code, 'ERR_PERMISSION_DENIED')
  t.deepEqual(error.data, { code: 'permission-denied', reason: 'go away', extra: [1] })
  t.false(error.willRetry)
  t.deepEqual(await denied, ['go away', undefined])
  await ended
  t.is(attempts, 1)
})

test('a_refused_provider_connects_when_it_is_told_to', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  let attempts = 0
  server.io.use((_, next) => (attempts++ === 0 ? next(new Error('not now')) : next()))
  const { provider } = openDoc(t, server.url, 'doc')
  const [error] = await waitFor(provider, 'connection-error')
  t.is(error.data, undefined)
  await whenStatus(provider, 'disconnected')
  provider.connect()
  await whenSynced(provider, 'doc')
  t.is(attempts, 2)
})

test('a_server_that_is_only_unavailable_is_tried_again', async (t) => {
  const server = await BareServer.start(t)
  let attempts = 0
  server.io.use((_, next) => {
    if (attempts++ > 1) return next()
    next(Object.assign(new Error('starting'), { data: { code: 'unavailable' } }))
  })
  const provider = startProvider(t, server.url)
  const [error] = await waitFor(provider, 'connection-error')
  t.true(error.willRetry)
  await whenStatus(provider, 'connected')
  t.is(attempts, 3)
})

test('the_gateway_refuses_a_connection_with_its_code_and_reason', async (t) => {
  const authorize = ({ token }: { token?: string }) =>
    token === 'right' || { ok: false as const, reason: 'wrong token' }
  const { url } = await startGateway(t, { authorize })
  const provider = startProvider(t, url, { token: 'wrong' })
  const denied = waitFor(provider, 'permission-denied')
  const [error] = await waitFor(provider, 'connection-error')
  t.is(error.data.reason, 'wrong token')
  t.is((await denied)[0], 'wrong token')
  const { provider: allowed } = openDoc(t, url, 'doc', { token: 'right' })
  await whenSynced(allowed, 'doc')
})

test('what_is_no_socket_io_server_is_a_connection_error', async (t) => {
  const { createServer } = await import('node:http')
  const http = createServer((_, response) => response.writeHead(404).end('no such thing'))
  t.teardown(() => http.close())
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const { port } = http.address() as { port: number }
  const provider = startProvider(t, `http://127.0.0.1:${port}`)
  const [error] = await waitFor(provider, 'connection-error')
  t.is(error.code, 'ERR_CONNECTION')
  t.regex(error.message, /404/)
  t.true(error.willRetry)
})
