import test from 'ava'

import { YDoc } from '../index.js'
import { BareServer, keepDocuments } from './support/bare-server.ts'
import { startGateway, temporaryFolder } from './support/gateway.ts'
import { openDoc, startProvider, whenStatus, whenSynced } from './support/provider.ts'
import { waitFor } from './support/wait.ts'
import { textUpdate, update } from './support/wire.ts'

test('goes_from_connecting_to_connected_to_disconnected_and_says_so_once_each', async (t) => {
  const { url } = await startGateway(t)
  const provider = startProvider(t, url)
  const seen: unknown[] = []
  provider.on('status', ({ status }) => {
    const { id, connected } = provider.socket
    seen.push([status, provider.status, connected, typeof id])
  })
  await whenStatus(provider, 'connected')
  provider.disconnect()
  await whenStatus(provider, 'disconnected')
  provider.connect()
  await whenStatus(provider, 'connected')
  // The getters agree with the event.
  const connecting = ['connecting', 'connecting', false, 'undefined']
  const connected = ['connected', 'connected', true, 'string']
  const disconnected = ['disconnected', 'disconnected', false, 'undefined']
  t.deepEqual(seen, [connecting, connected, disconnected, connecting, connected])
})

test('connects_at_the_end_of_the_tick_and_knows_the_first_document_in_its_handshake', async (t) => {
  const server = await BareServer.start(t)
  const provider = startProvider(t, server.url, { params: { custom: 'a b&c' } })
  t.is(provider.status, 'disconnected', 'not before the tick ends')
  provider.addDoc(new YDoc(), { docId: 'first', parentId: 'parent' })
  provider.addDoc(new YDoc(), { docId: 'second' })
  const { query } = (await server.socket()).handshake
  t.like(query, { roomId: 'room', docId: 'first', parentId: 'parent', custom: 'a b&c', EIO: '4' })
})

test('without_auto_connect_it_waits_for_connect', async (t) => {
  const server = await BareServer.start(t)
  const provider = startProvider(t, server.url, { autoConnect: false })
  await waitForTicks(3)
  t.is(provider.status, 'disconnected')
  t.is(server.connections, 0)
  provider.connect()
  t.is(provider.status, 'connecting')
  await whenStatus(provider, 'connected')
  t.is(server.connections, 1)
  t.is(provider.socket.id, server.sockets[0].id, 'the id is that of Socket.IO')
})

test('sends_the_token_and_the_auth_object_when_it_joins', async (t) => {
  const server = await BareServer.start(t)
  startProvider(t, server.url, { token: 'secret', socketOptions: { auth: { user: 'ada', token: 'older' } } })
  const { auth } = (await server.socket()).handshake
  t.deepEqual(auth, { user: 'ada', token: 'secret' })
})

test('reconnects_after_server_drop_with_a_new_socket_and_a_connecting_in_between', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  const first = provider.socket.id
  const seen: unknown[] = []
  provider.on('status', ({ status }) => seen.push(status))
  provider.on('synced', ({ docId, state }) => seen.push([docId, state]))
  provider.on('connection-close', (reason) => seen.push(reason))
  const again = waitFor(provider, 'synced', ({ state }) => state)
  server.sockets[0].conn.close()
  await again
  t.not(provider.socket.id, first)
  const expected = ['transport close', 'disconnected', ['doc', false], 'connecting', 'connected', ['doc', true]]
  t.deepEqual(seen, expected)
  t.is(server.mostAtOnce, 1)
})

test('reconnects_although_the_server_disconnected_it', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  const closed = waitFor(provider, 'connection-close')
  const again = waitFor(provider, 'synced', ({ state }) => state)
  server.sockets[0].disconnect(true)
  t.is((await closed)[0], 'io server disconnect')
  await again
  t.is(server.connections, 2)
})

test('every_failed_attempt_is_a_connection_error_and_the_last_one_ends_in_disconnected', async (t) => {
  const server = await BareServer.start(t)
  const { url } = server
  await new Promise<void>((resolve) => server.io.close(() => resolve()))
  const provider = startProvider(t, url, { socketOptions: { reconnectionAttempts: 2 } })
  const seen: unknown[] = []
  provider.on('status', ({ status }) => seen.push(status))
  provider.on('connection-error', (error) => seen.push([error.code, error.willRetry]))
  await waitFor(provider, 'status', ({ status }) => status === 'disconnected')
  const failed = (willRetry: boolean) => ['ERR_CONNECTION', willRetry]
  t.deepEqual(seen, ['connecting', failed(true), failed(true), failed(false), 'disconnected'])
})

test('synced_alternates_strictly_over_connect_and_disconnect_cycles', async (t) => {
  const { url } = await startGateway(t)
  const { provider } = openDoc(t, url, 'doc')
  const states: unknown[] = []
  provider.on('synced', ({ docId, state }) => states.push([docId, state, provider.getDocState(docId)?.synced]))
  for (let cycle = 0; cycle < 5; cycle++) {
    await whenSynced(provider, 'doc')
    provider.disconnect()
    await whenStatus(provider, 'disconnected')
    t.false(provider.getDocState('doc')?.synced)
    provider.connect()
  }
  await whenSynced(provider, 'doc')
  const alternating = Array.from({ length: 11 }, (_, index) => index % 2 === 0)
  t.deepEqual(
    states,
    alternating.map((state) => ['doc', state, state])
  )
})

test('a_quick_disconnect_and_connect_ends_connected_with_one_socket', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider } = openDoc(t, server.url, 'doc')
  for (let cycle = 0; cycle < 20; cycle++) {
    provider.disconnect()
    provider.connect()
  }
  await whenSynced(provider, 'doc')
  t.is(provider.status, 'connected')
  t.deepEqual(
    server.sockets.map(({ id }) => id),
    [provider.socket.id]
  )
})

test('a_connect_while_connected_syncs_anew_without_a_status', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  const seen: unknown[] = []
  provider.on('status', (event) => seen.push(event))
  const before = server.frames.length
  provider.connect()
  await server.frame(({ payload }) => payload[0] === 0 && payload[1] === 0, before)
  t.is(server.connections, 1)
  t.deepEqual(seen, [])
})

test('synced_waits_for_step_2_of_the_server', async (t) => {
  const server = await BareServer.start(t)
  const { provider } = openDoc(t, server.url, 'doc')
  const seen: unknown[] = []
  provider.on('synced', (event) => seen.push(event))
  const { socket } = await server.frame(({ payload }) => payload[0] === 0 && payload[1] === 0)
  // An update is no answer; when it has been applied, a premature event would have been there.
  const updated = waitFor(provider, 'message-sync')
  server.send({ docId: 'doc' }, update(textUpdate('x')))
  await updated
  t.false(provider.getDocState('doc')?.synced)
  socket.disconnect(true)
  await waitFor(provider, 'status', ({ status }) => status === 'disconnected')
  t.deepEqual(seen, [], 'nor is its loss told')
})

test('documents_are_added_before_during_and_after_connecting', async (t) => {
  const { url } = await startGateway(t)
  const provider = startProvider(t, url, { autoConnect: false })
  const loaded: string[] = []
  provider.on('doc-loaded', (docId) => loaded.push(docId))
  provider.addDoc(new YDoc(), { docId: 'before' })
  provider.connect()
  provider.addDoc(new YDoc(), { docId: 'during' })
  await Promise.all([whenSynced(provider, 'before'), whenSynced(provider, 'during')])
  provider.addDoc(new YDoc({ guid: 'after' }))
  await whenSynced(provider, 'after')
  t.deepEqual(loaded, ['before', 'during', 'after'])
})

test('documents_are_removed_before_during_and_after_connecting', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const provider = startProvider(t, server.url, { autoConnect: false })
  const [before, during, kept] = ['before', 'during', 'kept'].map((guid) => new YDoc({ guid }))
  provider.addDoc(before)
  provider.removeDoc(before)
  provider.addDoc(during)
  provider.addDoc(kept)
  provider.connect()
  provider.removeDoc('during')
  await whenSynced(provider, 'kept')
  t.deepEqual([...new Set(server.frames.map(({ metadata }) => metadata.docId))], ['kept'])
  t.is(provider.getDocState('during'), undefined)
  t.notThrows(() => provider.removeDoc('during'), 'one that is not here is no error')

  provider.removeDoc(kept)
  t.is(provider.getDocState('kept'), undefined)
  const before2 = server.frames.length
  kept.getText('body').insert(0, 'nobody hears this')
  provider.addDoc(new YDoc(), { docId: 'kept' })
  await server.frame(({ metadata, payload }) => metadata.docId === 'kept' && payload[1] === 0, before2)
  t.false(server.frames.slice(before2).some(({ payload }) => payload[0] === 0 && payload[1] === 2))
})

test('fifty_documents_are_synced_over_one_connection', async (t) => {
  const { url, gateway } = await startGateway(t)
  const docIds = Array.from({ length: 50 }, (_, index) => `doc-${index}`)
  const first = startProvider(t, url)
  for (const docId of docIds) {
    const doc = new YDoc()
    first.addDoc(doc, { docId })
    doc.getText('body').insert(0, docId)
  }
  await first.flush()

  const second = startProvider(t, url)
  const docs = docIds.map((docId) => {
    const doc = new YDoc()
    second.addDoc(doc, { docId })
    return doc
  })
  await Promise.all(docIds.map((docId) => whenSynced(second, docId)))
  t.deepEqual(
    docs.map((doc) => doc.getText('body').toString()),
    docIds
  )
  t.is(gateway.io.sockets.sockets.size, 2)
})

test('the_state_of_a_document_is_one_object_kept_up_to_date', async (t) => {
  const { url } = await startGateway(t)
  const { provider, doc, text } = openDoc(t, url, 'doc')
  const state = provider.getDocState('doc')!
  t.is(state.doc, doc)
  t.is(state.docId, 'doc')
  t.is(state.parentId, undefined)
  t.deepEqual([state.synced, state.offset], [false, undefined])
  t.is(typeof state.awareness.getStates, 'function')
  t.is(provider.getDocState('other'), undefined)
  await whenSynced(provider, 'doc')
  t.true(state.synced)
  text.insert(0, 'a')
  await provider.flush()
  const first = BigInt(state.offset!)
  text.insert(0, 'b')
  await provider.flush()
  t.true(BigInt(state.offset!) > first, 'the edit is a later record of the log')
  t.is(provider.getDocState('doc'), state)
})

test('offsets_survive_a_restart_of_the_gateway_on_its_log', async (t) => {
  const data = await temporaryFolder(t)
  const { url, gateway } = await startGateway(t, { data })
  const writer = openDoc(t, url, 'doc')
  await whenSynced(writer.provider, 'doc')
  writer.text.insert(0, 'a')
  await writer.provider.flush()
  const { offset } = writer.provider.getDocState('doc')!
  t.regex(String(offset), /^\d+$/)
  writer.provider.destroy()
  await gateway.close()

  const restarted = await startGateway(t, { data })
  const reader = openDoc(t, restarted.url, 'doc')
  await whenSynced(reader.provider, 'doc')
  t.is(reader.text.toString(), 'a')
  // Not less; it may be more, as an answer to the gateway's step 1 can bring the same edit into the log once more.
  t.true(BigInt(reader.provider.getDocState('doc')!.offset!) >= BigInt(offset!))
})

test('a_document_sits_in_two_rooms_and_carries_edits_over', async (t) => {
  const { url } = await startGateway(t)
  const doc = new YDoc()
  for (const roomId of ['one', 'two']) {
    const provider = startProvider(t, url, { roomId })
    provider.addDoc(doc, { docId: 'doc' })
    await whenSynced(provider, 'doc')
  }
  const inOne = openDoc(t, url, 'doc', { roomId: 'one' })
  const inTwo = openDoc(t, url, 'doc', { roomId: 'two' })
  await Promise.all([whenSynced(inOne.provider, 'doc'), whenSynced(inTwo.provider, 'doc')])
  const arrived = waitFor(inTwo.doc, 'update', () => inTwo.text.toString() === 'over')
  inOne.text.insert(0, 'over')
  await arrived
  t.is(doc.getText('body').toString(), 'over')
})

async function waitForTicks(count: number): Promise<void> {
  for (let tick = 0; tick < count; tick++) await new Promise((resolve) => setImmediate(resolve))
}

test('reconnect_failed_tells_the_last_error_before_the_status_disconnected', async (t) => {
  const { gateway, url } = await startGateway(t)
  const provider = startProvider(t, url, { socketOptions: { reconnectionAttempts: 2, reconnectionDelay: 10 } })
  await whenStatus(provider, 'connected')
  const story: string[] = []
  provider.on('connection-error', (error) => story.push(error.code))
  provider.on('reconnect-failed', (error) => story.push(`failed ${error.code}`))
  provider.on('status', ({ status }) => story.push(status))
  const failed = waitFor(provider, 'reconnect-failed')
  await gateway.close()
  await failed
  if (provider.status !== 'disconnected') await waitFor(provider, 'status')
  t.deepEqual(story.slice(-4), ['ERR_CONNECTION', 'ERR_CONNECTION', 'failed ERR_CONNECTION', 'disconnected'])
})
