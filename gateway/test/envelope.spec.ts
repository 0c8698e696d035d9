import test from 'ava'
import { decodeEnvelope, encodeEnvelope } from '../src/envelope.js'
import { Refusal } from '../src/refusal.js'

const text = (value: string) => Buffer.from(value)
const framed = (json: string, length = Buffer.byteLength(json)) =>
  Buffer.concat([Buffer.from([length & 255, length >> 8]), text(json), Buffer.from([9, 8])])

test('writes metadata in the agreed order and leaves out what is undefined', (t) => {
  const metadata = { timestamp: 5, senderId: 's', docId: 'd', roomId: 'r', parentId: undefined }
  const bytes = encodeEnvelope(metadata, text('!'))
  t.is(bytes.readUInt16LE(0), bytes.length - 3)
  t.is(bytes.subarray(2).toString(), '{"roomId":"r","docId":"d","senderId":"s","timestamp":5}!')
})

test('reads back what it wrote', (t) => {
  const metadata = { roomId: 'räum', docId: 'd\0d', parentId: 'p', senderId: 's', version: '7', timestamp: 1 }
  const { metadata: read, payload } = decodeEnvelope(encodeEnvelope(metadata, Uint8Array.of(1, 2, 3)))
  t.deepEqual(read, metadata)
  t.deepEqual([...payload], [1, 2, 3])
})

test('reads an empty payload', (t) => {
  t.is(decodeEnvelope(encodeEnvelope({ roomId: 'r', docId: 'd' }, new Uint8Array())).payload.length, 0)
})

test('drops optional metadata that is unusable', (t) => {
  const json = `{"roomId":"r","docId":"d","parentId":7,"senderId":"","version":"${'v'.repeat(129)}","timestamp":"5"}`
  const { metadata } = decodeEnvelope(framed(json))
  t.deepEqual(JSON.parse(JSON.stringify(metadata)), { roomId: 'r', docId: 'd' })
})

test('refuses to write metadata beyond 16 KiB', (t) => {
  const metadata = { roomId: 'r', docId: 'd', version: 'x'.repeat(16 * 1024) }
  t.throws(() => encodeEnvelope(metadata, new Uint8Array()), { instanceOf: RangeError })
})

const REFUSED: [label: string, bytes: Buffer][] = [
  ['nothing', Buffer.alloc(0)],
  ['one byte', Buffer.of(1)],
  ['truncated metadata', framed('{"roomId":"r","docId":"d"}', 200)],
  ['metadata beyond 16 KiB', Buffer.concat([Buffer.of(1, 0x40), Buffer.alloc(0x4001, ' ')])],
  ['no JSON', framed('{"roomId":"r"')],
  ['invalid UTF-8', Buffer.concat([Buffer.of(2, 0), Buffer.of(0xc3, 0x28)])],
  ['null', framed('null')],
  ['an array', framed('[]')],
  ['no roomId', framed('{"docId":"d"}')],
  ['no docId', framed('{"roomId":"r"}')],
  ['an empty docId', framed('{"roomId":"r","docId":""}')],
  ['a docId of another type', framed('{"roomId":"r","docId":7}')],
  ['a docId beyond 128 characters', framed(`{"roomId":"r","docId":"${'d'.repeat(129)}"}`)],
  ['a docId with a lone surrogate', framed('{"roomId":"r","docId":"\\ud800"}')]
]

for (const [label, bytes] of REFUSED) {
  test(`refuses ${label}`, (t) => {
    const error = t.throws(() => decodeEnvelope(bytes), { instanceOf: Refusal })
    t.is(error.code, 'bad-message')
  })
}
