import test, { type ExecutionContext } from 'ava'
import * as Y from 'yjs'
import type { KafkaBroker } from '../../../scripts/kafka/broker.mjs'
import { createGateway } from '../../src/index.js'
import { type Ack, body, Client, isStep2, step1, textUpdate, update } from '../support/client.js'
import { freshTopic, openKafkaStore, ownBroker } from '../support/kafka.js'
import { readTopic } from '../support/kafka-log.js'
import { NativeClient } from '../support/native.js'
import { A, B, show, shown, value } from '../support/log-store-contract.js'
import { typed, Typist } from '../support/typist.js'

/* What happens while the broker is away. These tests have a broker of their own, and kill it. */

async function startGateway(t: ExecutionContext, broker: KafkaBroker, topic: string): Promise<string> {
  // That the broker is away is reported, and is no failure here.
  const gateway = createGateway({ kafka: { brokers: [broker.address], topic, partitions: 2 }, onError: () => {} })
  t.teardown(() => gateway.close())
  return `http://127.0.0.1:${await gateway.listen()}`
}

test.serial(
  'without a broker appends are refused, and nothing is lost or acknowledged that is not in the log',
  async (t) => {
    const broker = await ownBroker(t)
    const store = await openKafkaStore(t, { brokers: [broker.address], report: () => {} })
    const delivered: string[] = []
    await store.tail(A, 0n, (record) => delivered.push(show(record)))
    await store.append(A, value('before'))
    await broker.kill()
    await t.throwsAsync(store.append(A, value('away')))
    await t.throwsAsync(store.getSnapshot(B))
    t.deepEqual(delivered, ['0:before'])

    await broker.restart()
    const { offset } = await eventually(() => store.append(A, value('after')))
    t.deepEqual(delivered.at(-1), `${offset}:after`)
    t.deepEqual(await shown(store.read(A, 0n)), delivered)
  }
)

test.serial('a gateway answers that the log is unavailable, and that trying again makes sense', async (t) => {
  const broker = await ownBroker(t)
  const url = await startGateway(t, broker, freshTopic())
  const client = await Client.connect(t, url, { docId: 'doc' })
  t.like(await client.send(update(textUpdate('before', 1))), { ok: true })
  await broker.halt()
  t.like(await client.send(update(textUpdate('away', 2))), { ok: false, code: 'unavailable', retryable: true })
  await broker.restart()
  const ack = await eventually(async () => {
    const answer = await client.send(update(textUpdate('away', 2)))
    if (!answer.ok) throw new Error(String(answer['reason']))
    return answer
  })
  t.true(BigInt(String(ack['offset'])) > 0n)
})

for (const how of ['kill', 'halt'] as const) {
  test.serial(`a broker that restarts under load (${how}) loses nothing that was acked`, async (t) => {
    const broker = await ownBroker(t)
    const topic = freshTopic()
    const url = await startGateway(t, broker, topic)
    const clients = await Promise.all(['a', 'b'].map((docId) => NativeClient.open(t, url, docId)))
    const typists = clients.map((client, index) => new Typist(client, 'xy'[index]!))
    const recorder = await Client.connect(t, url, { docId: 'a' })
    const acks: Ack[] = []
    const record = async (count: number) => {
      for (let i = 0; i < count; i++)
        acks.push(await recorder.send(update(textUpdate(`${acks.length} `, acks.length + 1))))
    }

    await Promise.all([typed(typists, 200), record(20)])
    await broker[how]()
    await Promise.all([typed(typists, 200), record(2)])
    await broker.restart()
    await Promise.all([typed(typists, 200), record(20)])
    await Promise.all(typists.map((typist) => typist.stop()))

    const log = await readTopic([broker.address], topic)
    const logged = new Set(log.filter(({ key }) => key === 'room\0a').map(({ offset }) => String(offset)))
    const acked = acks.filter(({ ok }) => ok)
    t.true(acked.length >= 20)
    t.deepEqual(
      acked.filter(({ offset }) => !logged.has(String(offset))),
      []
    )
    const rising = acked.map(({ offset }) => BigInt(String(offset)))
    t.true(rising.every((offset, index) => index === 0 || offset > rising[index - 1]!))
    for (const [index, docId] of ['a', 'b'].entries()) {
      t.is(typists[index]!.wordsIn(await textOf(t, url, docId)), typists[index]!.count)
    }
  })
}

async function textOf(t: ExecutionContext, url: string, docId: string): Promise<string> {
  const client = await Client.connect(t, url, { docId })
  await client.send(step1(new Y.Doc()))
  const doc = new Y.Doc()
  Y.applyUpdate(doc, body((await client.frame(isStep2)).payload))
  return doc.getText('body').toString()
}

/** Tries again until it works; what it does takes the time that is needed. */
async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (error instanceof TypeError) throw error
    }
  }
}
