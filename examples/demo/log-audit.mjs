// What the gateway's log says: read while the gateway is stopped, and replayed with the official yjs.
import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'
import { digest } from './digest.mjs'
import { DOCUMENTS, README, REVIEW, ROOM } from './script.mjs'

/**
 * Reads the log. Resolves with its records and with a digest of the documents that they make.
 * Rejects when offsets are missing. Needs a log without snapshots, as the gateway's is below 500 updates a document.
 */
export async function readLog(log) {
  const store = await log.open()
  try {
    const records = []
    const docs = new Map(DOCUMENTS.map((docId) => [docId, new Y.Doc()]))
    for (const [docId, doc] of docs) {
      for await (const { offset, value } of store.read({ roomId: ROOM, docId }, 0n)) {
        const { senderId, update } = decodeRecord(value)
        Y.applyUpdate(doc, update)
        records.push({ docId, offset: Number(offset), senderId, bytes: value.length })
      }
    }
    assertNoGap(records)
    return { topic: store.locate({ roomId: ROOM, docId: README }).topic, records, digest: digestOf(docs) }
  } finally {
    await store.close()
  }
}

/** Rows for a table: one per author and document. `authors` maps socket ids to names. Throws for an unknown author. */
export function authorRows({ records }, authors) {
  const rows = new Map()
  for (const { docId, offset, senderId, bytes } of records) {
    const author = authors.get(senderId)
    if (author === undefined)
      throw new Error(`record ${offset} comes from socket ${senderId}: somebody connected once more than asked`)
    const row = rows.get(`${author} ${docId}`) ?? { author, docId, count: 0, bytes: 0, first: offset }
    rows.set(`${author} ${docId}`, { ...row, count: row.count + 1, bytes: row.bytes + bytes, last: offset })
  }
  const sorted = [...rows.values()].sort((a, b) => `${a.author} ${a.docId}`.localeCompare(`${b.author} ${b.docId}`))
  const cells = sorted.map(({ author, docId, count, bytes, first, last }) => {
    return [author, docId, String(count), `${first} to ${last}`, bytes.toLocaleString('en')]
  })
  return [['author', 'document', 'records', 'offsets', 'bytes'], ...cells]
}

/** Throws unless the log has every offset that a participant was told, and nothing later. */
export function assertLogged(name, { offsets, acked = {} }, { records }) {
  for (const docId of DOCUMENTS) {
    const logged = records.filter((record) => record.docId === docId).map(({ offset }) => offset)
    if (Number(offsets[docId]) !== logged.at(-1)) {
      throw new Error(`${docId} is at offset ${logged.at(-1)} in the log, and at ${offsets[docId]} for ${name}`)
    }
    const missing = (acked[docId] ?? []).find((offset) => !logged.includes(Number(offset)))
    if (missing !== undefined) throw new Error(`offset ${missing} was confirmed to ${name} and is not in the log`)
  }
}

/** Records of one document come by rising offset; all documents of a room share one log. */
function assertNoGap(records) {
  records.sort((a, b) => a.offset - b.offset)
  const index = records.findIndex(({ offset }, index) => offset !== index)
  if (index >= 0) throw new Error(`the log has offset ${records[index].offset} where ${index} was expected`)
}

function digestOf(docs) {
  const body = docs.get(README).getText('body')
  return digest({
    text: body.toString(),
    delta: body.toDelta(),
    map: docs.get(README).getMap('stats').toJSON(),
    array: docs.get(REVIEW).getArray('comments').toJSON(),
    vectors: [...docs.values()].map((doc) => Y.encodeStateVector(doc))
  })
}

/** `[u16 LE length][metadata JSON][0 sync][2 update][length][update]` */
function decodeRecord(value) {
  const decoder = decoding.createDecoder(value)
  const metadata = decoding.readUint8Array(decoder, decoding.readUint16(decoder))
  decoding.readVarUint(decoder)
  decoding.readVarUint(decoder)
  const { senderId } = JSON.parse(new TextDecoder().decode(metadata))
  return { senderId, update: decoding.readVarUint8Array(decoder) }
}
