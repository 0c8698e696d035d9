import type { DocumentId } from './document-id.js'

/*
 * The key of a document's records: `room NUL doc` in UTF-8. A NUL in a name would make two documents one, so it is
 * written as \u0001 \u0001, and \u0001 as \u0001 \u0002.
 */

const SEPARATOR = '\0'

export function kafkaKey({ roomId, docId }: DocumentId): Buffer {
  return Buffer.from(escaped(roomId) + SEPARATOR + escaped(docId))
}

/** The document of a key; undefined for keys that are not ours. */
export function documentOfKey(key: Uint8Array | null | undefined): DocumentId | undefined {
  if (key == null) return undefined
  const [roomId, docId, ...rest] = Buffer.from(key.buffer, key.byteOffset, key.length).toString().split(SEPARATOR)
  if (!roomId || !docId || rest.length > 0) return undefined
  return { roomId: unescaped(roomId), docId: unescaped(docId) }
}

/** The partition that Kafka's own clients choose for a key, in any language: another program finds our documents. */
export function partitionOf(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}

/** MurmurHash2 with Kafka's seed, as a signed 32-bit integer. */
export function murmur2(bytes: Uint8Array): number {
  const multiplier = 0x5bd1e995
  let hash = 0x9747b28c ^ bytes.length
  let index = 0
  for (; index + 4 <= bytes.length; index += 4) {
    let word = bytes[index]! | (bytes[index + 1]! << 8) | (bytes[index + 2]! << 16) | (bytes[index + 3]! << 24)
    word = Math.imul(word, multiplier)
    word = Math.imul(word ^ (word >>> 24), multiplier)
    hash = Math.imul(hash, multiplier) ^ word
  }
  if (index < bytes.length) {
    for (let rest = bytes.length - 1; rest >= index; rest--) hash ^= bytes[rest]! << (8 * (rest - index))
    hash = Math.imul(hash, multiplier)
  }
  hash = Math.imul(hash ^ (hash >>> 13), multiplier)
  return hash ^ (hash >>> 15)
}

function escaped(name: string): string {
  return name.replaceAll('\u0001', '\u0001\u0002').replaceAll('\0', '\u0001\u0001')
}

function unescaped(name: string): string {
  return name.replace(/\u0001([\u0001\u0002])/g, (_, code) => (code === '\u0001' ? '\0' : '\u0001'))
}
