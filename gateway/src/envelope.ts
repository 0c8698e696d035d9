import { isIdentifier } from './document-id.js'
import { Refusal } from './refusal.js'

export interface EnvelopeMetadata {
  readonly roomId: string
  readonly docId: string
  readonly parentId?: string | undefined
  /** Socket id of the author, `server` for the gateway itself. Stamped by the gateway, never trusted from a client. */
  readonly senderId?: string | undefined
  readonly version?: string | undefined
  /** Milliseconds since the epoch. */
  readonly timestamp?: number | undefined
}

export interface Envelope {
  readonly metadata: EnvelopeMetadata
  readonly payload: Uint8Array
}

const LENGTH_BYTES = 2
/** The u16 could say 64 KiB; nobody needs that, and every record in the log carries it. */
const MAX_METADATA_BYTES = 16 * 1024

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** `[u16 LE metadata length][metadata JSON][payload]`. Throws a `RangeError` when the metadata exceeds 16 KiB. */
export function encodeEnvelope(metadata: EnvelopeMetadata, payload: Uint8Array): Buffer {
  const { roomId, docId, parentId, senderId, version, timestamp } = metadata
  // Spelled out because the order of the keys is part of the format; JSON.stringify drops undefined ones.
  const json = Buffer.from(JSON.stringify({ roomId, docId, parentId, senderId, version, timestamp }))
  if (json.length > MAX_METADATA_BYTES) {
    throw new RangeError(`envelope metadata of ${json.length} bytes exceeds ${MAX_METADATA_BYTES}`)
  }
  const envelope = Buffer.allocUnsafe(LENGTH_BYTES + json.length + payload.length)
  envelope.writeUInt16LE(json.length, 0)
  json.copy(envelope, LENGTH_BYTES)
  envelope.set(payload, LENGTH_BYTES + json.length)
  return envelope
}

/** The payload is a view of `bytes`. Throws a `bad-message` refusal for anything that is not an envelope. */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  if (bytes.length < LENGTH_BYTES) throw malformed('shorter than its length field')
  const length = bytes[0]! | (bytes[1]! << 8)
  if (length > MAX_METADATA_BYTES) throw malformed(`metadata of ${length} bytes exceeds ${MAX_METADATA_BYTES}`)
  const end = LENGTH_BYTES + length
  if (end > bytes.length) throw malformed('truncated metadata')
  return { metadata: parseMetadata(bytes.subarray(LENGTH_BYTES, end)), payload: bytes.subarray(end) }
}

function parseMetadata(json: Uint8Array): EnvelopeMetadata {
  let value: unknown
  try {
    value = JSON.parse(utf8.decode(json))
  } catch {
    throw malformed('metadata is not JSON')
  }
  if (typeof value !== 'object' || value === null) throw malformed('metadata is not an object')
  const { roomId, docId, parentId, senderId, version, timestamp } = value as Record<string, unknown>
  if (!isIdentifier(roomId)) throw malformed('roomId is not a string of 1 to 128 characters')
  if (!isIdentifier(docId)) throw malformed('docId is not a string of 1 to 128 characters')
  // What is optional and unusable is dropped. Bounded like the names: the envelope is written again, with a stamp.
  return {
    roomId,
    docId,
    parentId: isIdentifier(parentId) ? parentId : undefined,
    senderId: isIdentifier(senderId) ? senderId : undefined,
    version: isIdentifier(version) ? version : undefined,
    timestamp: typeof timestamp === 'number' ? timestamp : undefined
  }
}

function malformed(reason: string): Refusal {
  return new Refusal('bad-message', `envelope: ${reason}`)
}
