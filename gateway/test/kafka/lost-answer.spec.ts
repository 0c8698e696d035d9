import test from 'ava'
import { KafkaBroker } from '../../../scripts/kafka/broker.mjs'
import { BrokerProxy } from '../support/broker-proxy.js'
import { freshTopic, openKafkaStore } from '../support/kafka.js'
import { readTopic } from '../support/kafka-log.js'
import { A, value } from '../support/log-store-contract.js'

/** The first attempt of a producer and all of its retries. */
const ATTEMPTS = 3

test('what is appended after an answer of the broker got lost is no repetition of what was before', async (t) => {
  const proxy = await BrokerProxy.start(t)
  const broker = await KafkaBroker.start({ properties: { 'advertised.listeners': `PLAINTEXT://${proxy.address}` } })
  t.teardown(() => broker.stop())
  proxy.broker = broker.address
  const topic = freshTopic()
  const store = await openKafkaStore(t, { brokers: [proxy.address], topic, report: () => {} })
  await store.append(A, value('before'))

  proxy.answersToLose = ATTEMPTS
  await t.throwsAsync(store.append(A, value('unknown')))
  t.is(proxy.lostAnswers, ATTEMPTS)
  const { offset } = await store.append(A, value('after'))

  const log = await readTopic([proxy.address], topic)
  t.deepEqual(
    log.find((record) => record.offset === offset)?.value,
    Buffer.from(value('after')),
    'what was acked is what is in the log at that offset'
  )
  // The broker knows a repetition when it sees one: what was tried three times is there once.
  t.is(log.filter((record) => record.value.equals(value('unknown'))).length, 1)
})
