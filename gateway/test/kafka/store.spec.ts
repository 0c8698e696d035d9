import test from 'ava'
import * as Y from 'yjs'
import { KafkaCluster } from '../../src/kafka-cluster.js'
import { partitionOf } from '../../src/kafka-key.js'
import { resolveKafkaOptions } from '../../src/kafka-options.js'
import { KafkaView } from '../../src/kafka-view.js'
import { type DocumentId, KafkaLogStore, type LogRecord } from '../../src/index.js'
import { temporaryFolder } from '../support/gateway.js'
import {
  createTopic,
  deleteRecords,
  deleteTopics,
  freshTopic,
  openKafkaStore,
  sharedBrokers
} from '../support/kafka.js'
import { readTopic } from '../support/kafka-log.js'
import { A, B, show, shown, value } from '../support/log-store-contract.js'
import { body, envelope, textUpdate, update } from '../support/client.js'

/* What a log on Kafka promises beyond the contract of all stores. */

test('a record has the key that other programs look for, in the partition where they do', async (t) => {
  const topic = freshTopic()
  const store = await openKafkaStore(t, { topic, partitions: 5 })
  const ids = Array.from({ length: 20 }, (_, i) => ({ roomId: `room ${i}`, docId: `döc ${i}` }))
  const positions = await Promise.all(ids.map((id) => store.append(id, value(JSON.stringify(id)))))
  const log = await readTopic(sharedBrokers(), topic)
  t.is(log.length, ids.length)
  for (const [index, { roomId, docId }] of ids.entries()) {
    const { partition, offset } = positions[index]!
    const key = `${roomId}\0${docId}`
    t.is(partition, partitionOf(Buffer.from(key), 5))
    t.like(
      log.find((record) => record.partition === partition && record.offset === offset),
      { key, value: Buffer.from(JSON.stringify({ roomId, docId })) }
    )
  }
  t.true(new Set(positions.map(({ partition }) => partition)).size > 1)
})

test('what one store appends comes to the tails of another, in one order for both', async (t) => {
  const topic = freshTopic()
  const stores = await Promise.all([openKafkaStore(t, { topic }), openKafkaStore(t, { topic })])
  const delivered: string[][] = [[], []]
  await Promise.all(stores.map((store, i) => store.tail(A, 0n, (record) => delivered[i]!.push(show(record)))))
  for (let round = 0; round < 20; round++) {
    await Promise.all(stores.map((store, i) => store.append(A, value(`${i}.${round}`))))
  }
  const all = await shown(stores[0]!.read(A, 0n))
  t.is(all.length, 40)
  await shown(stores[1]!.read(A, 0n)) // the other one has read them all as well
  t.deepEqual(delivered, [all, all])
})

test('a snapshot of one store replaces the records in all, and an older one changes nothing', async (t) => {
  const topic = freshTopic()
  const [one, other] = await Promise.all([openKafkaStore(t, { topic }), openKafkaStore(t, { topic })])
  for (const text of ['0', '1', '2']) await one.append(A, value(text))
  t.is(await other.getSnapshot(A), undefined)
  await one.putSnapshot(A, { offset: 1n, state: value('newer') })
  await other.putSnapshot(A, { offset: 0n, state: value('older') })
  for (const store of [one, other]) {
    const snapshot = await store.getSnapshot(A)
    t.is(snapshot?.offset, 1n)
    t.is(String(Buffer.from(snapshot!.state)), 'newer')
    t.deepEqual(await shown(store.read(A, 0n)), ['2:2'])
  }
})

test('a lost cache is read again from the log, and a kept one goes on where it was', async (t) => {
  const topic = freshTopic()
  const cache = await temporaryFolder(t)
  const before = await openKafkaStore(t, { topic, cache })
  for (const text of ['0', '1', '2']) await before.append(A, value(text))
  await before.append(B, value('3'))
  await before.putSnapshot(A, { offset: 1n, state: value('state') })
  await before.close()

  const fresh = await openKafkaStore(t, { topic })
  t.is((await fresh.getSnapshot(A))?.offset, 1n)
  t.deepEqual(await shown(fresh.read(A, 0n)), ['0:0', '1:1', '2:2'].slice(2))
  t.deepEqual(await shown(fresh.read(B, 0n)), ['3:3'])
  await fresh.append(A, value('4'))

  await deleteRecords(topic, 4n) // so that it can only be in the cache
  const after = await openKafkaStore(t, { topic, cache })
  t.deepEqual(await shown(after.read(A, 0n)), ['2:2', '4:4'])
  t.deepEqual(await shown(after.read(B, 0n)), ['3:3'])
})

test('records that come after the snapshot that covers them are not kept', async (t) => {
  const options = resolveKafkaOptions({ brokers: sharedBrokers(), topic: freshTopic(), partitions: 1 })
  const cluster = await KafkaCluster.connect(options, 1024)
  t.teardown(() => cluster.close())
  const view = await KafkaView.open(await temporaryFolder(t), cluster)
  t.teardown(() => view.close())
  const { topic, snapshotTopic } = cluster.settings
  const records = Array.from({ length: 50 }, (_, i) => ({
    document: i % 10 === 0 ? B : A,
    record: { offset: BigInt(i), value: value(String(i)) }
  }))
  // Their topics are read in any order.
  const snapshot = { offset: 39n, state: value('state') }
  await view.takeSnapshots([{ document: A, snapshot }], { topic: snapshotTopic, partition: 0, next: 1n })
  await view.takeRecords(records, { topic, partition: 0, next: 50n })
  const kept = records.slice(41).map(({ record }) => show(record))
  t.deepEqual(await shown(view.read(A, 0n)), kept)
  t.deepEqual(await shown(view.read(B, 0n)), ['0:0', '10:10', '20:20', '30:30', '40:40'])
  t.deepEqual(await view.oldestNeeded(0), { offset: 0n, document: B })
  const history: LogRecord[] = []
  for await (const record of view.history(A, 0n)) history.push(record)
  const [first, ...rest] = history
  t.is(first!.offset, 39n)
  t.deepEqual(rest.map(show), kept)
})

test('a cache in use is refused', async (t) => {
  const cache = await temporaryFolder(t)
  await openKafkaStore(t, { cache })
  await t.throwsAsync(openKafkaStore(t, { cache }))
})

test('a cache of topics that were deleted and created again is thrown away', async (t) => {
  const topic = freshTopic()
  const cache = await temporaryFolder(t)
  const before = await openKafkaStore(t, { topic, cache })
  await before.append(A, value('0'))
  await before.append(A, value('1'))
  await before.close()
  await deleteTopics(topic, `${topic}.snapshots`)

  // More than before, or the offsets would tell.
  const again = await openKafkaStore(t, { topic })
  for (const text of ['a', 'b', 'c']) await again.append(A, value(text))
  const after = await openKafkaStore(t, { topic, cache })
  t.deepEqual(await shown(after.read(A, 0n)), ['0:a', '1:b', '2:c'])
})

test('who comes back after records were deleted gets the snapshot in their place', async (t) => {
  const topic = freshTopic()
  const cache = await temporaryFolder(t)
  const away = await openKafkaStore(t, { topic, cache })
  await away.append(A, value('0'))
  await away.close()
  const store = await openKafkaStore(t, { topic })
  for (const text of ['1', '2', '3']) await store.append(A, value(text))
  await store.putSnapshot(A, { offset: 2n, state: textUpdate('state') })
  await deleteRecords(topic, 3n)

  const back = await openKafkaStore(t, { topic, cache })
  const delivered: LogRecord[] = []
  await back.tail(A, 1n, (record) => delivered.push(record))
  t.deepEqual(
    delivered.map(({ offset }) => offset),
    [2n, 3n]
  )
  const fresh = await openKafkaStore(t, { topic })
  t.is((await fresh.getSnapshot(A))?.offset, 2n)
  t.deepEqual(await shown(fresh.read(A, 0n)), ['3:3'])
})

test('an update larger than the topic takes is refused for good, and those beside it are not', async (t) => {
  const topic = freshTopic()
  await createTopic(topic, { 'max.message.bytes': '100000' })
  const store = await openKafkaStore(t, { topic })
  const [large, small] = await Promise.allSettled([
    store.append(A, new Uint8Array(600_000)),
    store.append(A, value('small'))
  ])
  t.like(large, { status: 'rejected', reason: { code: 'too-large', retryable: false } })
  t.like(small, { status: 'fulfilled', value: { offset: 0n } })
})

test('more than the bound on what waits is refused as busy', async (t) => {
  const store = await openKafkaStore(t, { maxPendingBytes: 1000 })
  const appends = Array.from({ length: 10 }, () => store.append(A, new Uint8Array(300)))
  const settled = await Promise.allSettled(appends)
  const refused = settled.filter(({ status }) => status === 'rejected')
  t.true(refused.length > 0 && refused.length < 10)
  for (const refusal of refused) t.like(refusal, { reason: { code: 'busy', retryable: true } })
  await t.notThrowsAsync(store.append(A, value('later')))
})

test('topics with another number of partitions are refused', async (t) => {
  const topic = freshTopic()
  const store = await openKafkaStore(t, { topic, partitions: 3 })
  await store.close()
  await t.throwsAsync(KafkaLogStore.open({ brokers: sharedBrokers(), topic, partitions: 4 }), {
    message: /3 partitions, not 4/
  })
  const same = await openKafkaStore(t, { topic, partitions: undefined })
  t.true(same.locate(A).partition < 3)
})

test('records of other programs in the topic are skipped', async (t) => {
  const topic = freshTopic()
  const store = await openKafkaStore(t, { topic })
  const foreign = await openKafkaStore(t, { topic: `${topic}.snapshots`, partitions: 1 })
  await foreign.append(A, value('short'))
  await store.append(A, value('0'))
  t.is(await store.getSnapshot(A), undefined)
  t.deepEqual(await shown(store.read(A, 0n)), ['0:0'])
})

test('cleaning replaces old updates by snapshots, deletes them, and loses nothing even without a cache', async (t) => {
  const topic = freshTopic()
  const store = await openKafkaStore(t, { topic })
  for (const [index, id] of [A, B, A, B].entries()) await store.append(id, envelopeOf(id, `${index} `, index + 1))
  await store.putSnapshot(B, { offset: 1n, state: textUpdate('1 ', 2) })
  await store.clean(new Date(Date.now() - 60 * 60 * 1000))
  t.is((await readTopic(sharedBrokers(), topic)).length, 4, 'nothing is that old')

  await store.clean(new Date(Date.now() + 1000))
  t.deepEqual(await readTopic(sharedBrokers(), topic), [])
  await store.append(A, envelopeOf(A, '4 ', 5))
  const fresh = await openKafkaStore(t, { topic })
  t.deepEqual(await wordsOf(fresh, A), ['0', '2', '4'])
  t.deepEqual(await wordsOf(fresh, B), ['1', '3'])
})

test("cleaning deletes nothing that it can't read, nor what comes after it, and says so once", async (t) => {
  const topic = freshTopic()
  const reports: string[] = []
  const store = await openKafkaStore(t, { topic, report: (_, context) => reports.push(context) })
  await store.append(A, envelopeOf(A, 'readable ', 1))
  await store.append(B, value('no envelope'))
  await store.append(A, envelopeOf(A, 'too ', 2))
  for (let i = 0; i < 2; i++) await store.clean(new Date(Date.now() + 1000))
  t.deepEqual(
    (await readTopic(sharedBrokers(), topic)).map(({ offset }) => offset),
    [1n, 2n]
  )
  t.deepEqual(reports, [`a snapshot of ${JSON.stringify(B)}, without which its log grows`])
})

test('before records are deleted, the last snapshot in Kafka covers them, whoever wrote an older one after it', async (t) => {
  const topic = freshTopic()
  const [one, other] = await Promise.all([openKafkaStore(t, { topic }), openKafkaStore(t, { topic })])
  for (const index of [0, 1, 2]) await one.append(A, envelopeOf(A, `${index} `, index + 1))
  const state = Y.mergeUpdates([0, 1, 2].map((index) => textUpdate(`${index} `, index + 1)))
  await one.putSnapshot(A, { offset: 2n, state })
  await other.putSnapshot(A, { offset: 0n, state: textUpdate('0 ', 1) })
  await one.clean(new Date(Date.now() + 1000))
  t.deepEqual(await readTopic(sharedBrokers(), topic), [])
  const last = (await readTopic(sharedBrokers(), `${topic}.snapshots`)).at(-1)! // all that compaction leaves
  t.is(last.value.readBigUInt64BE(), 2n)
  const doc = new Y.Doc()
  Y.applyUpdate(doc, last.value.subarray(8))
  t.is(doc.getText('body').length, 6)
})

function envelopeOf(id: DocumentId, text: string, clientID: number): Uint8Array {
  return envelope(id, update(textUpdate(text, clientID)))
}

/** The words of a document, as a gateway would load it. */
async function wordsOf(store: KafkaLogStore, id: DocumentId): Promise<string[]> {
  const doc = new Y.Doc()
  const snapshot = await store.getSnapshot(id)
  if (snapshot !== undefined) Y.applyUpdate(doc, snapshot.state)
  for await (const { value } of store.read(id, 0n)) {
    const bytes = Buffer.from(value)
    Y.applyUpdate(doc, body(bytes.subarray(2 + bytes.readUInt16LE())))
  }
  return doc.getText('body').toString().trim().split(' ').sort()
}
