import test, { type ExecutionContext } from 'ava'
import * as Y from 'yjs'

import type { ProtocolProviderOptions } from '../index.js'
import { openDoc, startProvider, whenStatus, whenSynced } from './support/provider.ts'
import { RawServer, type RawSocket } from './support/raw-server.ts'
import { collect, waitFor } from './support/wait.ts'
import * as wire from './support/wire.ts'

/* What Socket.IO v5 asks of a client, with a server that speaks raw frames. */

const NAME = wire.CONTROL
const SLOT = '{"_placeholder":true,"num":0}'

/** An envelope whose message is of the application: type 100 and these bytes. */
const control = (...bytes: number[]) => wire.envelope({ roomId: 'room', docId: 'doc' }, Uint8Array.of(100, ...bytes))

async function join(t: ExecutionContext, options?: Partial<ProtocolProviderOptions>) {
  const server = await RawServer.start(t)
  const provider = startProvider(t, server.url, options)
  const socket = await server.joined()
  await whenStatus(provider, 'connected')
  return { server, provider, socket }
}

/** Resolves when the client has read everything sent so far. */
async function caughtUp(socket: RawSocket): Promise<void> {
  socket.send('2')
  await socket.receiveText('3')
}

/** CONNECT, by the path of the URL and the auth. */
const CONNECTS: [label: string, path: string, options: Partial<ProtocolProviderOptions>, connect: string][] = [
  ['to_the_main_namespace', '', {}, '40'],
  ['with_an_empty_auth', '/', { socketOptions: { auth: {} } }, '40{}'],
  ['with_auth', '', { socketOptions: { auth: { token: '123' } } }, '40{"token":"123"}'],
  ['with_a_token', '', { token: 'ä"' }, '40{"token":"ä\\""}'],
  ['with_an_auth_function', '', { socketOptions: { auth: (give) => give({ a: [null] }) } }, '40{"a":[null]}'],
  ['to_a_namespace', '/custom', {}, '40/custom,'],
  ['to_a_namespace_with_auth', '/custom?a=b', { token: 'abc' }, '40/custom,{"token":"abc"}'],
  ['to_a_namespace_that_is_no_ascii', '/yjs|a ä/', {}, '40/yjs|a ä/,']
]

for (const [label, path, options, connect] of CONNECTS) {
  test(`connects_${label}`, async (t) => {
    const server = await RawServer.start(t)
    const provider = startProvider(t, server.url + path, options)
    const socket = await server.connection()
    t.is(await socket.join(), connect)
    await whenStatus(provider, 'connected')
    t.is(provider.socket.id, 'socket')
  })
}

/** CONNECT_ERROR, and what the error says. */
const REFUSALS: [label: string, packet: string, message: string, data: unknown][] = [
  ['with_a_message', '44{"message":"Invalid namespace"}', 'Invalid namespace', undefined],
  ['with_data', '44{"message":"no","data":{"a":[1]}}', 'no', { a: [1] }],
  ['with_data_that_is_no_object', '44{"message":"no","data":5}', 'no', 5],
  ['that_is_a_string', '44"no"', 'no', undefined],
  ['without_a_payload', '44', '', undefined]
]

for (const [label, packet, message, data] of REFUSALS) {
  test(`a_refusal_${label}_is_final`, async (t) => {
    const server = await RawServer.start(t)
    const provider = startProvider(t, server.url)
    const failed = waitFor(provider, 'connection-error')
    const socket = await server.connection()
    socket.open()
    await socket.receive()
    socket.send(packet)
    const [error] = await failed
    t.is(error.message, message)
    t.deepEqual(error.data, data)
    t.false(error.willRetry)
    await whenStatus(provider, 'disconnected')
    t.deepEqual(await socket.closed, { code: 1005, reason: '' })
    t.is(server.requests.length, 1)
  })
}

test('a_refusal_of_another_namespace_or_after_joining_changes_nothing', async (t) => {
  const server = await RawServer.start(t)
  const provider = startProvider(t, server.url)
  const errors = collect(provider, 'connection-error')
  const socket = await server.connection()
  socket.open()
  await socket.receive()
  socket.send('44/other,{"message":"no"}', '40{"sid":"socket"}', '44{"message":"late"}')
  await caughtUp(socket)
  await whenStatus(provider, 'connected')
  t.deepEqual(errors, [])
})

test('a_server_of_version_2_is_a_connection_error', async (t) => {
  const server = await RawServer.start(t)
  const provider = startProvider(t, server.url)
  const failed = waitFor(provider, 'connection-error')
  const socket = await server.connection()
  socket.open()
  socket.send('40')
  const [error] = await failed
  t.regex(error.message, /older Socket\.IO/)
  t.true(error.willRetry)
  await socket.closed
  await server.joined()
  await whenStatus(provider, 'connected')
})

test('a_second_connect_packet_changes_nothing', async (t) => {
  const { provider, socket } = await join(t)
  socket.send('40{"sid":"other"}')
  await caughtUp(socket)
  t.is(provider.socket.id, 'socket')
})

for (const [label, path, packet] of [
  ['the_main_namespace', '', '41'],
  ['a_namespace', '/custom', '41/custom,'],
  ['a_namespace_without_a_comma', '/custom', '41/custom']
]) {
  test(`a_disconnect_packet_of_${label}_ends_the_connection_and_another_follows`, async (t) => {
    const server = await RawServer.start(t)
    const provider = startProvider(t, server.url + path)
    const closed = waitFor(provider, 'connection-close')
    const socket = await server.joined()
    socket.send(packet!)
    t.deepEqual(await closed, ['io server disconnect', undefined])
    t.deepEqual(await socket.closed, { code: 1005, reason: '' })
    await server.joined()
    await whenStatus(provider, 'connected')
  })
}

test('packets_of_other_namespaces_are_ignored', async (t) => {
  const server = await RawServer.start(t)
  const provider = startProvider(t, `${server.url}/mine`)
  const heard: number[] = []
  provider.on('control', (_, content) => heard.push(content[0]!))
  const socket = await server.joined()
  socket.send(`451-["${NAME}",${SLOT}]`, control(1))
  socket.send(`451-/mine2,["${NAME}",${SLOT}]`, control(2))
  socket.send('41', '41/other,', '40/other,{"sid":"x"}', '430[]', '44/other,"no"')
  const control3 = waitFor(provider, 'control')
  socket.send(`451-/mine,["${NAME}",${SLOT}]`, control(3))
  await control3
  t.deepEqual(heard, [3])
  t.is(provider.status, 'connected')
})

test('every_message_is_one_header_and_one_attachment', async (t) => {
  const server = await RawServer.start(t)
  const { provider } = openDoc(t, `${server.url}/ns`, 'doc')
  const socket = await server.joined()
  t.is(await socket.receive(), `451-/ns,0["${wire.SYNC}",${SLOT}]`)
  const frame = wire.readFrame(wire.SYNC, (await socket.receive()) as Buffer)
  t.true(wire.isStep1(frame))
  t.like(frame.metadata, { roomId: 'room', docId: 'doc', senderId: 'socket' })
  await whenStatus(provider, 'connected')
  provider.send('control', 100, Uint8Array.of(7), 'doc')
  const header = await socket.receiveText(`451-/ns,["${NAME}"`)
  t.is(header, `451-/ns,["${NAME}",${SLOT}]`, 'messages of the user ask for no ack')
})

test('acks_have_rising_ids_that_go_on_over_reconnects', async (t) => {
  const server = await RawServer.start(t)
  openDoc(t, server.url, 'doc')
  const ids: number[] = []
  for (let round = 0; round < 3; round++) {
    const socket = await server.joined()
    const [, id] = /^451-(\d+)\[/.exec(await socket.receiveText(`451-`))!
    ids.push(Number(id))
    socket.webSocket.terminate()
  }
  t.deepEqual(
    ids,
    ids.toSorted((a, b) => a - b)
  )
  t.is(new Set(ids).size, 3)
})

/** Acks of an edit, each of which confirms it. */
const ACKS: [label: string, ack: (id: string) => (string | Buffer)[]][] = [
  ['with_an_object', (id) => [`43${id}[{"ok":true,"topic":"t","partition":0,"offset":"7"}]`]],
  ['after_others_that_nobody_waits_for', (id) => ['43[]', '43999[{"ok":true}]', '43/x,0[]', `43${id}[{"ok":true}]`]],
  ['with_attachments', (id) => [`461-${id}[{"ok":true},${SLOT}]`, Buffer.from([1])]]
]

for (const [label, ack] of ACKS) {
  test(`an_ack_${label}_confirms_an_edit`, async (t) => {
    const server = await RawServer.start(t)
    const { provider, text } = openDoc(t, server.url, 'doc')
    const socket = await server.joined()
    const [, first] = /^451-(\d+)\[/.exec(await socket.receiveText('451-'))!
    socket.send(`43${first}[{"ok":true}]`)
    text.insert(0, 'edit')
    const flushed = provider.flush()
    for (;;) {
      const header = await socket.receiveText('451-')
      const frame = wire.readFrame(wire.SYNC, (await socket.receive()) as Buffer)
      if (!wire.isUpdate(frame)) continue
      const [, id] = /^451-(\d+)\[/.exec(header)!
      socket.send(...ack(id!))
      break
    }
    await flushed
    t.false(provider.hasUnsyncedChanges)
  })
}

test('an_ack_that_the_server_asks_for_ends_nothing', async (t) => {
  const { provider, socket } = await join(t)
  const heard = waitFor(provider, 'control')
  socket.send(`451-456["${NAME}",${SLOT}]`, control(1))
  await heard
  await caughtUp(socket)
  t.is(provider.status, 'connected')
})

/** Events with an envelope somewhere, all of the same content. */
const EVENTS: [label: string, frames: (string | Buffer)[]][] = [
  ['with_its_keys_in_another_order', [`451-["${NAME}",{"num":0,"_placeholder":true}]`, control(1)]],
  ['with_whitespace', [`451-[ "${NAME}" , { "_placeholder" : true , "num" : 0 } ]`, control(1)]],
  ['in_an_object', [`451-["${NAME}",{"message":${SLOT},"offset":"1"}]`, control(1)]],
  ['with_a_second_attachment', [`452-["${NAME}",${SLOT},{"_placeholder":true,"num":1}]`, control(1), Buffer.from([9])]],
  [
    'whose_attachment_is_not_the_first',
    [`452-["${NAME}",{"_placeholder":true,"num":1},${SLOT}]`, Buffer.from([9]), control(1)]
  ],
  ['that_is_a_buffer_in_json', [`42["${NAME}",${JSON.stringify(control(1))}]`]],
  [
    'with_ten_attachments',
    [
      `4510-["${NAME}",${Array.from({ length: 10 }, (_, num) => `{"_placeholder":true,"num":${num}}`)}]`,
      control(1),
      ...Array.from({ length: 9 }, () => Buffer.alloc(1))
    ]
  ],
  ['with_a_ping_between_header_and_attachment', [`451-["${NAME}",${SLOT}]`, '2', '6', control(1)]]
]

for (const [label, frames] of EVENTS) {
  test(`an_event_${label}_is_understood`, async (t) => {
    const { provider, socket } = await join(t)
    const heard = waitFor(provider, 'control')
    socket.send(...frames)
    t.deepEqual(await heard, [100, Uint8Array.of(1)])
  })
}

for (const [label, packet] of [
  ['without_a_payload', '42'],
  ['whose_name_is_a_number', '42[5,"x"]'],
  ['that_nobody_knows', '42["message",1,"2",{"3":[true]}]'],
  ['with_an_id_and_no_payload', '427'],
  ['an_ack_without_an_id', '43["x"]']
]) {
  test(`an_event_${label}_is_ignored`, async (t) => {
    const { provider, socket } = await join(t)
    const told = collect(provider, 'error', 'connection-close', 'control')
    socket.send(packet!)
    await caughtUp(socket)
    t.deepEqual(told, [])
    t.is(provider.status, 'connected')
  })
}

/** Frames that no server may send. */
const VIOLATIONS: [label: string, frames: (string | Buffer)[], description: string][] = [
  ['no_packet_at_all', ['4abc'], 'unknown packet type'],
  ['an_unknown_type', ['4999'], 'unknown packet type'],
  ['an_array_that_is_not_closed', ['442["some","data"'], 'invalid payload'],
  ['connect_with_a_string', ['40/admin,"invalid"'], 'invalid payload'],
  ['connect_with_an_array', ['40[]'], 'invalid payload'],
  ['disconnect_with_an_object', ['41/admin,{}'], 'invalid payload'],
  ['event_with_half_a_string', ['42/admin,"invalid'], 'invalid payload'],
  ['event_with_an_object_in_a_namespace', ['42/admin,{}'], 'invalid payload'],
  ['event_with_an_object', ['42{}'], 'invalid payload'],
  ['event_with_garbage_in_front', ['42abc["a"]'], 'invalid payload'],
  ['event_without_a_name', ['42[]'], 'invalid payload'],
  ['event_whose_name_is_an_object', ['42[{"toString":"foo"}]'], 'invalid payload'],
  ['event_whose_name_is_a_boolean', ['42[true,"foo"]'], 'invalid payload'],
  ['event_whose_name_is_null', ['42[null,"bar"]'], 'invalid payload'],
  ['event_with_a_reserved_name', ['42["connect"]'], 'invalid payload'],
  ['event_with_another_reserved_name', ['42["disconnect","123"]'], 'invalid payload'],
  ['ack_with_an_object', ['430{}'], 'invalid payload'],
  ['refusal_with_an_array', ['44[]'], 'invalid payload'],
  ['binary_event_without_a_count', ['45'], 'illegal attachments'],
  ['binary_event_without_a_dash', ['451'], 'illegal attachments'],
  ['binary_event_with_letters', ['45a-'], 'illegal attachments'],
  ['binary_event_with_a_fraction', ['451.23-'], 'illegal attachments'],
  ['binary_event_with_a_negative_count', ['45-1-["a"]'], 'illegal attachments'],
  ['binary_event_without_attachments', ['450-["a"]'], 'illegal attachments'],
  ['eleven_attachments', [`4511-["a",${SLOT}]`], 'too many attachments'],
  ['a_placeholder_of_a_string', ['451-["a",{"_placeholder":true,"num":"0"}]', Buffer.alloc(1)], 'illegal attachments'],
  ['a_placeholder_out_of_bounds', ['451-["a",{"_placeholder":true,"num":1}]', Buffer.alloc(1)], 'illegal attachments'],
  ['an_attachment_without_a_header', [Buffer.alloc(1)], 'got binary data'],
  ['an_attachment_too_many', [`451-["a",${SLOT}]`, Buffer.alloc(1), Buffer.alloc(1)], 'got binary data'],
  ['text_in_place_of_an_attachment', [`451-["a",${SLOT}]`, '42["b"]'], 'got plaintext data']
]

for (const [label, frames, description] of VIOLATIONS) {
  test(`${label}_is_a_parse_error_and_another_connection_follows`, async (t) => {
    const { server, provider, socket } = await join(t)
    const closed = waitFor(provider, 'connection-close')
    socket.send(...frames)
    const [reason, detail] = await closed
    t.is(reason, 'parse error')
    t.true(detail.startsWith(description), detail)
    await socket.closed
    const next = await server.joined()
    // What the last connection left unfinished must not spoil this one.
    const heard = waitFor(provider, 'control')
    next.send(`451-["${NAME}",${SLOT}]`, control(1))
    await heard
  })
}

test('a_half_received_event_is_forgotten_with_its_connection', async (t) => {
  const { server, provider, socket } = await join(t)
  socket.send(`451-["${NAME}",${SLOT}]`)
  await caughtUp(socket)
  socket.webSocket.terminate()
  const next = await server.joined()
  const heard = waitFor(provider, 'control')
  next.send('42["text"]', `451-["${NAME}",${SLOT}]`, control(2))
  t.deepEqual(await heard, [100, Uint8Array.of(2)])
})

test('events_before_the_answer_to_connect_are_heard_after_it', async (t) => {
  const server = await RawServer.start(t)
  const provider = startProvider(t, server.url)
  const story: unknown[] = []
  provider.on('status', ({ status }) => story.push(status))
  provider.on('control', (_, content) => story.push(content[0]))
  const socket = await server.connection()
  socket.open()
  await socket.receive()
  socket.send(`451-["${NAME}",${SLOT}]`, control(1), `451-["${NAME}",${SLOT}]`, control(2))
  await caughtUp(socket)
  t.deepEqual(story, ['connecting'], 'not yet')
  const last = waitFor(provider, 'control', (_, content) => content[0] === 3)
  socket.send('40{"sid":"socket"}', `451-["${NAME}",${SLOT}]`, control(3))
  await last
  t.deepEqual(story, ['connecting', 'connected', 1, 2, 3])
})

test('a_content_that_is_not_ascii_keeps_its_place_between_binary_messages', async (t) => {
  const server = await RawServer.start(t)
  const { provider, text } = openDoc(t, server.url, 'doc')
  const socket = await server.joined()
  const [, id] = /^451-(\d+)\[/.exec(await socket.receiveText('451-'))!
  const doc = new Y.Doc()
  doc.getText('body').insert(0, '€ utf8 ʇxǝʇ 😀 \u{10ffff}')
  const payload = wire.step2(doc)
  socket.send(`43${id}[{"ok":true}]`, '42["ʇxǝʇ 😀"]', `451-["${wire.SYNC}",${SLOT},"ä"]`)
  socket.send(wire.envelope({ roomId: 'room', docId: 'doc', senderId: 'server' }, payload), '42["😀"]')
  await whenSynced(provider, 'doc')
  t.is(text.toString(), doc.getText('body').toString())
})
