import * as Next from '@y/y'
import test from 'ava'
import * as ywasm from 'ywasm'
import * as Y from 'yjs'

import { startGateway } from './support/gateway.ts'
import { startProvider, whenSynced } from './support/provider.ts'
import { until, waitFor } from './support/wait.ts'
import { docOf } from './support/wire.ts'
import { YjsClient } from './support/yjs-client.ts'

/** What the tests need of a document of any implementation. */
interface Implementation {
  readonly name: string
  readonly options: { crdt?: any }
  make(): any
  /** Calls back after every transaction, with its origin. */
  observe(doc: any, callback: (origin: unknown) => void): void
  text(doc: any): string
  insert(doc: any, index: number, chunk: string): void
  clientID(doc: any): number
  destroy(doc: any): void
}

const wasm = {
  make: () => new ywasm.YDoc({}),
  observe: (doc: ywasm.YDoc, callback: (origin: unknown) => void) =>
    void doc.onUpdate((_: Uint8Array, txn: ywasm.YTransaction) => callback(txn.origin)),
  text: (doc: ywasm.YDoc) => doc.getText('body').toString(undefined),
  insert: (doc: ywasm.YDoc, index: number, chunk: string) =>
    doc.getText('body').insert(index, chunk, undefined, undefined),
  clientID: (doc: ywasm.YDoc) => doc.id,
  // Only a subdocument of ywasm says that it is destroyed.
  destroy(doc: ywasm.YDoc) {
    new ywasm.YDoc({}).getMap('map').set('child', doc, undefined)
    doc.destroy(undefined)
  }
}

const IMPLEMENTATIONS: Implementation[] = [
  {
    name: 'yjs',
    options: { crdt: Y },
    make: () => new Y.Doc(),
    observe: (doc: Y.Doc, callback) => void doc.on('update', (_, origin) => callback(origin)),
    text: (doc: Y.Doc) => doc.getText('body').toString(),
    insert: (doc: Y.Doc, index, chunk) => doc.getText('body').insert(index, chunk),
    clientID: (doc: Y.Doc) => doc.clientID,
    destroy: (doc: Y.Doc) => doc.destroy()
  },
  {
    name: '@y/y',
    options: { crdt: Next },
    make: () => new Next.Doc(),
    observe: (doc: Next.Doc, callback) => void doc.on('update', (_: unknown, origin: unknown) => callback(origin)),
    text: (doc: Next.Doc) => docOf(Next.encodeStateAsUpdate(doc)).getText('body').toString(),
    insert: (doc: Next.Doc, index, chunk) => doc.get('body').insert(index, chunk as never),
    clientID: (doc: Next.Doc) => doc.clientID,
    destroy: (doc: Next.Doc) => doc.destroy()
  },
  { name: 'ywasm', options: {}, ...wasm },
  { name: 'ywasm_with_its_module', options: { crdt: ywasm }, ...wasm }
]

for (const it of IMPLEMENTATIONS) {
  test(`a_document_of_${it.name}_and_one_of_a_plain_client_meet`, async (t) => {
    const { url } = await startGateway(t)
    const client = await YjsClient.connect(t, url)
    const remote = (await client.open('doc')).doc
    const provider = startProvider(t, url)
    const doc = it.make()
    it.insert(doc, 0, 'before ')
    provider.addDoc(doc, { docId: 'doc', ...it.options })
    it.insert(doc, 7, 'after')
    t.true(provider.hasUnsyncedChanges)
    await provider.flush()
    await client.settled('doc')
    t.is(remote.getText('body').toString(), 'before after')
    const origins: unknown[] = []
    const arrived = new Promise<void>((resolve) =>
      it.observe(doc, (origin) => {
        origins.push(origin)
        resolve()
      })
    )
    remote.getText('body').insert(12, ' all')
    await arrived
    t.is(origins[0], provider)
    // Not inside of the event, in which a transaction of ywasm is still open.
    await new Promise((resolve) => setImmediate(resolve))
    t.is(it.text(doc), 'before after all')
    t.is(provider.getDocState('doc')?.doc, doc)
    t.is(origins.length, 1)
    t.false(provider.hasUnsyncedChanges)
    provider.removeDoc(doc)
    it.insert(doc, 0, 'not sent: ')
    t.false(provider.hasUnsyncedChanges)
  })

  test(`a_document_of_${it.name}_that_is_destroyed_is_removed`, async (t) => {
    const { url } = await startGateway(t)
    const provider = startProvider(t, url)
    const doc = it.make()
    provider.addDoc(doc, { docId: 'doc', ...it.options })
    it.insert(doc, 0, 'last words')
    it.destroy(doc)
    t.is(provider.getDocState('doc'), undefined)
    provider.addDoc(it.make(), { docId: 'doc', ...it.options })
    await provider.whenSynced('doc')
  })

  test(`the_awareness_of_a_document_of_${it.name}_has_its_client_id`, async (t) => {
    const { url } = await startGateway(t)
    const client = await YjsClient.connect(t, url)
    const { awareness } = await client.open('doc')
    const provider = startProvider(t, url)
    const doc = it.make()
    provider.addDoc(doc, { docId: 'doc', ...it.options })
    const own = provider.getDocState('doc')!.awareness
    t.is(own.doc as unknown, doc)
    own.setLocalState({ name: it.name })
    await until(awareness, 'update', () => awareness.getStates().has(it.clientID(doc)))
    t.deepEqual(awareness.getStates().get(it.clientID(doc)), { name: it.name })
  })
}

test('remote_changes_wait_for_an_open_transaction_of_ywasm', async (t) => {
  const { url } = await startGateway(t)
  const client = await YjsClient.connect(t, url)
  const remote = (await client.open('doc')).doc.getText('body')
  const provider = startProvider(t, url)
  const doc = new ywasm.YDoc({})
  provider.addDoc(doc, { docId: 'doc', crdt: ywasm })
  await whenSynced(provider, 'doc')
  const arrived = new Promise<void>((resolve) => {
    doc.onUpdate((_: Uint8Array, { origin }: ywasm.YTransaction) => origin === provider && resolve())
  })
  const warned = waitFor(process, 'warning', ({ name }) => name === 'YTransactionWarning')
  const txn = doc.beginTransaction(undefined)
  remote.insert(0, 'remote')
  await warned
  txn.commit()
  txn.free()
  doc.getMap('map').set('own', 1, undefined)
  await arrived
  await new Promise((resolve) => setImmediate(resolve))
  t.is(doc.getText('body').toString(undefined), 'remote')
})
