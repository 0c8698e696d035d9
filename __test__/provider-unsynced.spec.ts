import test from 'ava'

import { type ProtocolManager, YDoc } from '../index.js'
import { BareServer, keepDocuments } from './support/bare-server.ts'
import { startGateway } from './support/gateway.ts'
import { openDoc, startProvider, whenStatus } from './support/provider.ts'
import { waitFor } from './support/wait.ts'
import { isUpdate } from './support/wire.ts'

/** What the provider tells from now on, as `doc+` and `doc-`. */
function changes(provider: ProtocolManager): string[] {
  const told: string[] = []
  provider.on('unsyncedChanges', ({ docId, state }) => told.push(`${docId}${state ? '+' : '-'}`))
  return told
}

test('is_true_from_the_edit_until_the_log_has_it', async (t) => {
  const { url } = await startGateway(t)
  const { provider, text } = openDoc(t, url, 'doc')
  const told = changes(provider)
  await provider.whenSynced('doc')
  t.false(provider.hasUnsyncedChanges)
  text.insert(0, 'a')
  t.true(provider.hasUnsyncedChanges, 'in the tick of the edit')
  await provider.flush()
  t.false(provider.hasUnsyncedChanges, 'as soon as the flush is done')
  t.deepEqual(told, ['doc+', 'doc-'])
  text.insert(1, 'b')
  t.true(provider.hasUnsyncedChanges)
  await waitFor(provider, 'unsyncedChanges', ({ state }) => !state)
  t.false(provider.hasUnsyncedChanges)
  t.deepEqual(told, ['doc+', 'doc-', 'doc+', 'doc-'])
})

test('every_document_has_events_of_its_own', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const provider = startProvider(t, server.url)
  const told = changes(provider)
  const texts = ['a', 'b'].map((docId) => {
    const doc = new YDoc()
    provider.addDoc(doc, { docId })
    return doc.getText('body')
  })
  await Promise.all([provider.whenSynced('a'), provider.whenSynced('b')])
  texts[1].insert(0, 'x')
  await provider.flush()
  t.deepEqual(told, ['b+', 'b-'])
})

test('edits_made_offline_are_unsynced_until_the_reconnect', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider, text } = openDoc(t, server.url, 'doc', { autoConnect: false })
  const told = changes(provider)
  t.false(provider.hasUnsyncedChanges)
  text.insert(0, 'a')
  text.insert(0, 'b')
  t.true(provider.hasUnsyncedChanges)
  await waitFor(provider, 'unsyncedChanges', ({ state }) => state)
  provider.connect()
  await provider.flush()
  t.false(provider.hasUnsyncedChanges)
  t.deepEqual(told, ['doc+', 'doc-'])
})

test('content_of_before_is_unsynced_until_the_server_has_it', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const provider = startProvider(t, server.url)
  const doc = new YDoc()
  doc.getText('body').insert(0, 'before')
  provider.addDoc(doc, { docId: 'doc' })
  t.true(provider.hasUnsyncedChanges)
  await provider.flush()
  t.false(provider.hasUnsyncedChanges)
})

test('a_refused_edit_stays_unsynced', async (t) => {
  const keep = keepDocuments()
  const server = await BareServer.start(t, {
    handle: (frame, it) => (isUpdate(frame) ? frame.ack!({ ok: false, code: 'bad-message' }) : keep(frame, it))
  })
  const { provider, text } = openDoc(t, server.url, 'doc')
  const told = changes(provider)
  await provider.whenSynced('doc')
  text.insert(0, 'a')
  await t.throwsAsync(provider.flush(), { code: 'ERR_REFUSED' })
  t.true(provider.hasUnsyncedChanges)
  t.deepEqual(told, ['doc+'])
})

test('a_reader_has_unsynced_edits_only_when_it_edits', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider, text } = openDoc(t, server.url, 'doc', { readOnly: true })
  await provider.whenSynced('doc')
  t.false(provider.hasUnsyncedChanges)
  text.insert(0, 'a')
  t.true(provider.hasUnsyncedChanges)
})

test('a_destroyed_provider_still_tells_whether_its_edits_got_through', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider, text } = openDoc(t, server.url, 'doc')
  await provider.whenSynced('doc')
  text.insert(0, 'a')
  const done = waitFor(provider, 'unsyncedChanges', ({ state }) => !state)
  provider.destroy()
  t.true(provider.hasUnsyncedChanges)
  await done
  t.false(provider.hasUnsyncedChanges)
  const mute = await BareServer.start(t)
  const lost = openDoc(t, mute.url, 'doc', { autoConnect: false })
  lost.text.insert(0, 'a')
  lost.provider.destroy()
  await whenStatus(lost.provider, 'disconnected')
  t.true(lost.provider.hasUnsyncedChanges)
})
