// Packets of Socket.IO, and what is none.

import { Decoder, Encoder, PacketType } from 'socket.io-parser'
import { hex } from './bytes.mjs'

const SYNC_EVENT = 'y-kafka-collabation-server-sync'

const withHexBinary = (value) => {
  if (value instanceof Uint8Array) return { $binary: hex(value) }
  if (Array.isArray(value)) return value.map(withHexBinary)
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withHexBinary(inner)]))
  }
  return value
}

export function socketPackets() {
  const { CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR } = PacketType
  const update = Buffer.from([2, 0, 123, 125, 0, 2, 2, 0, 0])
  const position = { topic: 'sync', partition: 0 }
  const rows = [
    ['connect without auth', { type: CONNECT, nsp: '/' }],
    ['connect with auth', { type: CONNECT, nsp: '/', data: { token: 'abc' } }],
    ['connect to a namespace', { type: CONNECT, nsp: '/admin', data: { token: '123' } }],
    ['connect reply', { type: CONNECT, nsp: '/', data: { sid: 'wZX3oN0bSVIhsaknAAAI' } }],
    ['connect reply with recovery', { type: CONNECT, nsp: '/', data: { sid: 'a', pid: 'b' } }],
    ['disconnect', { type: DISCONNECT, nsp: '/' }],
    ['disconnect from a namespace', { type: DISCONNECT, nsp: '/admin' }],
    [
      'connect error, object',
      { type: CONNECT_ERROR, nsp: '/', data: { message: 'not authorized', data: { code: 'E1' } } }
    ],
    [
      'connect error, object without data',
      { type: CONNECT_ERROR, nsp: '/random', data: { message: 'Invalid namespace' } }
    ],
    ['connect error, string', { type: CONNECT_ERROR, nsp: '/', data: 'Unauthorized' }],
    ['event without arguments', { type: EVENT, nsp: '/', data: ['ping'] }],
    ['event with arguments', { type: EVENT, nsp: '/', data: ['message', 1, '2', { 3: [true] }, null] }],
    ['event with a number as name', { type: EVENT, nsp: '/', data: [1, 'a'] }],
    ['event with an ack', { type: EVENT, nsp: '/', id: 456, data: ['message', 1] }],
    ['event in a namespace with an ack', { type: EVENT, nsp: '/yjs|room', id: 1, data: ['a', 1, {}] }],
    ['event, name needs escapes', { type: EVENT, nsp: '/', data: ['say "hi"\n\u2028', 'grüße 🚀'] }],
    ['sync', { type: EVENT, nsp: '/', data: [SYNC_EVENT, update] }],
    ['sync with an ack', { type: EVENT, nsp: '/', id: 17, data: [SYNC_EVENT, update] }],
    ['sync with offset and position', { type: EVENT, nsp: '/', data: [SYNC_EVENT, update, '123', position] }],
    ['sync of an empty buffer', { type: EVENT, nsp: '/', data: [SYNC_EVENT, Buffer.alloc(0)] }],
    [
      'record of the log',
      { type: EVENT, nsp: '/', data: ['protocol-message', { ...position, offset: '7', message: update }] }
    ],
    ['binary event in a namespace', { type: EVENT, nsp: '/yjs|r', id: 0, data: ['sync-step-1', update] }],
    [
      'two attachments',
      { type: EVENT, nsp: '/', id: 789, data: ['message', Buffer.from([1, 2, 3]), 'x', Buffer.from([4])] }
    ],
    [
      'nested attachments',
      { type: EVENT, nsp: '/', data: ['m', { a: [null, { b: Buffer.from([9]) }], c: Buffer.from([8]) }] }
    ],
    [
      'typed array with an offset',
      { type: EVENT, nsp: '/', data: ['m', new Uint8Array([0, 1, 2, 3, 4]).subarray(1, 3)] }
    ],
    [
      'ten attachments',
      { type: EVENT, nsp: '/', data: ['m', ...Array.from({ length: 10 }, (_, i) => Buffer.from([i]))] }
    ],
    ['ack without arguments', { type: ACK, nsp: '/', id: 7, data: [] }],
    ['ack with offset', { type: ACK, nsp: '/', id: 17, data: [{ ok: true, ...position, offset: '42' }] }],
    ['ack in a namespace', { type: ACK, nsp: '/admin', id: 456, data: ['ok'] }],
    ['binary ack', { type: ACK, nsp: '/', id: 7, data: [Buffer.from([1, 2, 3])] }]
  ]
  return rows.map(([label, packet]) => {
    const [header, ...attachments] = new Encoder().encode(packet)
    const entry = { label, kind: 'socket-packet', header: `4${header}`, attachments: attachments.map(hex) }
    entry.type = PacketType[packet.type].toLowerCase()
    entry.namespace = packet.nsp
    if (packet.id !== undefined) entry.id = packet.id
    if (packet.data !== undefined) entry.data = withHexBinary(packet.data)
    return entry
  })
}

export function invalidSocketPackets() {
  const rows = [
    ['JSON cut off', ['442["some","data"']],
    ['connect with a string', ['0/admin,"invalid"']],
    ['connect with an array', ['0[]']],
    ['disconnect with an object', ['1/admin,{}']],
    ['event, string cut off', ['2/admin,"invalid']],
    ['event with an object', ['2/admin,{}']],
    ['event, name is an object', ['2[{"toString":"foo"}]']],
    ['event, name is a boolean', ['2[true,"foo"]']],
    ['event, name is null', ['2[null,"bar"]']],
    ['event, no name', ['2[]']],
    ['event, reserved name connect', ['2["connect"]']],
    ['event, reserved name disconnect', ['2["disconnect","123"]']],
    ['event, reserved name newListener', ['2["newListener"]']],
    ['event, letters before the payload', ['2abc["a"]']],
    ['ack with an object', ['37{}']],
    ['connect error with a boolean', ['4true']],
    ['connect error with an array', ['4["a"]']],
    ['binary event, nothing else', ['5']],
    ['binary event, no dash', ['51']],
    ['binary event, count is no number', ['5a-']],
    ['binary event, count is no integer', ['51.23-']],
    ['binary event, count is zero', ['50-["a"]']],
    ['binary event, count is negative', ['5-1-["a"]']],
    ['binary event, too many attachments', ['511-["a"]']],
    ['unknown type', ['999']],
    ['attachment without header', [Buffer.from([1])]],
    ['text while attachments are pending', ['51-["a",{"_placeholder":true,"num":0}]', '2["b"]']],
    ['placeholder out of bounds', ['51-["a",{"_placeholder":true,"num":1}]', Buffer.from([1])]],
    ['placeholder with a negative number', ['51-["a",{"_placeholder":true,"num":-1}]', Buffer.from([1])]],
    ['placeholder with a string', ['51-["a",{"_placeholder":true,"num":"splice"}]', Buffer.from([1])]],
    ['placeholder without a number', ['51-["a",{"_placeholder":true}]', Buffer.from([1])]],
    ['nested placeholder out of bounds', ['51-["a",{"b":[{"num":5,"_placeholder":true}]}]', Buffer.from([1])]]
  ]
  return rows.map(([label, frames]) => {
    const decoder = new Decoder()
    let error
    try {
      frames.forEach((frame) => decoder.add(frame))
    } catch (thrown) {
      error = thrown.message
    }
    if (error === undefined) throw new Error(`the official parser accepts: ${label}`)
    const framesOut = frames.map((frame) => (typeof frame === 'string' ? frame : { $binary: hex(frame) }))
    return { label, kind: 'invalid-socket-packet', frames: framesOut, error }
  })
}
