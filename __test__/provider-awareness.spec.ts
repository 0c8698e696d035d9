import test from 'ava'

import { Awareness, ProtocolManager, YDoc } from '../index.js'
import { applyAwarenessUpdate, Awareness as YAwareness, encodeAwarenessUpdate } from 'y-protocols/awareness'
import * as Y from 'yjs'

import { BareServer, keepDocuments } from './support/bare-server.ts'
import { startGateway } from './support/gateway.ts'
import { openDoc, startProvider, whenStatus, whenSynced } from './support/provider.ts'
import { until, waitFor } from './support/wait.ts'
import { AWARENESS, awareness, body, CONTROL, isAwareness, isQuery, message, queryAwareness } from './support/wire.ts'
import { YjsClient } from './support/yjs-client.ts'

test('states_are_relayed_both_ways_between_native_and_yjs_clients', async (t) => {
  const { url } = await startGateway(t)
  const native = openDoc(t, url, 'doc')
  const ours = native.provider.getDocState('doc')!.awareness
  await whenSynced(native.provider, 'doc')
  const client = await YjsClient.connect(t, url)
  const { awareness: theirs, doc } = await client.open('doc')

  const seen = until(theirs, 'change', () => theirs.getStates().get(native.doc.id)?.name === 'bot')
  ours.setLocalState({ name: 'bot', cursor: null })
  await seen
  t.deepEqual(theirs.getStates().get(native.doc.id), { name: 'bot', cursor: null })

  const seenByUs = until(ours, 'change', () => ours.getStates().get(doc.clientID)?.name === 'grüße 🚀')
  theirs.setLocalState({ name: 'grüße 🚀' })
  await seenByUs
  t.deepEqual(ours.getStates().get(doc.clientID), { name: 'grüße 🚀' })

  const changed = until(theirs, 'change', () => theirs.getStates().get(native.doc.id)?.cursor === 5)
  ours.setLocalStateField('cursor', 5)
  await changed
  t.deepEqual(theirs.getStates().get(native.doc.id), { name: 'bot', cursor: 5 })
})

test('who_comes_later_sees_who_was_there', async (t) => {
  const { url } = await startGateway(t)
  const client = await YjsClient.connect(t, url)
  const { awareness: theirs, doc } = await client.open('doc')
  theirs.setLocalState({ name: 'early' })
  await client.settled('doc')
  const native = openDoc(t, url, 'doc')
  const ours = native.provider.getDocState('doc')!.awareness
  await until(ours, 'change', () => ours.getStates().has(doc.clientID))
  t.deepEqual([...ours.getStates().entries()], [[doc.clientID, { name: 'early' }]])
})

for (const [how, leave] of [
  ['disconnect', (provider: ProtocolManager) => provider.disconnect()],
  ['destroy', (provider: ProtocolManager) => provider.destroy()],
  ['remove_doc', (provider: ProtocolManager) => provider.removeDoc('doc')]
] as const) {
  test(`our_state_is_gone_for_others_after_${how}`, async (t) => {
    // A bare server: the gateway would remove the state on its own.
    const server = await BareServer.start(t, { handle: keepDocuments() })
    const { provider, doc } = openDoc(t, server.url, 'doc')
    const ours = provider.getDocState('doc')!.awareness
    ours.setLocalState({ name: 'bot' })
    await whenSynced(provider, 'doc')
    const arrived = await server.frame(isAwareness)
    const theirs = new YAwareness(new Y.Doc())
    t.teardown(() => theirs.destroy())
    applyAwarenessUpdate(theirs, body(arrived.payload), 'test')
    t.deepEqual(theirs.getStates().get(doc.id), { name: 'bot' })
    const before = server.frames.length
    leave(provider)
    // A renewal may still have been on its way.
    await server.frame((frame) => {
      if (isAwareness(frame)) applyAwarenessUpdate(theirs, body(frame.payload), 'test')
      return !theirs.getStates().has(doc.id)
    }, before)
    t.false(theirs.getStates().has(doc.id))
  })
}

test('our_state_is_announced_again_after_a_reconnect_with_a_newer_clock', async (t) => {
  const { url, gateway } = await startGateway(t)
  const native = openDoc(t, url, 'doc')
  const ours = native.provider.getDocState('doc')!.awareness
  ours.setLocalState({ name: 'bot' })
  const client = await YjsClient.connect(t, url)
  const { awareness: theirs } = await client.open('doc')
  const has = () => theirs.getStates().has(native.doc.id)
  await until(theirs, 'change', has)
  const gone = until(theirs, 'change', () => !has())
  gateway.io.sockets.sockets.get(native.provider.socket.id!)!.conn.close()
  await gone
  await until(theirs, 'change', has)
  t.deepEqual(ours.getLocalState(), { name: 'bot' })
})

test('states_of_others_are_gone_when_the_connection_is', async (t) => {
  const { url } = await startGateway(t)
  const client = await YjsClient.connect(t, url)
  const { awareness: theirs, doc } = await client.open('doc')
  theirs.setLocalState({ name: 'other' })
  const native = openDoc(t, url, 'doc')
  const ours = native.provider.getDocState('doc')!.awareness
  ours.setLocalState({ name: 'bot' })
  await until(ours, 'change', () => ours.getStates().has(doc.clientID))
  const removed = waitFor<[{ removed: number[] }, unknown]>(ours, 'change', (changes) =>
    changes.removed.includes(doc.clientID)
  )
  native.provider.disconnect()
  const [, origin] = await removed
  t.is(origin, native.provider)
  t.deepEqual([...ours.getStates().keys()], [native.doc.id], 'our own stays')

  native.provider.connect()
  await until(ours, 'change', () => ours.getStates().has(doc.clientID))
  const leftWhileConnected = waitFor(ours, 'change', (changes) => changes.removed.includes(doc.clientID))
  client.close()
  await leftWhileConnected
  t.deepEqual([...ours.getStates().keys()], [native.doc.id])
})

test('asks_who_is_there_and_answers_who_asks', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider, doc } = openDoc(t, server.url, 'doc')
  provider.getDocState('doc')!.awareness.setLocalState({ name: 'bot' })
  await whenSynced(provider, 'doc')
  await server.frame(isQuery)
  await server.frame(isAwareness)
  for (const event of [AWARENESS, CONTROL]) {
    const before = server.frames.length
    server.send({ docId: 'doc', senderId: 'somebody' }, queryAwareness(), event)
    const answer = await server.frame(isAwareness, before)
    const theirs = new YAwareness(new Y.Doc())
    t.teardown(() => theirs.destroy())
    applyAwarenessUpdate(theirs, body(answer.payload), 'test')
    t.deepEqual(theirs.getStates().get(doc.id), { name: 'bot' }, event)
  }
})

test('listeners_are_told_the_origin', async (t) => {
  const { url } = await startGateway(t)
  const native = openDoc(t, url, 'doc')
  const ours = native.provider.getDocState('doc')!.awareness
  await whenSynced(native.provider, 'doc')
  const origins: unknown[] = []
  ours.on('change', ({ added, updated, removed }, origin) => {
    origins.push([added.length, updated.length, removed.length, origin === native.provider ? 'provider' : origin])
  })
  ours.setLocalState({ name: 'bot' })
  ours.setLocalStateField('name', 'robot')
  const client = await YjsClient.connect(t, url)
  const { awareness: theirs, doc } = await client.open('doc')
  const arrived = until(ours, 'change', () => ours.getStates().has(doc.clientID))
  theirs.setLocalState({ name: 'yjs' })
  await arrived
  ours.setLocalState(null)
  const expected = [
    [1, 0, 0, 'local'],
    [0, 1, 0, 'local'],
    [1, 0, 0, 'provider'],
    [0, 0, 1, 'local']
  ]
  t.deepEqual(origins, expected)
})

test('remote_states_are_never_sent_back', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider, doc } = openDoc(t, server.url, 'doc')
  const ours = provider.getDocState('doc')!.awareness
  await whenSynced(provider, 'doc')
  const other = new YAwareness(new Y.Doc())
  t.teardown(() => other.destroy())
  other.setLocalState({ name: 'other' })
  const arrived = waitFor(ours, 'change')
  server.send({ docId: 'doc' }, awareness(encodeAwarenessUpdate(other, [other.clientID])), AWARENESS)
  await arrived
  ours.setLocalState({ name: 'bot' })
  const frame = await server.frame(isAwareness)
  const third = new YAwareness(new Y.Doc())
  t.teardown(() => third.destroy())
  third.setLocalState(null)
  applyAwarenessUpdate(third, body(frame.payload), 'test')
  t.deepEqual([...third.getStates().keys()], [doc.id])
})

test('an_awareness_of_the_user_is_used_in_place_of_a_new_one', async (t) => {
  const { url } = await startGateway(t)
  const provider = startProvider(t, url)
  const doc = new YDoc()
  const own = new Awareness(doc)
  own.setLocalState({ name: 'set before' })
  provider.addDoc(doc, { docId: 'doc', awareness: own })
  t.is(provider.getDocState('doc')!.awareness, own)
  const { awareness: theirs } = await (await YjsClient.connect(t, url)).open('doc')
  await until(theirs, 'change', () => theirs.getStates().has(doc.id))
  t.deepEqual(theirs.getStates().get(doc.id), { name: 'set before' })
  await whenStatus(provider, 'connected')
  for (const wrong of [{}, 'awareness', new YAwareness(new Y.Doc())]) {
    const add = () => provider.addDoc(new YDoc(), { docId: 'other', awareness: wrong as never })
    t.throws(add, { code: 'ERR_INVALID_OPTION', message: /^awareness: / })
    if (wrong instanceof YAwareness) wrong.destroy()
  }
})

test('a_state_without_json_form_is_refused', (t) => {
  const own = new Awareness(new YDoc())
  const cycle: Record<string, unknown> = {}
  cycle.self = cycle
  for (const [label, state] of [
    ['function', () => {}],
    ['symbol', Symbol('x')],
    ['cycle', cycle],
    ['bigint', 1n]
  ]) {
    t.throws(() => own.setLocalState(state), undefined, label as string)
  }
  t.throws(() => own.setLocalState(() => {}), { code: 'ERR_UNSUPPORTED_VALUE' })
  t.is(own.getLocalState(), null)
})

test('garbage_on_the_awareness_channel_is_an_error_event_and_no_more', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider } = openDoc(t, server.url, 'doc')
  const ours = provider.getDocState('doc')!.awareness
  await whenSynced(provider, 'doc')
  const failed = waitFor(provider, 'error')
  server.send(
    { docId: 'doc' },
    message(1, () => {}),
    AWARENESS
  )
  t.like((await failed)[0], { docId: 'doc', code: 'ERR_INVALID_MESSAGE' })
  const failedInside = waitFor(provider, 'error')
  server.send({ docId: 'doc' }, awareness(Uint8Array.of(1, 5, 1, 3, 0x7b, 0x7b, 0x7b)), AWARENESS)
  t.is((await failedInside)[0].docId, 'doc')
  const other = new YAwareness(new Y.Doc())
  t.teardown(() => other.destroy())
  other.setLocalState({ name: 'other' })
  const arrived = waitFor(ours, 'change')
  server.send({ docId: 'doc' }, awareness(encodeAwarenessUpdate(other, [other.clientID])), AWARENESS)
  await arrived
  t.deepEqual(ours.getStates().get(other.clientID), { name: 'other' })
})
