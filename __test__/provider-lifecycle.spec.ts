import test from 'ava'

import { ProtocolManager, YDoc } from '../index.js'
import { BareServer, keepDocuments } from './support/bare-server.ts'
import { startGateway } from './support/gateway.ts'
import { openDoc, startProvider, whenStatus, whenSynced } from './support/provider.ts'
import { until, waitFor } from './support/wait.ts'
import { isStep1 } from './support/wire.ts'
import { YjsClient } from './support/yjs-client.ts'

const collectGarbage = (globalThis as unknown as { gc: () => void }).gc

test('there_is_never_more_than_one_socket_per_provider', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider, text } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  for (let cycle = 0; cycle < 10; cycle++) {
    const synced = waitFor(provider, 'synced', ({ state }) => state)
    const lost = waitFor(provider, 'status', ({ status }) => status === 'disconnected')
    if (cycle % 3 === 0) server.sockets[0].disconnect(true)
    else if (cycle % 3 === 1) server.sockets[0].conn.close()
    else provider.disconnect()
    provider.connect()
    provider.connect()
    await lost
    provider.connect()
    await synced
    text.push('.')
  }
  await provider.flush()
  t.deepEqual(
    server.sockets.map(({ id }) => id),
    [provider.socket.id]
  )
  // A socket that the server has not seen close yet may overlap with the next one, but never two.
  t.true(server.mostAtOnce <= 2)
  t.is(server.connections, 11)
})

test('destroy_closes_the_socket_at_the_server', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  const left = waitFor(server.sockets[0], 'disconnect')
  const closed = waitFor(provider, 'connection-close')
  provider.destroy()
  t.is((await closed)[0], 'io client disconnect')
  // Not 'client namespace disconnect': servers drop what they have not handled yet when they read that packet.
  t.is((await left)[0], 'transport close')
  t.is(provider.status, 'disconnected')
  t.is(provider.getDocState('doc')?.synced ?? false, false)
})

test('a_provider_that_nobody_holds_keeps_working_while_connected', async (t) => {
  const { url } = await startGateway(t)
  const doc = new YDoc()
  const heard: string[] = []
  let weak: WeakRef<ProtocolManager> | undefined
  t.teardown(() => weak?.deref()?.destroy())
  await (async () => {
    const provider = new ProtocolManager({ url, roomId: 'room' })
    weak = new WeakRef(provider)
    provider.addDoc(doc, { docId: 'doc' })
    provider.on('synced', ({ docId }) => heard.push(docId))
    await whenSynced(provider, 'doc')
  })()
  for (let round = 0; round < 5; round++) {
    collectGarbage()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const client = await YjsClient.connect(t, url)
  const { doc: copy } = await client.open('doc')
  doc.getText('body').insert(0, 'from nobody')
  await until(copy, 'update', () => copy.getText('body').toString() === 'from nobody')
  copy.getText('body').insert(0, 'to nobody, ')
  await until(doc, 'update', () => doc.getText('body').toString() === 'to nobody, from nobody')
  t.deepEqual(heard, ['doc'])
})

test('a_destroyed_provider_is_collected_with_its_listeners_and_documents', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const alive = await liveAfterGarbageCollection(async (watch) => {
    for (let index = 0; index < 20; index++) {
      const provider = new ProtocolManager({ url: server.url, roomId: 'room' })
      const doc = new YDoc()
      provider.addDoc(doc, { docId: 'doc' })
      // Both refer to themselves by their listeners.
      provider.on('status', () => provider.status)
      doc.on('update', () => doc.getText('body').length())
      await whenSynced(provider, 'doc')
      provider.destroy()
      await whenStatus(provider, 'disconnected')
      watch(provider)
      watch(doc)
    }
  })
  t.true(alive <= 2, `${alive} of 40 are alive`)
})

test('a_provider_that_never_connected_is_collected', async (t) => {
  const alive = await liveAfterGarbageCollection(async (watch) => {
    for (let index = 0; index < 20; index++) {
      const provider = new ProtocolManager({ url: 'ws://127.0.0.1:9', roomId: 'room', autoConnect: false })
      const doc = new YDoc()
      provider.addDoc(doc)
      provider.on('status', () => provider.status)
      watch(provider)
      watch(doc)
    }
  })
  t.true(alive <= 2, `${alive} of 40 are alive`)
})

test('a_removed_document_is_collected_while_its_provider_lives', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const provider = startProvider(t, server.url)
  const alive = await liveAfterGarbageCollection(async (watch) => {
    for (let index = 0; index < 20; index++) {
      const doc = new YDoc()
      provider.addDoc(doc, { docId: `doc-${index}` })
      await whenSynced(provider, `doc-${index}`)
      provider.removeDoc(doc)
      watch(doc)
    }
  })
  t.true(alive <= 2, `${alive} of 20 are alive`)
})

test('a_destroyed_provider_says_nothing_more', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider, doc } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  const [socket] = server.sockets
  const left = waitFor(socket, 'disconnect')
  provider.destroy()
  await left
  const before = server.frames.length
  doc.getText('body').insert(0, 'nobody hears this')
  const other = openDoc(t, server.url, 'other')
  await whenSynced(other.provider, 'other')
  t.false(server.frames.slice(before).some(({ metadata }) => metadata.docId === 'doc'))
  t.is(provider.getDocState('doc'), undefined)
})

test('a_hundred_providers_of_one_process_sync_side_by_side', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const opened = Array.from({ length: 100 }, (_, index) => openDoc(t, server.url, `doc-${index}`))
  await Promise.all(opened.map(({ provider }, index) => whenSynced(provider, `doc-${index}`)))
  t.is(server.connections, 100)
  t.is(server.mostAtOnce, 100)
  t.true(server.frames.filter(isStep1).length >= 100)
})

/** How many of the watched objects are still there when the collector has had its chances. */
async function liveAfterGarbageCollection(make: (watch: (object: object) => void) => Promise<void>): Promise<number> {
  const watched: WeakRef<object>[] = []
  await make((object) => watched.push(new WeakRef(object)))
  const alive = () => watched.filter((it) => it.deref() !== undefined).length
  // The driver's last messages come from other threads: turns of the loop, as many as it takes, but not for ever.
  const deadline = Date.now() + 10_000
  do {
    await new Promise((resolve) => setImmediate(resolve))
    collectGarbage()
  } while (alive() > 0 && Date.now() < deadline)
  return alive()
}
