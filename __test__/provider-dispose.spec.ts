import test from 'ava'

import { ProtocolManager, YDoc } from '../index.js'
import { BareServer, keepDocuments } from './support/bare-server.ts'
import { startGateway } from './support/gateway.ts'
import { openDoc, startProvider, whenStatus } from './support/provider.ts'
import { bounded, waitFor } from './support/wait.ts'
import { isUpdate } from './support/wire.ts'
import { YjsClient } from './support/yjs-client.ts'

const destroyed = { code: 'ERR_DESTROYED' }

test('destroy_with_flush_ends_the_provider_after_the_last_edit_is_in_the_log', async (t) => {
  const server = await BareServer.start(t, {
    handle: (frame, it) => (isUpdate(frame) ? undefined : keepDocuments()(frame, it))
  })
  const { provider, text } = openDoc(t, server.url, 'doc')
  await provider.whenSynced('doc')
  text.insert(0, 'a')
  const end = provider.destroy({ flush: 20_000 })
  const { ack } = await server.frame(isUpdate)
  t.is(provider.status, 'connected', 'not before')
  t.notThrows(() => provider.connect())
  ack!({ ok: true, offset: '1' })
  t.is(await bounded(end, 'the end'), undefined)
  t.throws(() => provider.connect(), destroyed)
  t.false(provider.hasUnsyncedChanges)
})

test('destroy_with_flush_outlives_a_lost_connection', async (t) => {
  let count = 0
  const keep = keepDocuments()
  const server = await BareServer.start(t, {
    handle: (frame, it) => (isUpdate(frame) && count++ === 0 ? void frame.socket.conn.close() : keep(frame, it))
  })
  const { provider, text } = openDoc(t, server.url, 'doc')
  await provider.whenSynced('doc')
  text.insert(0, 'a')
  await bounded(provider.destroy({ flush: 20_000 }), 'the end')
  t.is(server.connections, 2)
})

test('destroy_with_flush_rejects_with_the_reason_and_ends_the_provider_all_the_same', async (t) => {
  const { provider, text } = openDoc(t, 'ws://127.0.0.1:9', 'doc', { autoConnect: false })
  text.insert(0, 'a')
  await t.throwsAsync(bounded(provider.destroy({ flush: 20 }), 'the end'), { code: 'ERR_TIMEOUT' })
  t.throws(() => provider.connect(), destroyed)
})

test('destroy_without_flush_overtakes_one_with_it', async (t) => {
  const server = await BareServer.start(t)
  const { provider, text } = openDoc(t, server.url, 'doc')
  text.insert(0, 'a')
  const ends = [provider.destroy({ flush: 20_000 }), provider.destroy({ flush: 20_000 })]
  t.is(provider.destroy(), undefined)
  for (const end of ends) await t.throwsAsync(bounded(end, 'the end'), destroyed)
  t.is(await bounded(provider.destroy({ flush: 20_000 }), 'one more'), undefined, 'does nothing')
})

test('a_provider_in_an_await_using_block_leaves_nothing_behind', async (t) => {
  const { url } = await startGateway(t)
  // The compiled form of `await using`, which not every Node of this package can read.
  const provider = new ProtocolManager({ url, roomId: 'room' })
  const doc = new YDoc()
  provider.addDoc(doc, { docId: 'doc' })
  doc.getText('body').insert(0, 'written')
  await bounded(provider[Symbol.asyncDispose](), 'the end of the block')
  t.throws(() => provider.connect(), destroyed)
  t.is((await (await YjsClient.connect(t, url)).open('doc')).doc.getText('body').toString(), 'written')
  await bounded(provider[Symbol.asyncDispose](), 'a second end')
})

test('destroy_with_nothing_to_flush_ends_at_once', async (t) => {
  const server = await BareServer.start(t)
  const { provider } = openDoc(t, server.url, 'doc')
  await whenStatus(provider, 'connected')
  const disconnected = waitFor(provider, 'status', ({ status }) => status === 'disconnected')
  await bounded(provider.destroy({ flush: 20_000 }), 'the end')
  await disconnected
  t.pass()
})

test('wrong_options_throw_and_destroy_nothing', (t) => {
  const provider = startProvider(t, 'ws://127.0.0.1:9', { autoConnect: false })
  for (const [label, options] of [
    ['no object', 5],
    ['a flush that is no number', { flush: true }]
  ] as const) {
    t.throws(() => provider.destroy(options as never), { instanceOf: TypeError, code: 'ERR_INVALID_OPTION' }, label)
  }
  t.notThrows(() => provider.connect())
})
