import test, { type ExecutionContext } from 'ava'
import * as Y from 'yjs'
import { type LogRecord, type LogStore, type SnapshotStore } from '../../src/index.js'
import { body, textUpdate } from './client.js'

export type Store = LogStore & SnapshotStore

/** Two documents whose records share one log. */
export const A = { roomId: 'room', docId: 'a' }
export const B = { roomId: 'room', docId: 'b' }

export const value = (text: string) => new TextEncoder().encode(text)
export const show = ({ offset, value }: LogRecord) => `${offset}:${new TextDecoder().decode(value)}`

export async function shown(records: AsyncIterable<LogRecord>): Promise<string[]> {
  const result: string[] = []
  for await (const record of records) result.push(show(record))
  return result
}

/** The contract of LogStore and SnapshotStore, for every implementation. `openStore` opens an empty one. */
export function logStoreContract(label: string, openStore: (t: ExecutionContext) => Promise<Store>): void {
  const contract = (title: string, body: (t: ExecutionContext, store: Store) => Promise<void>) => {
    test(`${label}: ${title}`, async (t) => {
      const store = await openStore(t)
      try {
        await body(t, store)
      } finally {
        await store.close()
      }
    })
  }

  contract('appends get rising offsets in call order, across the documents of a room', async (t, store) => {
    const appends = ['1', '2', '3', '4'].map((text, i) => store.append(i % 2 === 0 ? A : B, value(text)))
    const positions = await Promise.all(appends)
    t.deepEqual(
      positions.map(({ offset }) => offset),
      [0n, 1n, 2n, 3n]
    )
    t.deepEqual(positions[0], { ...store.locate(A), offset: 0n })
    t.deepEqual(await shown(store.read(A, 0n)), ['0:1', '2:3'])
    t.deepEqual(await shown(store.read(B, 0n)), ['1:2', '3:4'])
  })

  contract('reads from an offset on', async (t, store) => {
    await Promise.all(['0', '1', '2'].map((text) => store.append(A, value(text))))
    t.deepEqual(await shown(store.read(A, 1n)), ['1:1', '2:2'])
    t.deepEqual(await shown(store.read(A, 3n)), [])
  })

  contract('the high watermark is the next offset', async (t, store) => {
    t.is(await store.highWatermark(A), 0n)
    await store.append(A, value('0'))
    t.is(await store.highWatermark(B), 1n)
  })

  contract('names of any content stay apart', async (t, store) => {
    const ids = [
      ['a', 'bc'],
      ['ab', 'c'],
      ['a\0b', 'c'],
      ['a', '\0b'],
      ['a\0', 'b'],
      ['ä', 'b'],
      ['L', 'M'],
      ['a/b', '..']
    ].map(([roomId, docId]) => ({ roomId: roomId!, docId: docId! }))
    await Promise.all(ids.map((id) => store.append(id, value(JSON.stringify(id)))))
    await Promise.all(ids.map((id) => store.putSnapshot(id, { offset: 0n, state: value(JSON.stringify(id)) })))
    for (const id of ids) {
      const snapshot = await store.getSnapshot(id)
      t.is(new TextDecoder().decode(snapshot?.state), JSON.stringify(id))
    }
    for (const id of ids) {
      const own = (await shown(store.read(id, 0n))).map((record) => record.slice(record.indexOf(':') + 1))
      t.true(own.every((text) => text === JSON.stringify(id)))
    }
  })

  contract('a tail delivers history, then what follows, once and in order', async (t, store) => {
    const early = Promise.all(['0', '1', '2'].map((text) => store.append(A, value(text))))
    const delivered: string[] = []
    const tailing = store.tail(A, 1n, (record) => delivered.push(show(record)))
    const late = Promise.all(['3', '4'].map((text) => store.append(A, value(text))))
    const stop = await tailing
    await Promise.all([early, late])
    t.deepEqual(delivered, ['1:1', '2:2', '3:3', '4:4'])
    stop()
    await store.append(A, value('5'))
    t.is(delivered.length, 4)
  })

  contract('a tail misses nothing while appends stream in', async (t, store) => {
    const delivered: bigint[] = []
    const appends: Promise<unknown>[] = []
    let tailing: Promise<() => void> | undefined
    for (let i = 0; i < 400; i++) {
      appends.push(store.append(A, value(String(i))))
      if (i === 150) tailing = store.tail(A, 0n, ({ offset }) => delivered.push(offset))
      if (i % 20 === 0) await appends.at(-1)
    }
    const stop = await tailing!
    await Promise.all(appends)
    stop()
    t.deepEqual(
      delivered,
      Array.from({ length: 400 }, (_, i) => BigInt(i))
    )
  })

  contract('an append reaches the tails before it resolves', async (t, store) => {
    let isDelivered = false
    const stop = await store.tail(A, 0n, () => {
      isDelivered = true
    })
    await store.append(A, value('0'))
    t.true(isDelivered)
    stop()
  })

  contract('a snapshot replaces the records it covers, of its document only', async (t, store) => {
    t.is(await store.getSnapshot(A), undefined)
    await Promise.all([A, B, A, A].map((id, i) => store.append(id, value(String(i)))))
    await store.putSnapshot(A, { offset: 2n, state: value('state') })
    const snapshot = await store.getSnapshot(A)
    t.is(snapshot?.offset, 2n)
    t.is(new TextDecoder().decode(snapshot?.state), 'state')
    t.deepEqual(await shown(store.read(A, 0n)), ['3:3'])
    t.deepEqual(await shown(store.read(B, 0n)), ['1:1'])
    t.is(await store.highWatermark(A), 4n)
  })

  contract('what a snapshot replaced comes to a late tail as one update with its state', async (t, store) => {
    for (const text of ['0', '1', '2']) await store.append(A, value(text))
    await store.putSnapshot(A, { offset: 1n, state: textUpdate('the state') })
    const delivered: LogRecord[] = []
    const stop = await store.tail(A, 0n, (record) => delivered.push(record))
    t.deepEqual(
      delivered.map(({ offset }) => offset),
      [1n, 2n]
    )
    const [first] = delivered
    const length = 2 + Buffer.from(first!.value).readUInt16LE(0)
    t.like(JSON.parse(Buffer.from(first!.value.subarray(2, length)).toString()), A)
    const doc = new Y.Doc()
    Y.applyUpdate(doc, body(first!.value.subarray(length)))
    t.is(doc.getText('body').toString(), 'the state')
    stop()
  })

  contract('close makes durable what was appended before, and refuses what comes after', async (t, store) => {
    const append = store.append(A, value('0'))
    const snapshot = store.putSnapshot(B, { offset: 0n, state: value('state') })
    await store.close()
    t.is((await append).offset, 0n)
    await snapshot
    await t.throwsAsync(store.append(A, value('1')))
  })
}
