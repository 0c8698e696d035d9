import test, { type ExecutionContext } from 'ava'
import * as Y from 'yjs'
import type { Fanout } from '../src/channel.js'
import { Document, type DocumentContext } from '../src/document.js'
import { encodeEnvelope } from '../src/envelope.js'
import { LevelLogStore } from '../src/index.js'
import { encodeMessage } from '../src/message.js'
import { parseUpdate } from '../src/update.js'
import { ControlledStore } from './support/controlled-store.js'
import { textUpdate } from './support/client.js'

const ID = { roomId: 'room', docId: 'doc' }

async function openContext(t: ExecutionContext, limits: DocumentContext['limits']) {
  const store = await ControlledStore.open()
  const errors: string[] = []
  const context: DocumentContext = {
    store,
    limits,
    fanout: { broadcast: () => {} } as unknown as Fanout,
    report: (error, where) => errors.push(`${where}: ${String(error)}`),
    hold: () => () => {}
  }
  t.teardown(() => store.close())
  return { store, errors, context }
}

const write = (document: Document, bytes: Uint8Array) => document.write(parseUpdate(bytes), ID)

const recordsIn = async (store: LevelLogStore) => {
  let count = 0
  for await (const _ of store.read(ID, 0n)) count++
  return count
}

test('a record that cannot be read is reported, skipped, and never deleted by a snapshot', async (t) => {
  const { store, errors, context } = await openContext(t, { snapshotUpdates: 1, snapshotBytes: 1 })
  await store.append(ID, Uint8Array.of(1, 2, 3))
  await store.append(ID, encodeEnvelope(ID, encodeMessage({ type: 'update', update: textUpdate('hello') })))
  const document = await Document.load(ID, context)
  t.is(document.offset, 1n)
  const copy = new Y.Doc()
  Y.applyUpdate(copy, document.difference(Uint8Array.of(0)))
  t.is(copy.getText('body').toString(), 'hello')
  t.is(errors.length, 1)
  t.regex(errors[0]!, /record 0 of/)
  await write(document, textUpdate('more'))
  document.close()
  await store.close()
  t.deepEqual(store.snapshots, [])
})

test('an update too deep for the stack of yjs is reported and harms nobody', async (t) => {
  const { store, errors, context } = await openContext(t, { snapshotUpdates: 10, snapshotBytes: 8 * 1024 * 1024 })
  const document = await Document.load(ID, context)
  const deep = new Y.Doc()
  deep.transact(() => {
    let list = deep.getArray('list')
    for (let depth = 0; depth < 30_000; depth++) {
      const inner = new Y.Array()
      list.insert(0, [inner])
      list = inner
    }
  })
  await write(document, Y.encodeStateAsUpdate(deep))
  await write(document, deletionOfFirst(deep.clientID))
  const after = textUpdate('still here')
  await write(document, after)
  t.true(document.contains(parseUpdate(after)))
  t.is(errors.length, 1)
  t.is(await recordsIn(store), 3)
  document.close()
})

test('a large document is snapshotted only after it has grown by a part of its size', async (t) => {
  const { store, context } = await openContext(t, { snapshotUpdates: 1, snapshotBytes: 1 })
  const document = await Document.load(ID, context)
  await write(document, textUpdate('x'.repeat(20_000)))
  t.is(store.snapshots.length, 1)
  for (let i = 0; i < 10; i++) await write(document, textUpdate('y'))
  t.is(store.snapshots.length, 1)
  await write(document, textUpdate('x'.repeat(5000)))
  t.is(store.snapshots.length, 2)
  document.close()
})

/** An update without structs that deletes the first item of a client. */
function deletionOfFirst(client: number): Uint8Array {
  const bytes = [0, 1]
  for (let rest = client; ; rest = Math.floor(rest / 128)) {
    bytes.push(rest > 127 ? (rest % 128) | 128 : rest)
    if (rest <= 127) break
  }
  return Uint8Array.of(...bytes, 1, 0, 1)
}
