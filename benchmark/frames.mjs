// What a server sends, encoded beforehand, so that the server is never what is measured.
import { readFileSync, existsSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import * as encoding from 'lib0/encoding'
import { createHash } from 'node:crypto'
import * as Y from 'yjs'

const TRACES = new URL('../../shared/data/', import.meta.url)

/** Small updates of one document: a real editing trace when it is there, seeded typing otherwise. */
export function traceUpdates(count) {
  const doc = new Y.Doc()
  doc.clientID = 1
  const text = doc.getText('text')
  const updates = []
  doc.on('update', (update) => updates.push(update))
  for (const [position, deleted, inserted] of patches(count)) {
    doc.transact(() => {
      if (deleted > 0) text.delete(position, deleted)
      if (inserted) text.insert(position, inserted)
    })
    if (updates.length >= count) break
  }
  return { updates, hash: hashText(text.toString()) }
}

/** One text of this many characters, as one update. */
export function stateUpdate(length) {
  const { updates } = traceUpdates(Math.min(length, 20_000))
  const doc = new Y.Doc()
  doc.clientID = 2
  Y.transact(doc, () => {
    for (const update of updates) Y.applyUpdate(doc, update)
  })
  const text = doc.getText('text')
  while (text.length < length) {
    // Written from many places, so that the state has many items, as a document that people wrote.
    text.insert((text.length * 7919) % (text.length + 1), 'lorem ipsum dolor sit amet ')
  }
  return { update: Y.encodeStateAsUpdate(doc), hash: hashText(text.toString()) }
}

/** Socket.IO text and binary frame of one sync message. */
export function syncFrames(roomId, docId, syncType, update, offset) {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, 0)
  encoding.writeVarUint(encoder, syncType)
  encoding.writeVarUint8Array(encoder, update)
  const payload = encoding.toUint8Array(encoder)
  const metadata = Buffer.from(JSON.stringify({ roomId, docId, senderId: 'bench', timestamp: 1 }))
  const envelope = Buffer.alloc(2 + metadata.length + payload.length)
  envelope.writeUInt16LE(metadata.length, 0)
  metadata.copy(envelope, 2)
  envelope.set(payload, 2 + metadata.length)
  const header = `451-["y-kafka-collabation-server-sync",{"_placeholder":true,"num":0},"${offset}"]`
  return [frame(1, Buffer.from(header)), frame(2, envelope)]
}

/** A WebSocket frame, final and unmasked. */
export function frame(opcode, payload) {
  const length = payload.length
  const head =
    length < 126
      ? Buffer.from([0x80 | opcode, length])
      : length < 65_536
        ? Buffer.from([0x80 | opcode, 126, length >> 8, length & 255])
        : Buffer.from([
            0x80 | opcode,
            127,
            0,
            0,
            0,
            0,
            length >>> 24,
            (length >> 16) & 255,
            (length >> 8) & 255,
            length & 255
          ])
  return Buffer.concat([head, payload])
}

export function hashText(text) {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

function* patches(count) {
  const file = new URL('automerge-paper.json.gz', TRACES)
  if (existsSync(file)) {
    const trace = JSON.parse(gunzipSync(readFileSync(file)).toString())
    for (const { patches } of trace.txns) yield* patches
    return
  }
  let seed = 42
  const random = () => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff) / 0x7fffffff
  let length = 0
  let cursor = 0
  for (let i = 0; i < count; i++) {
    if (random() < 0.02) cursor = Math.floor(random() * (length + 1))
    if (random() < 0.15 && cursor > 0) {
      yield [--cursor, 1, '']
      length--
    } else {
      yield [cursor++, 0, String.fromCharCode(97 + Math.floor(random() * 26))]
      length++
    }
  }
}
