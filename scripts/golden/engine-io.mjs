// Messages of Engine.IO.

import { decodePacket, encodePacket } from 'engine.io-parser'
import { hex } from './bytes.mjs'

export function enginePackets() {
  const handshake = {
    sid: 'lv_VI97HAXpY6yYWAAAC',
    upgrades: [],
    pingInterval: 25000,
    pingTimeout: 20000,
    maxPayload: 1000000
  }
  const { maxPayload: _, ...oldHandshake } = handshake
  const encoded = (packet) => {
    let text
    const supportsBinary = false
    encodePacket(packet, supportsBinary, (data) => {
      text = data
    })
    return text
  }
  const rows = [
    ['open', encoded({ type: 'open', data: JSON.stringify(handshake) })],
    ['open without maxPayload', encoded({ type: 'open', data: JSON.stringify(oldHandshake) })],
    ['close', encoded({ type: 'close' })],
    ['ping', encoded({ type: 'ping' })],
    ['ping with a payload', encoded({ type: 'ping', data: 'probe' })],
    ['pong', encoded({ type: 'pong' })],
    ['message', encoded({ type: 'message', data: '2["hello",1]' })],
    ['message, not ASCII', encoded({ type: 'message', data: '2["grüße 🚀"]' })],
    ['upgrade', encoded({ type: 'upgrade' })],
    ['noop', encoded({ type: 'noop' })],
    ['binary as base64', encoded({ type: 'message', data: Buffer.from([0, 1, 254, 255]) })],
    ['binary as base64, without padding', 'b-_A'],
    ['binary as base64, empty', 'b'],
    ['empty text', ''],
    ['unknown type', 'a123']
  ]
  return rows.map(([label, text]) => {
    const packet = decodePacket(text, 'nodebuffer')
    const entry = { label, kind: 'engine-packet', text, type: packet.type }
    if (Buffer.isBuffer(packet.data)) entry.binary = hex(packet.data)
    else if (packet.type !== 'error' && packet.data !== undefined) entry.data = packet.data
    return entry
  })
}
