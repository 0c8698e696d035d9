import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import * as Y from 'yjs'
import { Client, CONTROL, step1, textUpdate, update } from './support/client.js'
import { ControlledStore } from './support/controlled-store.js'
import { startGateway } from './support/gateway.js'

const STUCK_GATEWAY = fileURLToPath(new URL('support/stuck-gateway.ts', import.meta.url))

test('a gateway that drains lets nobody in and says that it is for now', async (t) => {
  const store = await ControlledStore.open()
  const { gateway, url } = await startGateway(t, { store })
  const client = await Client.connect(t, url)
  store.holdBack()
  const taken = client.send(update(textUpdate('last words')))
  await client.send(step1(new Y.Doc()))
  const closing = gateway.close()
  t.like(await t.throwsAsync(Client.connect(t, url)), { data: { code: 'unavailable' } })
  store.letGo()
  t.like(await taken, { ok: true })
  await closing
  await t.throwsAsync(fetch(`${url}/healthz`), undefined, 'nobody listens any more')
})

test('a log that takes too long holds the end up for the time limit only', async (t) => {
  const store = await ControlledStore.open()
  let reported = (_error: unknown): void => {}
  const lateFailure = new Promise((resolve) => (reported = resolve))
  const { gateway, url } = await startGateway(t, { store, drainTimeout: 10, onError: (error) => reported(error) })
  const client = await Client.connect(t, url)
  const closed = client.disconnected()
  store.holdBack()
  const taken = client.send(update(textUpdate('never acked'))).catch((error: Error) => error.message)
  await client.send(step1(new Y.Doc()))
  await gateway.close()
  t.is(await closed, 'transport close')
  store.letGo()
  t.is(await taken, 'socket has been disconnected')
  t.regex(String(await lateFailure), /closed/, 'what comes too late is not written')
})

test('a second signal ends the process at once', async (t) => {
  const child = spawn(process.execPath, ['--import=tsx', STUCK_GATEWAY], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [url] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string]
  const client = await Client.connect(t, url.trim())
  client.post(update(textUpdate('never acked')))
  await client.send(step1(new Y.Doc()))
  child.kill('SIGTERM')
  await client.frame(({ event }) => event === CONTROL) // it is going away, and waits for its log
  t.is(child.exitCode, null)
  child.kill('SIGTERM')
  t.deepEqual(await once(child, 'exit'), [1, null])
})
