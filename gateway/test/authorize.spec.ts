import test from 'ava'
import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'
import { parseHandshake } from '../src/handshake.js'
import type { AuthorizeRequest, Verdict } from '../src/index.js'
import { Refusal } from '../src/refusal.js'
import {
  Client,
  CONTROL,
  type Frame,
  isDenial,
  isStep1,
  isUpdate,
  step1,
  step2,
  textUpdate,
  update
} from './support/client.js'
import { startGateway } from './support/gateway.js'

function reasonOf({ payload }: Frame): string {
  const decoder = decoding.createDecoder(payload.subarray(2))
  return decoding.readVarString(decoder)
}

const refusalOf = async (client: Client) => {
  const error = await client.connected().then(
    () => undefined,
    (reason) => reason
  )
  client.socket.close()
  return error?.data
}

test('the hook is asked once per connection, and once per document and operation', async (t) => {
  const requests: AuthorizeRequest[] = []
  const authorize = (request: AuthorizeRequest) => {
    requests.push(request)
    return true
  }
  const { url } = await startGateway(t, { authorize })
  const client = await Client.connect(t, url, { docId: 'a', parentId: 'p', token: 'secret' })
  for (let i = 0; i < 2; i++) {
    await client.send(step1(new Y.Doc()), { docId: 'b' })
    await client.send(update(textUpdate('x')), { docId: 'b' })
    await client.send(Uint8Array.of(1, 1, 0), { docId: 'b' })
  }
  t.deepEqual(
    requests.map(({ op, docId }) => `${op} ${docId}`),
    ['connect a', 'read a', 'read b', 'write b', 'awareness b']
  )
  t.like(requests[0], { token: 'secret', roomId: 'room', parentId: 'p' })
})

test('the token may be in the query', async (t) => {
  const { url } = await startGateway(t, { authorize: ({ token }) => token === 'secret' })
  await t.notThrowsAsync(Client.connect(t, url, { query: { roomId: 'room', token: 'secret' } }))
  await t.throwsAsync(Client.connect(t, url))
})

const VERDICTS: [label: string, verdict: () => Verdict | Promise<Verdict>, data: object][] = [
  ['no', () => false, { code: 'permission-denied' }],
  ['a promised no', async () => false, { code: 'permission-denied' }],
  ['a reason', () => ({ ok: false, reason: 'closed' }), { code: 'permission-denied', reason: 'closed' }],
  ['a code', () => ({ ok: false, code: 'unauthenticated' }), { code: 'unauthenticated' }],
  ['nothing', () => undefined as unknown as boolean, { code: 'permission-denied' }]
]

for (const [label, authorize, data] of VERDICTS) {
  test(`a connection is refused when the hook answers ${label}`, async (t) => {
    const { url } = await startGateway(t, { authorize })
    t.like(await refusalOf(new Client(url)), data)
  })
}

test('a hook that throws denies nobody for good', async (t) => {
  const errors: unknown[] = []
  let isBroken = true
  const authorize = () => {
    if (isBroken) throw new Error('database password: 1234')
    return true
  }
  const { url } = await startGateway(t, { authorize, onError: (error) => errors.push(error) })
  const data = await refusalOf(new Client(url))
  t.is(data.code, 'unavailable')
  t.false(JSON.stringify(data).includes('1234'))
  t.is(errors.length, 1)
  isBroken = false
  await t.notThrowsAsync(Client.connect(t, url))
})

const BAD_REQUESTS: [label: string, query: Record<string, string>][] = [
  ['no roomId', {}],
  ['an empty roomId', { roomId: '' }],
  ['a roomId beyond 128 characters', { roomId: 'r'.repeat(129) }],
  ['an empty docId', { roomId: 'room', docId: '' }],
  ['a docId beyond 128 characters', { roomId: 'room', docId: 'd'.repeat(129) }]
]

for (const [label, query] of BAD_REQUESTS) {
  test(`a handshake with ${label} is refused with bad-request`, async (t) => {
    const { url } = await startGateway(t)
    t.is((await refusalOf(new Client(url, { query }))).code, 'bad-request')
  })
}

test('a handshake with a parameter twice is refused with bad-request', (t) => {
  const handshake = { query: { roomId: ['a', 'b'] }, auth: {} } as unknown as Parameters<typeof parseHandshake>[0]
  const error = t.throws(() => parseHandshake(handshake), { instanceOf: Refusal })
  t.is(error.code, 'bad-request')
})

test('a denied write is answered with a negative ack and an auth message', async (t) => {
  const authorize = ({ op }: AuthorizeRequest) => op !== 'write' || { ok: false as const, reason: 'read only' }
  const { url } = await startGateway(t, { authorize })
  const client = await Client.connect(t, url)
  const reader = await Client.connect(t, url)
  await reader.settled()
  t.deepEqual(await client.send(update(textUpdate('x'))), {
    ok: false,
    code: 'permission-denied',
    reason: 'read only',
    retryable: false
  })
  const denial = await client.frame(isDenial)
  t.is(denial.event, CONTROL)
  t.like(denial.metadata, { roomId: 'room', docId: 'room', senderId: 'server' })
  t.is(reasonOf(denial), 'read only')
  await reader.settled()
  t.false(reader.frames.some(isUpdate))
  t.true(client.socket.connected)
})

test('a client that may only read can answer the question for what it has', async (t) => {
  const authorize = ({ op }: AuthorizeRequest) => op !== 'write'
  const { url } = await startGateway(t, { authorize })
  const client = await Client.connect(t, url)
  const doc = new Y.Doc()
  await client.send(step1(doc))
  await client.frame(isStep1)
  t.like(await client.send(step2(doc)), { ok: true })
  t.false(client.frames.some(isDenial))
})

test('frames wait for their turn while the hook decides', async (t) => {
  let decide: (verdict: boolean) => void = () => {}
  const authorize = ({ op }: AuthorizeRequest) =>
    op !== 'read' ||
    new Promise<boolean>((resolve) => {
      decide = resolve
    })
  const { url } = await startGateway(t, { authorize })
  const client = await Client.connect(t, url)
  const acks = ['a', 'b', 'c'].map((text) => client.send(update(textUpdate(text))))
  // Answered at once, so what was sent before it has arrived.
  t.like(await client.send(update(textUpdate('x')), { docId: 'other' }), { ok: false, code: 'not-subscribed' })
  decide(true)
  t.deepEqual(
    (await Promise.all(acks)).map(({ offset }) => offset),
    ['0', '1', '2']
  )
})

test('a document that may not be read is not sent, and the others are', async (t) => {
  const authorize = ({ op, docId }: AuthorizeRequest) => !(op === 'read' && docId === 'private')
  const { url } = await startGateway(t, { authorize })
  const client = await Client.connect(t, url, { docId: 'private' })
  t.is((await client.frame(isDenial)).metadata['docId'], 'private')
  t.like(await client.send(step1(new Y.Doc()), { docId: 'private' }), { ok: false, code: 'permission-denied' })
  t.like(await client.send(update(textUpdate('x')), { docId: 'private' }), { ok: false, code: 'permission-denied' })
  t.like(await client.send(step1(new Y.Doc()), { docId: 'public' }), { ok: true })
})

test('denied awareness is neither relayed nor kept', async (t) => {
  const authorize = ({ op, token }: AuthorizeRequest) => op !== 'awareness' || token === 'visible'
  const { url } = await startGateway(t, { authorize })
  const hidden = await Client.connect(t, url)
  const reader = await Client.connect(t, url, { token: 'visible' })
  t.like(await hidden.send(Uint8Array.of(1, 6, 1, 7, 1, 2, 123, 125)), { ok: false, code: 'permission-denied' })
  await reader.send(Uint8Array.of(3))
  t.false(reader.frames.some(({ payload }) => payload[0] === 1))
})
