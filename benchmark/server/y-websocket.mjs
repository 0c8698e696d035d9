// y-websocket: a connection per document, whose name is in the URL; every frame is a y message.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { BINARY, frame } from './web-socket.mjs'

const SYNC = 0

export const greeting = () => undefined

export function syncMessage(_docId, type, payload) {
  return frame(BINARY, encodeSync(encoding.createEncoder(), type, payload))
}

export class Session {
  #docId

  constructor(url) {
    this.#docId = url.slice(1).split('?')[0]
  }

  read(_opcode, message) {
    return { docId: this.#docId, ...readSync(decoding.createDecoder(message)) }
  }
}

export function encodeSync(encoder, type, payload) {
  encoding.writeVarUint(encoder, SYNC)
  encoding.writeVarUint(encoder, type)
  encoding.writeVarUint8Array(encoder, payload)
  return encoding.toUint8Array(encoder)
}

/** Type and payload of a sync message, nothing for others. */
export function readSync(decoder) {
  if (decoding.readVarUint(decoder) !== SYNC) return undefined
  return { type: decoding.readVarUint(decoder), payload: decoding.readVarUint8Array(decoder) }
}
