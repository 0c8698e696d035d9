// Hocuspocus: many documents on a connection, every message begins with the name of its document.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { BINARY, frame } from './web-socket.mjs'
import { encodeSync, readSync } from './y-websocket.mjs'

const AUTH = 2
const AUTHENTICATED = 2
const SYNC_STATUS = 8
const APPLIED = 1

export const greeting = () => undefined

export function syncMessage(docId, type, payload) {
  return frame(BINARY, encodeSync(encoderFor(docId), type, payload))
}

export class Session {
  read(_opcode, message) {
    const decoder = decoding.createDecoder(message)
    const docId = decoding.readVarString(decoder)
    if (message[decoder.pos] === AUTH) return { reply: authenticated(docId) }
    const sync = readSync(decoder)
    return sync && { docId, ...sync, confirmation: sync.type === 0 ? undefined : applied(docId) }
  }
}

function authenticated(docId) {
  const encoder = encoderFor(docId)
  encoding.writeVarUint(encoder, AUTH)
  encoding.writeVarUint(encoder, AUTHENTICATED)
  encoding.writeVarString(encoder, 'read-write')
  return frame(BINARY, encoding.toUint8Array(encoder))
}

function applied(docId) {
  const encoder = encoderFor(docId)
  encoding.writeVarUint(encoder, SYNC_STATUS)
  encoding.writeVarInt(encoder, APPLIED)
  return frame(BINARY, encoding.toUint8Array(encoder))
}

function encoderFor(docId) {
  const encoder = encoding.createEncoder()
  encoding.writeVarString(encoder, docId)
  return encoder
}
