// Socket.IO with the envelopes of this project: many documents on a connection, an ack per edit.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { BINARY, TEXT, frame, headSize, writeHead } from './web-socket.mjs'
import { encodeSync, readSync } from './y-websocket.mjs'

/** Engine.IO's handshake. Pings are so rare that none comes during a run. */
const OPEN = { sid: 'bench', upgrades: [], pingInterval: 300_000, pingTimeout: 300_000, maxPayload: 1e9 }
const SYNC_EVENT = 'y-kafka-collabation-server-sync'

export const greeting = () => text('0' + JSON.stringify(OPEN))

/** Both frames at once and without detours: the server writes tens of thousands of these while it is measured. */
export function syncMessage(docId, type, payload, offset = 0) {
  const event = `451-["${SYNC_EVENT}",{"_placeholder":true,"num":0},"${offset}"]`
  const metadata = `{"roomId":"room","docId":"${docId}","senderId":"bench","timestamp":1}`
  const message = encodeSync(encoding.createEncoder(), type, payload)
  const length = 2 + metadata.length + message.length
  const bytes = Buffer.allocUnsafe(headSize(event.length) + event.length + headSize(length) + length)
  let at = writeHead(bytes, 0, TEXT, event.length)
  at += bytes.latin1Write(event, at)
  at = writeHead(bytes, at, BINARY, length)
  at = bytes.writeUInt16LE(metadata.length, at)
  at += bytes.latin1Write(metadata, at)
  bytes.set(message, at)
  return bytes
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
