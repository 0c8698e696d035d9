import test from 'ava'
import { Client, envelope, SYNC, textUpdate, update } from './support/client.js'
import { ControlledStore } from './support/controlled-store.js'
import { startGateway } from './support/gateway.js'

async function get(url: string, path: string): Promise<{ status: number; body: string }> {
  const response = await fetch(url + path)
  return { status: response.status, body: await response.text() }
}

/** The samples of `/metrics`, by name and labels. */
async function scrape(url: string): Promise<Map<string, number>> {
  const { body } = await get(url, '/metrics')
  const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => {
      const end = line.lastIndexOf(' ')
      return [line.slice(0, end).replace('y_kafka_gateway_', ''), Number(line.slice(end + 1))]
    })
  )
}

test('healthz answers while the process lives', async (t) => {
  const { url } = await startGateway(t)
  t.deepEqual(await get(url, '/healthz'), { status: 200, body: 'ok\n' })
  t.is((await get(url, '/healthz?from=balancer')).status, 200)
  t.is((await get(url, '/other')).status, 404)
  t.is((await fetch(`${url}/healthz`, { method: 'HEAD' })).status, 200)
  t.is((await fetch(`${url}/healthz`, { method: 'POST' })).status, 405)
})

test('readyz turns false while the log does not answer', async (t) => {
  const store = await ControlledStore.open()
  const { url } = await startGateway(t, { store })
  t.deepEqual(await get(url, '/readyz'), { status: 200, body: 'ready\n' })
  const { highWatermark } = store
  store.highWatermark = () => Promise.reject(new Error('no broker'))
  t.deepEqual(await get(url, '/readyz'), { status: 503, body: 'the log does not answer\n' })
  store.highWatermark = highWatermark
  t.is((await get(url, '/readyz')).status, 200)
})

test('readyz gives up on a log that hangs and asks it once', async (t) => {
  const store = await ControlledStore.open()
  const { url } = await startGateway(t, { store })
  const { highWatermark } = store
  let probes = 0
  let answer = (): void => {}
  store.highWatermark = () => {
    probes++
    return new Promise((resolve) => {
      answer = () => resolve(0n)
    })
  }
  const results = await Promise.all([get(url, '/readyz'), get(url, '/readyz'), get(url, '/healthz')])
  t.deepEqual(
    results.map(({ status }) => status),
    [503, 503, 200]
  )
  t.is(probes, 1)
  store.highWatermark = highWatermark
  answer()
  t.is((await get(url, '/readyz')).status, 200)
})

test('readyz turns false and healthz stays true while draining', async (t) => {
  const store = await ControlledStore.open()
  const { gateway, url } = await startGateway(t, { store })
  const client = await Client.connect(t, url)
  store.holdBack()
  const taken = client.send(update(textUpdate('last words')))
  await client.settled('nowhere') // a round trip later the gateway has the update
  const closing = gateway.close()
  t.deepEqual(await get(url, '/readyz'), { status: 503, body: 'draining\n' })
  t.is((await get(url, '/healthz')).status, 200)
  store.letGo()
  t.like(await taken, { ok: true })
  await closing
})

test('metrics tell what the gateway holds', async (t) => {
  const store = await ControlledStore.open()
  const { url } = await startGateway(t, { store })
  const author = await Client.connect(t, url, { docId: 'a' })
  const reader = await Client.connect(t, url, { docId: 'b' })
  await author.open('b')
  await author.settled('a')
  await reader.settled('b')
  store.holdBack()
  const payload = update(textUpdate('hello'))
  const bytes = envelope({ roomId: 'room', docId: 'a' }, payload).length
  const waiting = author.send(payload)
  await author.settled('b')
  const held = await scrape(url)
  t.is(held.get('connections'), 2)
  t.is(held.get('subscriptions'), 3)
  t.is(held.get('documents'), 2)
  t.is(held.get('unacked_frames'), 1)
  t.is(held.get('unacked_bytes'), bytes)
  t.true(held.get('resident_memory_bytes')! > 1e6)
  for (const quantile of ['0.5', '0.99', '1']) {
    t.true(held.get(`event_loop_lag_seconds{quantile="${quantile}"}`)! >= 0, quantile)
  }
  store.letGo()
  await waiting
  const idle = await scrape(url)
  t.is(idle.get('unacked_frames'), 0)
  t.is(idle.get('unacked_bytes'), 0)
})

test('metrics count what was written sent and refused', async (t) => {
  const store = await ControlledStore.open()
  const { url } = await startGateway(t, { store, snapshotUpdates: 2, maxMessageBytes: 500, onError: () => {} })
  const author = await Client.connect(t, url)
  const readers = await Promise.all([Client.connect(t, url), Client.connect(t, url)])
  await Promise.all(readers.map((reader) => reader.settled()))
  await author.settled()
  const before = await scrape(url)
  for (const text of ['one', 'two']) await author.send(update(textUpdate(text)))
  await author.send(Uint8Array.of(99))
  await author.send(update(textUpdate('x'.repeat(1000))))
  store.failure = Object.assign(new Error('disk full'), { code: 'ENOSPC' })
  await author.send(update(textUpdate('three')))
  await t.throwsAsync(Client.connect(t, url, { query: {} }))

  const after = await scrape(url)
  const grown = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0)
  t.is(grown('appended_records_total'), 2)
  t.true(grown('appended_bytes_total') > 200)
  t.is(grown('append_duration_seconds_count'), 2)
  t.is(grown('append_duration_seconds_bucket{le="+Inf"}'), 2)
  t.is(grown('append_failures_total'), 1)
  t.is(grown('errors_total'), 1)
  t.is(grown('acks_total'), 2)
  t.is(grown('refusals_total{code="bad-message"}'), 1)
  t.is(grown('refusals_total{code="too-large"}'), 1)
  t.is(grown('refusals_total{code="unavailable"}'), 1)
  t.is(grown('refused_connections_total{code="bad-request"}'), 1)
  t.is(grown('broadcast_messages_total{channel="sync"}'), 4, 'two updates to two readers')
  t.is(grown('snapshots_total{result="written"}'), 1)
})

test('two gateways in one process have metrics of their own', async (t) => {
  const [one, other] = await Promise.all([startGateway(t), startGateway(t)])
  const client = await Client.connect(t, one.url)
  await client.send(update(textUpdate('hello')), {}, SYNC)
  t.is((await scrape(one.url)).get('appended_records_total'), 1)
  t.is((await scrape(other.url)).get('appended_records_total'), 0)
})
