import type { DocumentId } from './document-id.js'

/*
 * Keys sort by byte order. Names carry their length in front, so no name, whatever it contains, can look like the end
 * of another. Records sort by document and then by offset, not by offset alone: opening one document of a large
 * room reads that document's records only.
 *
 *   'L' room doc offset   record: envelope
 *   'M' room              next offset of the room's log
 *   'S' room doc          snapshot: offset, state
 *
 * A view of Kafka has, beside records and snapshots,
 *
 *   'I'                             what it is a view of
 *   'P' topic partition             the offset it goes on at
 *   'N' room doc                    the lowest offset of the document that its snapshot in Kafka does not cover
 *   'U' partition offset room doc   the same by offset: Kafka's key of the document
 */

export const OFFSET_BYTES = 8
const MAX_OFFSET = 2n ** 64n - 1n

export function recordKey({ roomId, docId }: DocumentId, offset: bigint): Buffer {
  return Buffer.concat([Buffer.from('L'), name(roomId), name(docId), encodeOffset(offset)])
}

export function recordRange(document: DocumentId, from: bigint, to: bigint = MAX_OFFSET) {
  return { gte: recordKey(document, from), lte: recordKey(document, to) }
}

export function nextOffsetKey(roomId: string): Buffer {
  return Buffer.concat([Buffer.from('M'), name(roomId)])
}

export function snapshotKey({ roomId, docId }: DocumentId): Buffer {
  return Buffer.concat([Buffer.from('S'), name(roomId), name(docId)])
}

export function identityKey(): Buffer {
  return Buffer.from('I')
}

export function positionKey(topic: string, partition: number): Buffer {
  return Buffer.concat([Buffer.from('P'), name(topic), uint32(partition)])
}

export function neededKey({ roomId, docId }: DocumentId): Buffer {
  return Buffer.concat([Buffer.from('N'), name(roomId), name(docId)])
}

export function neededOffsetKey(partition: number, offset: bigint, { roomId, docId }: DocumentId): Buffer {
  return Buffer.concat([Buffer.from('U'), uint32(partition), encodeOffset(offset), name(roomId), name(docId)])
}

export function neededOffsetRange(partition: number) {
  const prefix = (number: number) => Buffer.concat([Buffer.from('U'), uint32(number)])
  return { gte: prefix(partition), lt: prefix(partition + 1) }
}

/** The offset at the end of a record key. */
export function offsetOfKey(key: Uint8Array): bigint {
  return decodeOffset(key.subarray(key.length - OFFSET_BYTES))
}

export function encodeOffset(offset: bigint): Buffer {
  const bytes = Buffer.allocUnsafe(OFFSET_BYTES)
  bytes.writeBigUInt64BE(offset)
  return bytes
}

/** Reads the offset at the start of `bytes`; throws a `RangeError` when there are too few. */
export function decodeOffset(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0)
}

export function splitOffset(bytes: Uint8Array): { offset: bigint; rest: Uint8Array } {
  return { offset: decodeOffset(bytes), rest: bytes.subarray(OFFSET_BYTES) }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function name(value: string): Buffer {
  const bytes = Buffer.from(value)
  const length = Buffer.allocUnsafe(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}
