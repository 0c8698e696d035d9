import test, { type ExecutionContext } from 'ava'
import { LevelLogStore, type LogRecord, type LogStore, type SnapshotStore } from '../src/index.js'
import { temporaryFolder } from './support/gateway.js'

/* The contract of LogStore and SnapshotStore, run for every implementation. */

type Open = (t: ExecutionContext) => Promise<LogStore & SnapshotStore>

const IMPLEMENTATIONS: [label: string, open: Open][] = [
  ['in RAM', () => LevelLogStore.open()],
  ['on disk', async (t) => LevelLogStore.open(await temporaryFolder(t))]
]

const A = { roomId: 'room', docId: 'a' }
const B = { roomId: 'room', docId: 'b' }

const value = (text: string) => new TextEncoder().encode(text)
const show = ({ offset, value }: LogRecord) => `${offset}:${new TextDecoder().decode(value)}`

async function shown(records: AsyncIterable<LogRecord>): Promise<string[]> {
  const result: string[] = []
  for await (const record of records) result.push(show(record))
  return result
}

for (const [label, openStore] of IMPLEMENTATIONS) {
  const contract = (title: string, body: (t: ExecutionContext, store: LogStore & SnapshotStore) => Promise<void>) => {
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

  contract('rooms do not share offsets', async (t, store) => {
    await store.append(A, value('1'))
    const { offset } = await store.append({ roomId: 'other', docId: 'a' }, value('2'))
    t.is(offset, 0n)
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
    t.is(new Set(ids.map((id) => store.locate(id).topic)).size, new Set(ids.map(({ roomId }) => roomId)).size)
  })

  contract('topics keep to the alphabet of Kafka', async (t, store) => {
    t.is(store.locate(A).topic, 'ykc.sync.room')
    for (const roomId of ['ä', 'a b', '\0', 'x'.repeat(128), '🙂'.repeat(64)]) {
      t.regex(store.locate({ roomId, docId: 'd' }).topic, /^[a-zA-Z0-9._-]{1,249}$/)
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

  contract('close makes durable what was appended before, and refuses what comes after', async (t, store) => {
    const append = store.append(A, value('0'))
    const snapshot = store.putSnapshot(B, { offset: 0n, state: value('state') })
    await store.close()
    t.is((await append).offset, 0n)
    await snapshot
    await t.throwsAsync(store.append(A, value('1')))
  })
}

test('on disk: records and snapshots survive, and no offset is given twice', async (t) => {
  const folder = await temporaryFolder(t)
  const before = await LevelLogStore.open(folder)
  await Promise.all(['0', '1', '2'].map((text) => before.append(A, value(text))))
  await before.putSnapshot(A, { offset: 2n, state: value('state') }) // deletes all records
  await before.close()

  const after = await LevelLogStore.open(folder)
  t.is((await after.append(A, value('3'))).offset, 3n)
  t.deepEqual(await shown(after.read(A, 0n)), ['3:3'])
  t.is((await after.getSnapshot(A))?.offset, 2n)
  await after.close()
})

test('on disk: a folder in use is refused', async (t) => {
  const folder = await temporaryFolder(t)
  const store = await LevelLogStore.open(folder)
  await t.throwsAsync(LevelLogStore.open(folder))
  await store.close()
})
