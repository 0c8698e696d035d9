// The official parsers, for tests/parser_pair.rs: takes a question per line and answers with a line of JSON each.
//
// {"decode": frames}  what one connection's decoder makes of these frames, and of the empty attachments that are still
//                     missing then: {packets, missing, error?}
// {"encode": packet}  the frames of a packet
// {"engine": text}    what an Engine.IO message is
//
// Bytes are {"$binary": hex}, in frames and in the data of packets.

import { createInterface } from 'node:readline'
import { decodePacket } from 'engine.io-parser'
import { Decoder, Encoder, PacketType } from 'socket.io-parser'

const withHex = (value) => {
  if (Buffer.isBuffer(value)) return { $binary: value.toString('hex') }
  if (Array.isArray(value)) return value.map(withHex)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withHex(inner)]))
}

const withBytes = (value) => {
  if (Array.isArray(value)) return value.map(withBytes)
  if (value === null || typeof value !== 'object') return value
  if (typeof value.$binary === 'string') return Buffer.from(value.$binary, 'hex')
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withBytes(inner)]))
}

function decode(frames) {
  const decoder = new Decoder()
  const packets = []
  decoder.on('decoded', ({ type, nsp, id, data }) => packets.push(withHex({ type: PacketType[type], nsp, id, data })))
  let missing = 0
  try {
    for (const frame of withBytes(frames)) decoder.add(frame)
    for (; decoder.reconstructor; missing++) decoder.add(Buffer.alloc(0))
    return { packets, missing }
  } catch (error) {
    return { packets, missing: missing + 1, error: error.message }
  }
}

const encode = ({ type, ...packet }) => withHex(new Encoder().encode({ type: PacketType[type], ...withBytes(packet) }))

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line)
  let answer
  if (question.decode) answer = decode(question.decode)
  else if (question.encode) answer = encode(question.encode)
  else answer = withHex(decodePacket(question.engine, 'nodebuffer'))
  console.log(JSON.stringify(answer))
}
