import test from 'ava'

import { Channel, decodeEnvelope, encodeEnvelope, ProtocolMessageType, type ProtocolMessageMetadata } from '../index.js'
import { throwsCode } from './helpers/errors.ts'

test('envelopes_read_back', (t) => {
  for (const metadata of [
    { roomId: 'room', docId: 'doc' },
    { roomId: 'rööm', docId: '', parentId: 'parent', senderId: 'me', version: '12', timestamp: 1700000000000 }
  ]) {
    const envelope = encodeEnvelope(metadata, Uint8Array.of(1, 2, 3))
    t.deepEqual(decodeEnvelope(envelope), { metadata, payload: Uint8Array.of(1, 2, 3) })
    const length = envelope[0] + 256 * envelope[1]
    t.deepEqual(JSON.parse(Buffer.from(envelope.subarray(2, 2 + length)).toString()), metadata)
    t.deepEqual(envelope.subarray(2 + length), Uint8Array.of(1, 2, 3))
  }
})

test('what_is_no_envelope_is_refused', (t) => {
  const good = { roomId: 'room', docId: 'doc' }
  for (const [label, metadata] of [
    ['no room', { docId: 'doc' }],
    ['no document', { roomId: 'room' }],
    ['a number', { ...good, roomId: 7 }],
    ['a bad time', { ...good, timestamp: 'now' }],
    ['too large', { ...good, senderId: 'x'.repeat(70_000) }]
  ] as const) {
    throwsCode(
      t,
      () => encodeEnvelope(metadata as ProtocolMessageMetadata, new Uint8Array()),
      'ERR_INVALID_ENVELOPE',
      label
    )
  }
  for (const bytes of [[], [1], [5, 0, 123], [2, 0, 123, 125]]) {
    throwsCode(t, () => decodeEnvelope(Uint8Array.from(bytes)), 'ERR_INVALID_ENVELOPE', String(bytes))
  }
})

test('the_constants_of_the_protocol_are_exported', (t) => {
  t.deepEqual({ ...Channel }, { Sync: 'sync', Awareness: 'awareness', Control: 'control' })
  t.deepEqual({ ...ProtocolMessageType }, { Sync: 0, Awareness: 1, Auth: 2, QueryAwareness: 3 })
})
