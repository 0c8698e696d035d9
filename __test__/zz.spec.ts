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

test('what_was_said_before_the_handlers_were_there_is_said_again', async (t) => {
  const { opened, open } = gate()
  const server = await PublishedServer.start(t, { hydrated: () => opened })
  const peerGate = waitFor(server, 'lost')
  const { provider, text, doc } = openDoc(t, server.url, 'doc')
  const ours = provider.getDocState('doc')!.awareness
  ours.setLocalState({ name: 'early' })
  text.insert(0, 'early')
  await peerGate
  await waitFor(server, 'lost', (event) => event === wire.AWARENESS)
  t.is(server.log.length, 0)
  open(); const T=Date.now(); server.on('record', r=>console.log(Date.now()-T, r.event.slice(-9), [...r.payload.slice(0,3)], r.offset)); provider.on('synced',e=>console.log(Date.now()-T,'synced',e.state)); provider.on('error',e=>console.log(e))
  await provider.flush(); console.log(Date.now()-T,'flushed')
  console.log('ws');await whenSynced(provider, 'doc')
  console.log(Date.now()-T,'synced');const { payload } = await server.record(isUpdate)
  t.is(wire.docOf(wire.body(payload)).getText('body').toString(), 'early')
  await server.record((record) => wire.isAwareness(record))
  t.is(doc.getText('body').toString(), 'early')
})

