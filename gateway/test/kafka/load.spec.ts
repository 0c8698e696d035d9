import { setImmediate } from 'node:timers/promises'
import test from 'ava'
import * as Y from 'yjs'
import { body, Client, isStep2, isUpdate, step1 } from '../support/client.js'
import { GatewayProcess } from '../support/gateway-process.js'
import { freshTopic, sharedBrokers } from '../support/kafka.js'
import { readTopic } from '../support/kafka-log.js'
import { NativeClient } from '../support/native.js'

const EDITS = 100_000
const CLIENTS = 4
const DOCUMENTS = ['one', 'two', 'three', 'four', 'five']
/** Edits of one tick go out as one update: some are alone, some are not. */
const EDITS_PER_TICK = [1, 5, 30]

test('100,000 edits through two gateways: nothing is lost, and no offset goes backwards', async (t) => {
  const topic = freshTopic()
  const args = ['--kafka', sharedBrokers().join(), '--kafka-topic', topic, '--kafka-partitions', '3']
  const gateways = await Promise.all([GatewayProcess.start(t, ...args), GatewayProcess.start(t, ...args)])
  const witnesses = await Promise.all(gateways.map(({ url }) => Client.connect(t, url, { docId: DOCUMENTS[0]! })))
  for (const witness of witnesses) for (const docId of DOCUMENTS) await witness.open(docId)

  const writers = await Promise.all(
    Array.from({ length: CLIENTS }, async (_, index) => {
      const url = gateways[index % gateways.length]!.url
      const documents = await Promise.all(DOCUMENTS.map((docId) => NativeClient.open(t, url, docId)))
      return { index, documents }
    })
  )
  await Promise.all(
    writers.map(async ({ index, documents }) => {
      for (let edit = 0, tick = 0; edit < EDITS / CLIENTS; tick++) {
        for (let i = EDITS_PER_TICK[tick % EDITS_PER_TICK.length]!; i > 0 && edit < EDITS / CLIENTS; i--, edit++) {
          documents[tick % documents.length]!.text.push(`${index}.${edit} `)
        }
        await setImmediate()
      }
      await Promise.all(documents.map((document) => document.flush()))
    })
  )

  for (const gateway of gateways) {
    const words: string[] = []
    for (const docId of DOCUMENTS) {
      const client = await Client.connect(t, gateway.url, { docId })
      await client.send(step1(new Y.Doc()))
      const doc = new Y.Doc()
      Y.applyUpdate(doc, body((await client.frame(isStep2)).payload))
      words.push(...doc.getText('body').toString().trim().split(' '))
    }
    t.is(words.length, EDITS)
    t.is(new Set(words).size, EDITS)
  }
  const log = await readTopic(sharedBrokers(), topic)
  t.log(`${EDITS} edits in ${log.length} records`)
  for (const witness of witnesses) {
    const sent = new Map<number, bigint>()
    for (const { offset, stream } of witness.frames.filter(isUpdate)) {
      const { partition } = stream!
      if (BigInt(offset!) <= (sent.get(partition) ?? -1n)) t.fail(`${offset} after ${sent.get(partition)}`)
      sent.set(partition, BigInt(offset!))
    }
    t.is(witness.frames.filter(isUpdate).length, log.length, 'every record of the log was sent')
  }
})
