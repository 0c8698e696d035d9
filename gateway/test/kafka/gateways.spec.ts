import test, { type ExecutionContext } from 'ava'
import * as Y from 'yjs'
import { body, Client, isStep2, isUpdate, step1 } from '../support/client.js'
import { GatewayProcess } from '../support/gateway-process.js'
import { freshTopic, openKafkaStore, sharedBrokers } from '../support/kafka.js'
import { readTopic } from '../support/kafka-log.js'
import { NativeClient } from '../support/native.js'
import { SwitchProxy } from '../support/switch-proxy.js'
import { typed, Typist } from '../support/typist.js'

/* Several gateways in processes of their own on one Kafka, with native clients. */

const PARTITIONS = 2

const argumentsOf = (topic: string) => {
  return ['--kafka', sharedBrokers().join(), '--kafka-topic', topic, '--kafka-partitions', String(PARTITIONS)]
}

async function startGateways(t: ExecutionContext, count: number, topic = freshTopic()): Promise<GatewayProcess[]> {
  return Promise.all(Array.from({ length: count }, () => GatewayProcess.start(t, ...argumentsOf(topic))))
}

/** The text as official clients get it. */
async function textOf(t: ExecutionContext, { url }: GatewayProcess, docId: string): Promise<string> {
  const client = await Client.connect(t, url, { docId })
  await client.send(step1(new Y.Doc()))
  const { payload } = await client.frame(isStep2)
  const doc = new Y.Doc()
  Y.applyUpdate(doc, body(payload))
  return doc.getText('body').toString()
}

test.serial('clients of two gateways see the edits of each other, and the same offsets', async (t) => {
  const [one, other] = await startGateways(t, 2)
  const left = await NativeClient.open(t, one!.url, 'doc')
  const right = await NativeClient.open(t, other!.url, 'doc')
  const witness = await Client.connect(t, other!.url, { docId: 'doc' })
  await witness.open()
  left.text.push('from the left ')
  await left.flush()
  await right.whenText((text) => text === 'from the left ')
  const { offset } = await witness.frame(isUpdate)
  t.is(BigInt(offset!), left.offset, 'what one gateway acks is what the other one sends')
  right.text.push('from the right')
  await right.flush()
  await left.whenText((text) => text === 'from the left from the right')
  t.is(await textOf(t, one!, 'doc'), await textOf(t, other!, 'doc'))
})

test.serial('who joins on one gateway gets what was acked on another a moment before', async (t) => {
  const [one, other] = await startGateways(t, 2)
  for (let round = 0; round < 10; round++) {
    const docId = `doc ${round}`
    const author = await NativeClient.open(t, one!.url, docId)
    author.text.push('durable')
    await author.flush()
    t.is(await textOf(t, other!, docId), 'durable')
  }
})

test.serial('a gateway killed between append and ack loses nothing: its clients resume on another one', async (t) => {
  const topic = freshTopic()
  const [first, second] = await startGateways(t, 2, topic)
  const proxy = await SwitchProxy.start(t, first!)
  const client = await NativeClient.open(t, proxy.url, 'doc')
  client.text.push('acked ')
  await client.flush()
  const acked = client.offset

  const log = await openKafkaStore(t, { topic, partitions: PARTITIONS })
  const appended = new Promise<bigint>((resolve) => {
    void log.tail({ roomId: 'room', docId: 'doc' }, acked + 1n, ({ offset }) => resolve(offset))
  })
  proxy.muteGateway()
  client.text.push('appended, not acked ')
  const offset = await appended
  t.is(client.offset, acked, 'the client knows nothing of it')
  t.true(client.provider.hasUnsyncedChanges)
  t.is(await first!.end('SIGKILL'), 'SIGKILL')
  client.text.push('typed meanwhile')
  proxy.switchTo(second!)
  proxy.cut()

  await client.flush()
  t.true(client.offset > offset)
  t.is(await textOf(t, second!, 'doc'), 'acked appended, not acked typed meanwhile')
})

test.serial('gateways killed under load lose nothing', async (t) => {
  const topic = freshTopic()
  const [first, second] = await startGateways(t, 2, topic)
  const proxy = await SwitchProxy.start(t, first!)
  const clients = await Promise.all(['a', 'a', 'b'].map((docId) => NativeClient.open(t, proxy.url, docId)))
  const typists = clients.map((client, index) => new Typist(client, 'xyz'[index]!))
  await typed(typists, 200)
  proxy.switchTo(second!)
  await first!.end('SIGKILL')
  await typed(typists, 200)
  const [third] = await startGateways(t, 1, topic)
  proxy.switchTo(third!)
  await second!.end('SIGKILL')
  await typed(typists, 200)
  await Promise.all(typists.map((typist) => typist.stop()))

  const texts = { a: await textOf(t, third!, 'a'), b: await textOf(t, third!, 'b') }
  t.deepEqual(
    typists.map((typist, index) => typist.wordsIn(index < 2 ? texts.a : texts.b)),
    typists.map(({ count }) => count)
  )
})

test.serial('a rolling restart under load loses nothing', async (t) => {
  const topic = freshTopic()
  const gateways = await startGateways(t, 2, topic)
  const proxies = await Promise.all(gateways.map((gateway) => SwitchProxy.start(t, gateway)))
  const clients = await Promise.all(proxies.map(({ url }) => NativeClient.open(t, url, 'doc')))
  const typists = clients.map((client, index) => new Typist(client, 'xy'[index]!))
  for (const [index, proxy] of proxies.entries()) {
    await typed(typists, 200)
    proxy.switchTo(gateways[1 - index]!)
    t.is(await gateways[index]!.end('SIGTERM'), 0)
    gateways[index] = (await startGateways(t, 1, topic))[0]!
    proxy.switchTo(gateways[index]!)
  }
  await typed(typists, 200)
  await Promise.all(typists.map((typist) => typist.stop()))

  for (const gateway of gateways) {
    const text = await textOf(t, gateway, 'doc')
    t.deepEqual(
      typists.map((typist) => typist.wordsIn(text)),
      typists.map(({ count }) => count)
    )
  }
})

test.serial(
  'a gateway that slept while records were deleted brings its clients up to date with the snapshot',
  async (t) => {
    const topic = freshTopic()
    const [awake, sleeper] = await startGateways(t, 2, topic)
    const left = await NativeClient.open(t, awake!.url, 'doc')
    const right = await NativeClient.open(t, sleeper!.url, 'doc')
    left.text.push('before ')
    await left.flush()
    await right.whenText((text) => text === 'before ')
    sleeper!.suspend()
    for (let i = 0; i < 10; i++) {
      left.text.push(`${i} `)
      await left.flush()
    }
    const store = await openKafkaStore(t, { topic, partitions: PARTITIONS })
    await store.getSnapshot({ roomId: 'room', docId: 'doc' })
    await store.clean(new Date(Date.now() + 1000))
    t.deepEqual(await readTopic(sharedBrokers(), topic), [])

    sleeper!.resume()
    await right.whenText((text) => text === 'before 0 1 2 3 4 5 6 7 8 9 ')
    right.text.push('after')
    await right.flush()
    await left.whenText((text) => text.endsWith('9 after'))
    t.is(await textOf(t, sleeper!, 'doc'), 'before 0 1 2 3 4 5 6 7 8 9 after')
  }
)
