import test from 'ava'
import { getEventListeners, once } from 'node:events'
import * as Y from 'yjs'
import type { AuthorizeRequest, Verdict } from '../src/index.js'
import { Client, CONTROL, step1, textUpdate, update } from './support/client.js'
import { startGateway } from './support/gateway.js'

/* What happens to a connection when the signal of its grant is aborted. */

test('the end of a grant is told, and then the connection ends so that the client comes back', async (t) => {
  const grant = new AbortController()
  let hear: () => void
  const isTaken = new Promise<void>((resolve) => (hear = resolve))
  const authorize = ({ op }: AuthorizeRequest): Verdict => {
    if (op === 'write') hear()
    return op === 'connect' ? { ok: true, until: grant.signal } : true
  }
  const { url } = await startGateway(t, { authorize })
  const client = await Client.connect(t, url)
  await client.send(step1(new Y.Doc()))
  const reason = client.disconnected()
  const ack = client.send(update(textUpdate('taken before')))
  await isTaken
  grant.abort()
  t.like(await ack, { ok: true, offset: '0' })
  // A disconnect by Socket.IO would be `io server disconnect`: official clients don't come back from that.
  t.is(await reason, 'transport close')
  const { payload } = client.frames.find(({ event }) => event === CONTROL)!
  t.is(Buffer.from(payload).toString(), '{"type":"auth-expired"}')
})

test('a grant that has ended is none', async (t) => {
  const { url } = await startGateway(t, { authorize: () => ({ ok: true, until: AbortSignal.abort() }) })
  const error = await t.throwsAsync(Client.connect(t, url))
  t.deepEqual((error as { data?: unknown }).data, { code: 'unauthenticated', reason: 'the token has expired' })
})

test('a grant that is no signal is told to the operator, and denies nobody for good', async (t) => {
  const errors: unknown[] = []
  const until = 300 as unknown as AbortSignal
  const { url } = await startGateway(t, {
    authorize: () => ({ ok: true, until }),
    onError: (error) => errors.push(error)
  })
  const error = await t.throwsAsync(Client.connect(t, url))
  t.is((error as { data?: { code: string } }).data?.code, 'unavailable')
  t.is(errors.length, 1)
})

test('a connection that is gone is not held by its grant', async (t) => {
  const { signal } = new AbortController()
  const { url, gateway } = await startGateway(t, { authorize: () => ({ ok: true, until: signal }) })
  const client = await Client.connect(t, url)
  const [socket] = gateway.io.sockets.sockets.values()
  t.is(getEventListeners(signal, 'abort').length, 1)
  const left = once(socket!, 'disconnect')
  client.socket.close()
  await left
  t.is(getEventListeners(signal, 'abort').length, 0)
})
