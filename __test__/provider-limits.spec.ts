// What the native client makes of the limits of a gateway.
import test from 'ava'

import { YDoc } from '../index.js'
import { startGateway } from './support/gateway.ts'
import { openDoc, startProvider, whenStatus, whenSynced } from './support/provider.ts'
import { until, waitFor } from './support/wait.ts'
import { YjsClient } from './support/yjs-client.ts'

/** Resolves when `turns` edits, each in a tick and so a message of its own, were made. */
async function type(insert: (index: number) => void, turns: number): Promise<void> {
  for (let index = 0; index < turns; index++) {
    insert(index)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('edits_beyond_the_rate_are_sent_again_until_they_are_in_the_log', async (t) => {
  const { url, gateway } = await startGateway(t, { maxMessagesPerSecond: 20, maxMessageBurst: 5 })
  const { provider, text } = openDoc(t, url, 'doc')
  await whenSynced(provider, 'doc')
  provider.on('error', (error) => t.fail(String(error)))
  const refused = () => refusals(gateway, 'rate-limited')
  for (let round = 0; round < 10 || (await refused()) === 0; round++) {
    await type((index) => text.push(String(index % 10)), 20)
  }
  await provider.flush({ timeout: 60_000 })
  const copy = (await (await YjsClient.connect(t, url)).open('doc')).doc.getText('body')
  t.is(copy.toString(), text.toString())
})

test('a_document_opened_beyond_the_rate_is_synced_when_the_rate_allows_it', async (t) => {
  const { url, gateway } = await startGateway(t, { maxMessagesPerSecond: 100, maxMessageBurst: 4 })
  const provider = startProvider(t, url)
  const names = Array.from({ length: 6 }, (_, i) => `doc ${i}`)
  for (const docId of names) provider.addDoc(new YDoc(), { docId })
  for (const docId of names) await provider.whenSynced(docId, { timeout: 60_000 })
  t.true((await refusals(gateway, 'rate-limited')) > 0)
})

test('edits_beyond_what_may_wait_are_sent_again_until_they_are_in_the_log', async (t) => {
  const { url, gateway } = await startGateway(t, { maxUnackedFrames: 1 })
  const { provider, text } = openDoc(t, url, 'doc')
  await whenSynced(provider, 'doc')
  provider.on('error', (error) => t.fail(String(error)))
  for (let round = 0; round < 3 || (await refusals(gateway, 'busy')) === 0; round++) {
    await type((index) => text.push(String(index % 10)), 50)
  }
  await provider.flush({ timeout: 60_000 })
  const copy = (await (await YjsClient.connect(t, url)).open('doc')).doc.getText('body')
  t.is(copy.toString(), text.toString())
})

test('an_edit_that_the_gateway_finds_too_large_is_reported_and_not_sent_again', async (t) => {
  const { url, gateway } = await startGateway(t, { maxMessageBytes: 2000 })
  const { provider, text } = openDoc(t, url, 'doc')
  await whenSynced(provider, 'doc')
  text.insert(0, 'small')
  await provider.flush()
  const errors: unknown[] = []
  provider.on('error', (error) => errors.push(error))
  text.insert(0, 'x'.repeat(5000))
  await t.throwsAsync(provider.flush(), { code: 'ERR_MESSAGE_TOO_LARGE' })
  t.like(errors[0], { code: 'ERR_MESSAGE_TOO_LARGE', docId: 'doc' })
  t.is(await refusals(gateway, 'too-large'), 1)
  const copy = (await (await YjsClient.connect(t, url)).open('doc')).doc.getText('body')
  t.is(copy.toString(), 'small')
})

test('a_document_beyond_the_limit_is_reported_and_the_others_go_on', async (t) => {
  const { url } = await startGateway(t, { maxDocumentsPerSocket: 1 })
  const { provider, text } = openDoc(t, url, 'one')
  await whenSynced(provider, 'one')
  const other = new YDoc()
  const reported = waitFor(provider, 'error')
  provider.addDoc(other, { docId: 'two' })
  const [error] = await reported
  t.like(error, { code: 'ERR_MESSAGE_TOO_LARGE', docId: 'two' })
  t.regex(error.message, /more than 1 documents/)
  other.getText('body').insert(0, 'nowhere')
  await t.throwsAsync(provider.flush(), { code: 'ERR_MESSAGE_TOO_LARGE' })
  t.false(provider.getDocState('two')!.synced)
  await provider.removeDoc('two')
  text.insert(0, 'still here')
  await provider.flush()
  t.true(provider.getDocState('one')!.synced)
})

for (const limit of ['maxConnections', 'maxConnectionsPerRoom'] as const) {
  test(`beyond_${limit}_it_tries_again_until_another_leaves`, async (t) => {
    const { url } = await startGateway(t, { [limit]: 1 })
    const first = startProvider(t, url)
    await whenStatus(first, 'connected')
    const second = openDoc(t, url, 'doc')
    const [error] = await waitFor(second.provider, 'connection-error')
    t.is(error.code, 'ERR_CONNECTION')
    t.is(error.data.code, 'busy')
    t.true(error.willRetry)
    second.text.insert(0, 'patient')
    const connected = until(second.provider, 'status', () => second.provider.status === 'connected')
    first.destroy()
    await connected
    await second.provider.flush()
    t.pass()
  })
}

/** How often a gateway has refused a frame with this code. */
async function refusals(gateway: { metrics: { getSingleMetric(name: string): any } }, code: string): Promise<number> {
  const { values } = await gateway.metrics.getSingleMetric('y_kafka_gateway_refusals_total').get()
  return values.find(({ labels }: any) => labels.code === code)?.value ?? 0
}
