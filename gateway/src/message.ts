import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { Refusal } from './refusal.js'

/** One y-websocket message, the payload of an envelope. */
export type Message =
  | { readonly type: 'step-1'; readonly stateVector: Uint8Array }
  | { readonly type: 'step-2'; readonly update: Uint8Array }
  | { readonly type: 'update'; readonly update: Uint8Array }
  | { readonly type: 'awareness'; readonly update: Uint8Array }
  | { readonly type: 'permission-denied'; readonly reason: string }
  | { readonly type: 'query-awareness' }

const MESSAGE_SYNC = 0
const MESSAGE_AWARENESS = 1
const MESSAGE_AUTH = 2
const MESSAGE_QUERY_AWARENESS = 3

const SYNC_STEP_1 = 0
const SYNC_STEP_2 = 1
const SYNC_UPDATE = 2

const AUTH_PERMISSION_DENIED = 0

export function encodeMessage(message: Message): Uint8Array {
  return encoding.encode((encoder) => {
    switch (message.type) {
      case 'step-1':
        return writeSync(encoder, SYNC_STEP_1, message.stateVector)
      case 'step-2':
        return writeSync(encoder, SYNC_STEP_2, message.update)
      case 'update':
        return writeSync(encoder, SYNC_UPDATE, message.update)
      case 'awareness':
        encoding.writeVarUint(encoder, MESSAGE_AWARENESS)
        return encoding.writeVarUint8Array(encoder, message.update)
      case 'permission-denied':
        encoding.writeVarUint(encoder, MESSAGE_AUTH)
        encoding.writeVarUint(encoder, AUTH_PERMISSION_DENIED)
        return encoding.writeVarString(encoder, message.reason)
      case 'query-awareness':
        return encoding.writeVarUint(encoder, MESSAGE_QUERY_AWARENESS)
    }
  })
}

/**
 * Decodes one message that fills `payload` exactly. The original TypeScript provider writes the type byte twice; its
 * messages are accepted too. A correct message read as a doubled one, or the reverse, never comes out even, so trying
 * the correct form first decides every case. Throws a `bad-message` refusal.
 */
export function decodeMessage(payload: Uint8Array): Message {
  const message = readExactly(payload) ?? (payload[0] === payload[1] ? readExactly(payload.subarray(1)) : undefined)
  if (message === undefined) throw new Refusal('bad-message', 'payload is not a y-websocket message')
  return message
}

function readExactly(payload: Uint8Array): Message | undefined {
  const decoder = decoding.createDecoder(payload)
  try {
    const message = readMessage(decoder)
    return decoding.hasContent(decoder) ? undefined : message
  } catch {
    return undefined // lib0 throws at the end of the bytes and on integers beyond 2^53
  }
}

function readMessage(decoder: decoding.Decoder): Message | undefined {
  switch (decoding.readVarUint(decoder)) {
    case MESSAGE_SYNC:
      return readSync(decoder)
    case MESSAGE_AWARENESS:
      return { type: 'awareness', update: decoding.readVarUint8Array(decoder) }
    case MESSAGE_AUTH:
      if (decoding.readVarUint(decoder) !== AUTH_PERMISSION_DENIED) return undefined
      return { type: 'permission-denied', reason: decoding.readVarString(decoder) }
    case MESSAGE_QUERY_AWARENESS:
      return { type: 'query-awareness' }
    default:
      return undefined
  }
}

function readSync(decoder: decoding.Decoder): Message | undefined {
  switch (decoding.readVarUint(decoder)) {
    case SYNC_STEP_1:
      return { type: 'step-1', stateVector: decoding.readVarUint8Array(decoder) }
    case SYNC_STEP_2:
      return { type: 'step-2', update: decoding.readVarUint8Array(decoder) }
    case SYNC_UPDATE:
      return { type: 'update', update: decoding.readVarUint8Array(decoder) }
    default:
      return undefined
  }
}

function writeSync(encoder: encoding.Encoder, step: number, bytes: Uint8Array): void {
  encoding.writeVarUint(encoder, MESSAGE_SYNC)
  encoding.writeVarUint(encoder, step)
  encoding.writeVarUint8Array(encoder, bytes)
}
