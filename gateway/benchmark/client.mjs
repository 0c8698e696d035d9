// The client side: official socket.io-client and yjs, with frames that are made before the clock runs.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { io } from 'socket.io-client'
import * as Y from 'yjs'

const SYNC = 'y-kafka-collabation-server-sync'
const ROOM = 'bench'

/** The document of the handshake, which a connection opens before it is measured. */
const LOBBY = 'lobby'

/** Updates of a connection that wait for their ack. */
const WINDOW = 64

/** Types `count` letters, an update each. Resolves with the time in ms that each ack took. */
export async function write(url, docId, count) {
  const frames = typedUpdates(count).map((update) => frame(docId, 2, update))
  const socket = await connect(url, docId)
  await socket.emitWithAck(SYNC, frame(docId, 0, Y.encodeStateVector(new Y.Doc())))
  const latencies = []
  let next = 0
  const lane = async () => {
    while (next < frames.length) {
      const sent = performance.now()
      const ack = await socket.emitWithAck(SYNC, frames[next++])
      if (!ack.ok) throw new Error(`${ack.code}: ${ack.reason}`)
      latencies.push(performance.now() - sent)
    }
  }
  await Promise.all(Array.from({ length: WINDOW }, lane))
  await leave(socket, docId)
  return latencies
}

/** Time in ms from step 1 to a document with the state, on a connection that is open. Throws when letters are missing. */
export async function joinTime(url, docId, letters = 0) {
  const socket = await connect(url, LOBBY)
  const question = frame(docId, 0, Y.encodeStateVector(new Y.Doc()))
  const doc = new Y.Doc()
  const began = performance.now()
  socket.emit(SYNC, question)
  await new Promise((resolve) => {
    socket.on(SYNC, (data) => {
      const { metadata, kind, bytes } = parse(data)
      if (metadata.docId !== docId || kind !== 1) return
      Y.applyUpdate(doc, bytes)
      resolve()
    })
  })
  const time = performance.now() - began
  const { length } = doc.getText('body')
  if (length !== letters) throw new Error(`${docId} has ${length} letters, not ${letters}`)
  await leave(socket, docId)
  return time
}

function typedUpdates(count) {
  const doc = new Y.Doc()
  const updates = []
  doc.on('update', (update) => updates.push(update))
  for (let i = 0; i < count; i++) doc.getText('body').insert(i, String.fromCharCode(97 + (i % 26)))
  return updates
}

async function connect(url, docId) {
  const socket = io(url, {
    query: { roomId: ROOM, docId },
    transports: ['websocket'],
    forceNew: true,
    reconnection: false
  })
  await new Promise((resolve, reject) => socket.once('connect', resolve).once('connect_error', reject))
  return socket
}

/** Resolves when the gateway has let go of the document, so that it is idle. */
async function leave(socket, docId) {
  const message = Buffer.from(JSON.stringify({ type: 'unsubscribe' }))
  await socket.emitWithAck('y-kafka-collabation-server-control', envelope(docId, message))
  socket.close()
}

function frame(docId, kind, bytes) {
  const payload = encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, 0)
    encoding.writeVarUint(encoder, kind)
    encoding.writeVarUint8Array(encoder, bytes)
  })
  return envelope(docId, payload)
}

function envelope(docId, payload) {
  const json = Buffer.from(JSON.stringify({ roomId: ROOM, docId }))
  const length = Buffer.alloc(2)
  length.writeUInt16LE(json.length)
  return Buffer.concat([length, json, payload])
}

function parse(data) {
  const end = 2 + data.readUInt16LE(0)
  const decoder = decoding.createDecoder(data.subarray(end))
  decoding.readVarUint(decoder)
  const kind = decoding.readVarUint(decoder)
  return { metadata: JSON.parse(data.subarray(2, end)), kind, bytes: decoding.readVarUint8Array(decoder) }
}
