import test, { type ExecutionContext } from 'ava'
import * as Y from 'yjs'

import { PublishedPeer } from './servers/published-peer.ts'
import { PublishedServer, type LogRecord } from './servers/published-server.ts'
import { openDoc, whenSynced } from './support/provider.ts'
import { until, waitFor } from './support/wait.ts'
import * as wire from './support/wire.ts'

const isSync = (record: LogRecord) => record.event === wire.SYNC
const isUpdate = ({ payload }: LogRecord) => wire.isUpdate({ payload: wire.single(payload) } as never)
const isStep2 = (record: LogRecord) => isSync(record) && wire.isStep2({ payload: wire.single(record.payload) } as never)
const isStep1 = (record: LogRecord) => isSync(record) && wire.isStep1({ payload: wire.single(record.payload) } as never)

/** A promise for the test to resolve. */
function gate() {
  let open!: () => void
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open }
}

async function openSynced(t: ExecutionContext, server: PublishedServer, docId = 'doc') {
  const opened = openDoc(t, server.url, docId)
  await whenSynced(opened.provider, docId)
  return opened
}

/** Resolves when all of these documents read the same, and as long as expected. */
async function converged(docs: { text: () => string; emitter: any }[], length: number): Promise<string> {
  for (const { text, emitter } of docs) await until(emitter, 'update', () => text().length === length)
  return docs[0].text()
}
const ofNative = ({ doc, text }: ReturnType<typeof openDoc>) => ({ text: () => text.toString(), emitter: doc })
const ofPeer = ({ doc }: PublishedPeer) => ({ text: () => doc.getText('body').toString(), emitter: doc })

test('native_clients_converge_over_the_log_alone', async (t) => {
  const server = await PublishedServer.start(t)
  const clients = await Promise.all([1, 2, 3].map(() => openSynced(t, server)))
  for (let round = 0; round < 10; round++) {
    clients.forEach(({ text }, index) => text.insert(0, `${index}${round} `))
    await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(clients.map(({ provider }) => provider.flush()))
  const docs = clients.map(ofNative)
  const text = await converged(docs, 90)
  for (const { text: other } of docs) t.is(other(), text)
  t.is(server.connections, 3, 'one socket each')
})

for (const [label, options] of [
  ['sends_its_types_twice', {}],
  ['sends_them_once', { isDoubled: false }],
  ['sends_offsets', { sendsOffset: true }]
] as const) {
  test(`a_peer_that_${label}_and_native_clients_converge`, async (t) => {
    const server = await PublishedServer.start(t)
    const before = await openSynced(t, server)
    before.text.insert(0, 'first ')
    await before.provider.flush()
    const peer = await PublishedPeer.join(t, server, 'doc', options)
    await converged([ofPeer(peer)], 6)
    const errors: unknown[] = []
    before.provider.on('error', (error) => errors.push(error))
    const after = await openSynced(t, server)
    peer.doc.getText('body').insert(0, 'peer ')
    before.text.push('before ')
    after.text.push('after ')
    const docs = [ofPeer(peer), ofNative(before), ofNative(after)]
    const text = await converged(docs, 'first peer before after '.length)
    for (const { text: other } of docs) t.is(other(), text)
    await Promise.all([before.provider.flush(), after.provider.flush()])
    t.deepEqual(errors, [])
  })
}

test('a_client_that_joins_a_peer_gets_its_document_and_edits_of_before_arrive', async (t) => {
  const server = await PublishedServer.start(t)
  const peer = await PublishedPeer.join(t, server, 'doc')
  peer.doc.getText('body').insert(0, 'peer ')
  const { provider, text } = openDoc(t, server.url, 'doc')
  text.insert(0, 'offline ')
  await provider.flush()
  await whenSynced(provider, 'doc')
  t.regex(text.toString(), /peer /)
  await converged([ofPeer(peer)], 'peer offline '.length)
  t.is(peer.doc.getText('body').toString(), text.toString())
})

test('our_own_echo_confirms_and_brings_the_offset_of_the_sync_topic', async (t) => {
  const server = await PublishedServer.start(t)
  const { provider, text } = await openSynced(t, server)
  server.hold()
  text.insert(0, 'a')
  const { position, topic } = await server.record(isUpdate)
  t.regex(topic, /-sync-room$/)
  let isFlushed = false
  const flushed = provider.flush().then(() => (isFlushed = true))
  // Others' records come back before it; they confirm nothing.
  const others = new Y.Doc()
  others.getText('body').insert(0, 'b')
  server.sockets[0].emit('protocol-message', {
    topic,
    partition: 0,
    offset: String(position - 1),
    message: wire.envelope(
      { roomId: 'room', docId: 'doc', senderId: 'peer' },
      wire.update(Y.encodeStateAsUpdate(others))
    )
  })
  await until(provider.getDocState('doc')!.doc, 'update', () => text.length() === 2)
  t.false(isFlushed)
  t.true(provider.hasUnsyncedChanges)
  server.release()
  await flushed
  t.is(provider.getDocState('doc')!.offset, String(position))
  t.false(provider.hasUnsyncedChanges)
})

test('without_fan_out_nothing_hangs_and_nothing_is_claimed', async (t) => {
  const server = await PublishedServer.start(t, { fansOut: false })
  const { provider, text } = openDoc(t, server.url, 'doc')
  text.insert(0, 'a')
  await server.record(isUpdate)
  await t.throwsAsync(provider.whenSynced('doc', { timeout: 100 }), { code: 'ERR_TIMEOUT' })
  await t.throwsAsync(provider.flush({ timeout: 1500 }), { code: 'ERR_UNCONFIRMED', message: /acks/ })
  t.true(provider.hasUnsyncedChanges)
  t.false(provider.getDocState('doc')!.synced)
  t.is(provider.status, 'connected')
  await t.throwsAsync(provider.destroy({ flush: 50 }), { code: 'ERR_UNCONFIRMED' }, 'and it ends in its time')
})

test('without_fan_out_hydration_still_syncs', async (t) => {
  const server = await PublishedServer.start(t, { fansOut: false, stored: { doc: [wire.textUpdate('stored')] } })
  const { provider, text } = await openSynced(t, server)
  t.is(text.toString(), 'stored')
  t.is(provider.getDocState('doc')!.offset, '0', 'the version of the hydration')
  text.push('!')
  await server.record(isUpdate)
  t.true(provider.hasUnsyncedChanges)
})

for (const [label, stored, expected] of [
  ['nothing', [], ''],
  ['one_update', [wire.textUpdate('one')], 'one'],
  // Two are merged as the wrong format, which fails: peers must have it.
  ['two_updates', [wire.textUpdate('one'), wire.textUpdate('two')], ''],
  ['one_update_of_format_v2', [Y.convertUpdateFormatV1ToV2(wire.textUpdate('second format'))], 'second format']
] as const) {
  test(`a_client_is_synced_where_the_database_has_${label}`, async (t) => {
    const server = await PublishedServer.start(t, { stored: { doc: [...stored] } })
    const errors: unknown[] = []
    const opened = openDoc(t, server.url, 'doc')
    opened.provider.on('error', (error) => errors.push(error))
    await whenSynced(opened.provider, 'doc')
    t.is(opened.text.toString(), expected)
    t.deepEqual(errors, [])
    opened.text.push('.')
    await opened.provider.flush()
  })
}

test('what_was_said_before_the_handlers_were_there_is_said_again', async (t) => {
  const { opened, open } = gate()
  const server = await PublishedServer.start(t, { hydrated: () => opened })
  const isSpoken = waitFor(server, 'lost')
  // Without a resync nothing else can bring it.
  const { provider, text, doc } = openDoc(t, server.url, 'doc', { resyncInterval: 0 })
  const ours = provider.getDocState('doc')!.awareness
  ours.setLocalState({ name: 'early' })
  text.insert(0, 'early')
  await isSpoken
  await waitFor(server, 'lost', (event) => event === wire.AWARENESS)
  t.is(server.log.length, 0)
  open()
  await provider.flush()
  await whenSynced(provider, 'doc')
  const { payload } = await server.record(isUpdate)
  t.is(wire.docOf(wire.body(payload)).getText('body').toString(), 'early')
  await server.record((record) => wire.isAwareness(record))
  t.is(doc.getText('body').toString(), 'early')
})

test('a_lone_client_is_synced_after_its_own_step_1_is_back_and_not_before', async (t) => {
  const server = await PublishedServer.start(t)
  server.hold()
  const { provider, doc, text } = openDoc(t, server.url, 'doc')
  const { topic } = await server.record(isStep1)
  // An answer that is for somebody else comes first; it brings something, and is no answer to us.
  const message = wire.envelope(
    { roomId: 'room', docId: 'doc', senderId: 'peer' },
    wire.doubled(wire.step2Of(wire.textUpdate('for another')))
  )
  server.sockets[0].emit('protocol-message', { topic, partition: 0, offset: '0', message })
  await until(doc, 'update', () => text.length() > 0)
  t.false(provider.getDocState('doc')!.synced)
  server.release()
  await whenSynced(provider, 'doc')
  t.is(text.toString(), 'for another')
})

test('everybody_in_a_storm_of_joins_is_synced_with_all_there_is_and_not_before', async (t) => {
  const server = await PublishedServer.start(t)
  const first = await openSynced(t, server)
  first.text.insert(0, 'content')
  first.text.delete(0, 1)
  await first.provider.flush()
  // How few answers that takes is tested where time stands still, with sessions alone.
  const joined = Array.from({ length: 10 }, () => openDoc(t, server.url, 'doc'))
  for (const { provider, text } of joined) {
    await whenSynced(provider, 'doc')
    t.is(text.toString(), 'ontent')
  }
  const answers = server.log.filter(isStep2)
  t.true(answers.length > 0)
  const asked = new Set(server.log.filter(isStep1).map(({ metadata }) => metadata.senderId))
  for (const { metadata } of answers) {
    const { inReplyTo } = metadata as { inReplyTo?: string[] }
    t.true(
      inReplyTo?.every((id) => asked.has(id)),
      'every answer names who asked'
    )
  }
})

test('an_echo_under_the_socket_id_of_before_confirms_too', async (t) => {
  const { opened, open } = gate()
  let connections = 0
  const server = await PublishedServer.start(t, { hydrated: () => (connections++ === 0 ? Promise.resolve() : opened) })
  t.teardown(open)
  const { provider, text } = await openSynced(t, server)
  server.hold()
  text.insert(0, 'swallowed')
  const record = await server.record(isUpdate)
  const [before] = server.sockets
  const isRepeated = waitFor(server, 'lost', (_, frame) => isUpdate(frame))
  before.conn.close()
  await isRepeated
  t.not(provider.socket.id, before.id)
  t.is(record.metadata.senderId, before.id)
  // The new socket's handlers are not there: nothing but the old echo can confirm.
  const flushed = provider.flush()
  server.release()
  await flushed
  t.is(text.toString(), 'swallowed', 'and nothing is applied twice')
  t.is(server.log.filter(isUpdate).length, 1)
})

test('messages_of_the_log_may_come_twice_late_and_in_any_order', async (t) => {
  const server = await PublishedServer.start(t)
  const native = await openSynced(t, server)
  const peer = await PublishedPeer.join(t, server, 'doc')
  server.hold()
  const offsets: string[] = []
  const state = native.provider.getDocState('doc')!
  const theirs = peer.doc.getText('body')
  for (const word of ['one ', 'two ', 'three ', 'four ']) theirs.insert(theirs.length, word)
  const last = theirs.toString()
  await server.record((record) => isUpdate(record) && server.log.filter(isUpdate).length === 4)
  native.doc.on('update', () => offsets.push(state.offset!))
  const newestOfLog = () => Math.max(...server.log.filter(isSync).map(({ position }) => position))
  const newest = newestOfLog()
  server.release((held) => [...held].reverse().flatMap((record) => [record, record]))
  await until(native.doc, 'update', () => native.text.toString() === last)
  native.text.push('!')
  await native.provider.flush()
  t.is(native.text.toString(), `${last}!`)
  const numbers = offsets.map(Number)
  t.deepEqual(
    numbers,
    [...numbers].sort((one, other) => one - other),
    'offsets never go back'
  )
  t.true(Number(state.offset) > newest)
  // Whatever comes again changes nothing; the control message comes behind it.
  const behind = waitFor(native.provider, 'control')
  server.fanOut(server.log.find(isUpdate)!)
  const known = newestOfLog()
  for (const socket of server.sockets) {
    socket.emit(wire.CONTROL, wire.envelope({ roomId: 'room', docId: 'doc' }, Uint8Array.of(99)))
  }
  await behind
  // Not just that one: answers to step 1 may be on their way, and offsets are told as soon as they are known.
  t.true(Number(state.offset) >= known && Number(state.offset) <= newestOfLog())
  t.is(native.text.toString(), `${last}!`)
})

test('awareness_that_is_sent_to_the_whole_room_stays_with_its_document', async (t) => {
  const server = await PublishedServer.start(t, { hasRoomWideAwareness: true })
  const first = await openSynced(t, server, 'first')
  const second = await openSynced(t, server, 'second')
  const watcher = await openSynced(t, server, 'first')
  const stateOf = ({ provider }: typeof first, docId: string) => provider.getDocState(docId)!.awareness
  const seen = waitFor(stateOf(watcher, 'first'), 'change', ({ added }) => added.length > 0)
  stateOf(first, 'first').setLocalState({ name: 'first' })
  await seen
  t.is(stateOf(second, 'second').getStates().size, stateOf(second, 'second').getLocalState() === null ? 0 : 1)
})

test('offsets_of_awareness_are_not_those_of_the_document', async (t) => {
  const server = await PublishedServer.start(t)
  const { provider, text } = await openSynced(t, server)
  const watcher = await openSynced(t, server)
  const state = provider.getDocState('doc')!
  const seen = watcher.provider.getDocState('doc')!.awareness
  text.insert(0, 'a')
  await provider.flush()
  const { offset } = state
  const isAwareness = (record: LogRecord) => record.event === wire.AWARENESS
  while (server.log.filter(isAwareness).length <= Number(offset) + 5) {
    const count = server.log.length
    state.awareness.setLocalState({ count })
    await until(seen, 'change', () => [...seen.getStates().values()].some((it: any) => it?.count === count))
  }
  await provider.flush()
  const newestOfLog = () => Math.max(...server.log.filter(isSync).map(({ position }) => position))
  const newest = newestOfLog()
  t.true(Number(state.offset) <= newest, `${state.offset}, and the newest record of the document is ${newest}`)
})

test('a_socket_without_its_room_in_the_handshake_is_thrown_out_and_ours_is_not', async (t) => {
  const server = await PublishedServer.start(t)
  await openSynced(t, server)
  t.is(server.refused, 0)
  const { io } = await import('socket.io-client')
  const socket = io(server.url, { transports: ['websocket'], forceNew: true })
  t.teardown(() => socket.close())
  const [reason] = await waitFor(socket, 'disconnect')
  t.is(reason, 'io server disconnect')
  t.is(server.refused, 1)
})
