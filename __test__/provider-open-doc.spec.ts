import test from 'ava'

import { encodeStateAsUpdate, YDoc } from '../index.js'
import { BareServer, keepDocuments } from './support/bare-server.ts'
import { startGateway } from './support/gateway.ts'
import { startProvider, whenStatus } from './support/provider.ts'
import { bounded } from './support/wait.ts'
import { YjsClient } from './support/yjs-client.ts'

test('resolves_with_a_document_that_holds_what_the_server_had', async (t) => {
  const { url } = await startGateway(t)
  const writer = startProvider(t, url)
  const written = await bounded(writer.openDoc('doc'), 'the first openDoc')
  t.true(written instanceof YDoc)
  t.is(written.guid, 'doc')
  written.getText('body').insert(0, 'hello')
  await writer.flush()
  const reader = startProvider(t, url)
  const read = await bounded(reader.openDoc('doc', { timeout: 10_000 }), 'the second openDoc')
  t.is(read.getText('body').toString(), 'hello')
  t.is(reader.getDocState('doc')!.doc, read)
  t.true(reader.getDocState('doc')!.synced)
})

test('begins_with_the_initial_state_and_brings_it_into_the_log', async (t) => {
  const { url } = await startGateway(t)
  const former = new YDoc()
  former.getText('body').insert(0, 'former run')
  const provider = startProvider(t, url)
  const opening = provider.openDoc('doc', { initialState: encodeStateAsUpdate(former), parentId: 'parent' })
  t.is(provider.getDocState('doc')!.doc.getText('body').toString(), 'former run', 'before anything is sent')
  t.is(provider.getDocState('doc')!.parentId, 'parent')
  const doc = await bounded(opening, 'openDoc')
  t.is(doc.getText('body').toString(), 'former run')
  await provider.flush()
  const { doc: copy } = await (await YjsClient.connect(t, url)).open('doc')
  t.is(copy.getText('body').toString(), 'former run', 'once, although the bot begins with it each time')
})

test('a_document_that_can_not_be_opened_is_not_added', async (t) => {
  const server = await BareServer.start(t)
  const provider = startProvider(t, server.url)
  await whenStatus(provider, 'connected')
  for (const [label, docId, options, code] of [
    ['nobody answers', 'doc', { timeout: 30 }, 'ERR_TIMEOUT'],
    ['an aborted signal', 'doc', { signal: AbortSignal.abort() }, 'ERR_ABORTED'],
    ['an initial state that is no update', 'doc', { initialState: Uint8Array.of(9, 9, 9) }, 'ERR_INVALID_UPDATE'],
    ['a timeout that is no number', 'doc', { timeout: 'long' as never }, 'ERR_INVALID_OPTION'],
    ['an empty id', '', {}, 'ERR_INVALID_OPTION'],
    ['an id that is no string', 5 as never, {}, 'ERR_INVALID_OPTION']
  ] as const) {
    await t.throwsAsync(bounded(provider.openDoc(docId, options), label), { code }, label)
    t.is(provider.getDocState('doc'), undefined, label)
  }
})

test('an_id_that_is_in_use_rejects_and_leaves_the_other_document_alone', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const provider = startProvider(t, server.url)
  const doc = await bounded(provider.openDoc('doc'), 'openDoc')
  await t.throwsAsync(provider.openDoc('doc'), { code: 'ERR_DOC_IN_USE' })
  t.is(provider.getDocState('doc')!.doc, doc)
  provider.destroy()
  await t.throwsAsync(provider.openDoc('other'), { code: 'ERR_DESTROYED' })
})
