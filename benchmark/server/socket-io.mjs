// Socket.IO with the envelopes of this project: many documents on a connection, an ack per edit.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { BINARY, TEXT, frame } from './web-socket.mjs'
import { encodeSync, readSync } from './y-websocket.mjs'

/** Engine.IO's handshake. Pings are so rare that none comes during a run. */
const OPEN = { sid: 'bench', upgrades: [], pingInterval: 300_000, pingTimeout: 300_000, maxPayload: 1e9 }
const SYNC_EVENT = 'y-kafka-collabation-server-sync'

export const greeting = () => text('0' + JSON.stringify(OPEN))

export function syncMessage(docId, type, payload, offset = 0) {
  const message = encodeSync(encoding.createEncoder(), type, payload)
  const metadata = Buffer.from(JSON.stringify({ roomId: 'room', docId, senderId: 'bench', timestamp: 1 }))
  const envelope = Buffer.alloc(2 + metadata.length + message.length)
  envelope.writeUInt16LE(metadata.length, 0)
  metadata.copy(envelope, 2)
  envelope.set(message, 2 + metadata.length)
  const event = `451-["${SYNC_EVENT}",{"_placeholder":true,"num":0},"${offset}"]`
  return Buffer.concat([text(event), frame(BINARY, envelope)])
}

export class Session {
  #ackId
  #acks = 0

  read(opcode, message) {
    if (opcode === BINARY) return this.#readEnvelope(message)
    const packet = message.toString()
    if (packet.startsWith('40')) return { reply: text('40{"sid":"bench-socket"}') }
    // The head of a binary event; its envelope is the next message.
    const digits = /^451-(\d*)\[/.exec(packet)?.[1]
    this.#ackId = digits || undefined
    return undefined
  }

  #readEnvelope(envelope) {
    const length = envelope.readUInt16LE(0)
    const { docId } = JSON.parse(envelope.toString('utf8', 2, 2 + length))
    const sync = readSync(decoding.createDecoder(envelope.subarray(2 + length)))
    const confirmation = this.#ackId && this.#ack(this.#ackId)
    return sync ? { docId, ...sync, confirmation } : confirmation && { reply: confirmation }
  }

  #ack(id) {
    const position = { ok: true, topic: 'ykc.sync.room', partition: 0, offset: String(this.#acks++) }
    return text(`43${id}${JSON.stringify([position])}`)
  }
}

function text(packet) {
  return frame(TEXT, Buffer.from(packet))
}
