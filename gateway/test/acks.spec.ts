import test from 'ava'
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import {
  AWARENESS,
  Client,
  CONTROL,
  envelope,
  isUpdate,
  step1,
  step2,
  sync,
  SYNC,
  textUpdate,
  update
} from './support/client.js'
import { startGateway } from './support/gateway.js'

test('an update is acked with its position in the log', async (t) => {
  const { url } = await startGateway(t)
  const client = await Client.connect(t, url)
  const first = await client.send(update(textUpdate('one')))
  const second = await client.send(update(textUpdate('two')))
  t.deepEqual(first, { ok: true, topic: 'ykc.sync.room', partition: 0, offset: '0' })
  t.deepEqual(second, { ok: true, topic: 'ykc.sync.room', partition: 0, offset: '1' })
})

test('the ack may be the second or the third argument', async (t) => {
  const { url } = await startGateway(t)
  const { socket } = await Client.connect(t, url)
  const frame = envelope({ roomId: 'room', docId: 'room' }, update(textUpdate('x')))
  t.like(await socket.emitWithAck(SYNC, frame), { ok: true, offset: '0' })
  t.like(await socket.emitWithAck(SYNC, frame, '0'), { ok: true, offset: '0' })
})

test('a step 2 is acked like an update', async (t) => {
  const { url } = await startGateway(t)
  const client = await Client.connect(t, url)
  const doc = new Y.Doc()
  doc.getText('body').insert(0, 'hello')
  t.like(await client.send(step2(doc)), { ok: true, offset: '0' })
})

test('what changes nothing is acked with the current offset and not logged', async (t) => {
  const { url } = await startGateway(t)
  const client = await Client.connect(t, url)
  const empty = update(Uint8Array.of(0, 0))
  t.deepEqual(await client.send(empty), { ok: true, topic: 'ykc.sync.room', partition: 0 }, 'empty log: no offset')
  const doc = new Y.Doc()
  doc.getText('body').insert(0, 'hello')
  doc.getText('body').delete(1, 1)
  await client.send(step2(doc))
  t.like(await client.send(empty), { ok: true, offset: '0' })
  t.like(await client.send(step2(doc)), { ok: true, offset: '0' })
  t.like(await client.send(update(textUpdate('more'))), { ok: true, offset: '1' })
})

test('a doubled type byte is accepted and logged in the correct form', async (t) => {
  const { url } = await startGateway(t)
  const author = await Client.connect(t, url)
  const reader = await Client.connect(t, url)
  await reader.settled()
  t.like(await author.send(Uint8Array.of(0, ...update(textUpdate('x')))), { ok: true, offset: '0' })
  const { payload } = await reader.frame(isUpdate)
  t.deepEqual([...payload.subarray(0, 2)], [0, 2])
})

test('the payload decides, not the event that carried it', async (t) => {
  const { url } = await startGateway(t)
  const client = await Client.connect(t, url)
  t.like(await client.send(update(textUpdate('x')), {}, AWARENESS), { ok: true, offset: '0' })
  t.like(await client.send(update(textUpdate('y')), {}, CONTROL), { ok: true, offset: '1' })
})

test('frames that are not logged are acked without a position', async (t) => {
  const { url } = await startGateway(t)
  const client = await Client.connect(t, url)
  t.deepEqual(await client.send(step1(new Y.Doc())), { ok: true })
  t.deepEqual(await client.send(Uint8Array.of(3)), { ok: true })
  t.deepEqual(await client.send(Uint8Array.of(1, 1, 0)), { ok: true })
})

const control = (value: unknown) => Buffer.from(JSON.stringify(value))

const REFUSED: [label: string, code: string, payload: Uint8Array, metadata?: object, event?: string][] = [
  ['an unknown message', 'bad-message', Uint8Array.of(9)],
  ['an empty payload', 'bad-message', new Uint8Array()],
  ['an update that does not decode', 'bad-message', update(Uint8Array.of(1, 2, 3))],
  [
    'a step 2 that does not decode',
    'bad-message',
    sync((e) => {
      encoding.writeVarUint(e, 1)
      encoding.writeVarUint8Array(e, Uint8Array.of(7))
    })
  ],
  ['a V2 update', 'bad-message', update(Y.encodeStateAsUpdateV2(new Y.Doc()))],
  ['a state vector that does not decode', 'bad-message', Uint8Array.of(0, 0, 2, 9, 1)],
  ['awareness that does not decode', 'bad-message', Uint8Array.of(1, 1, 5)],
  ['a denial by a client', 'bad-message', Uint8Array.of(2, 0, 0)],
  ['another room', 'room-mismatch', update(textUpdate('x')), { roomId: 'other' }],
  ['a document without subscription', 'not-subscribed', update(textUpdate('x')), { docId: 'other' }],
  ['an unknown control message', 'bad-message', control({ type: 'shutdown' }), {}, CONTROL],
  ['control JSON on another event', 'bad-message', control({ type: 'unsubscribe' }), {}, SYNC],
  ['control that is not JSON', 'bad-message', Buffer.from('{'), {}, CONTROL]
]

for (const [label, code, payload, metadata, event] of REFUSED) {
  test(`${label} is refused with ${code} and not logged`, async (t) => {
    const { url } = await startGateway(t)
    const client = await Client.connect(t, url)
    const ack = await client.send(payload, metadata, event)
    t.like(ack, { ok: false, code })
    t.is(typeof ack['reason'], 'string')
    t.is(ack['retryable'], code === 'not-subscribed')
    t.like(await client.send(update(textUpdate('good'))), { ok: true, offset: '0' })
  })
}
