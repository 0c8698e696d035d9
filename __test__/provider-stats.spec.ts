import test from 'ava'

import { BareServer, keepDocuments } from './support/bare-server.ts'
import { openDoc, whenStatus } from './support/provider.ts'
import { waitFor } from './support/wait.ts'

const NOTHING = {
  documents: 0,
  unsyncedDocuments: 0,
  waitingBytes: 0,
  reconnects: 0,
  messagesSent: 0,
  bytesSent: 0,
  messagesReceived: 0,
  bytesReceived: 0
}

test('counts_documents_edits_reconnects_and_what_went_over_the_wire', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider, text } = openDoc(t, server.url, 'doc', { autoConnect: false })
  t.deepEqual(provider.stats(), { ...NOTHING, documents: 1 })
  text.insert(0, 'offline')
  await waitFor(provider, 'unsyncedChanges')
  t.like(provider.stats(), { unsyncedDocuments: 1, messagesSent: 0 })
  t.true(provider.stats().waitingBytes > 'offline'.length, 'in the outbox')
  provider.connect()
  await provider.flush()
  const first = provider.stats()
  t.like(first, { documents: 1, unsyncedDocuments: 0, waitingBytes: 0, reconnects: 0 })
  // OPEN and the answer to CONNECT at least, and what we sent for it.
  t.true(first.messagesReceived > 2 && first.bytesReceived > first.messagesReceived)
  t.true(first.messagesSent > 2 && first.bytesSent > first.messagesSent)

  const lost = waitFor(provider, 'status', ({ status }) => status !== 'connected')
  server.io.disconnectSockets(true)
  await lost
  await whenStatus(provider, 'connected')
  text.insert(0, 'x'.repeat(1000))
  await provider.flush()
  const second = provider.stats()
  t.is(second.reconnects, 1)
  t.true(second.bytesSent > first.bytesSent + 1000, 'counters go on over connections')
  provider.removeDoc('doc')
  t.is(provider.stats().documents, 0)
})
