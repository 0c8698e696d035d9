// The official Socket.IO server with just enough of a collaboration server around it: every message is appended to a
// log in memory, acknowledged with its offset and relayed to everybody, the sender included; step 1 is answered from
// yjs documents, which are an implementation of their own to compare with.
//
// Prints its port. Then takes one command per line and answers with one line of JSON each.

import { once } from 'node:events'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'

import { Server } from 'socket.io'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as syncProtocol from 'y-protocols/sync'
import * as Y from 'yjs'

const CHANNELS = ['sync', 'awareness', 'control'].map((name) => `y-kafka-collabation-server-${name}`)
const SYNC = 0

const docs = new Map()
const log = []
const handshakes = []

const http = createServer()
const io = new Server(http, { maxHttpBufferSize: 1e7, pingInterval: 300, pingTimeout: 200 })

io.use((socket, next) => {
  const { token } = socket.handshake.auth
  handshakes.push({ query: socket.handshake.query, auth: socket.handshake.auth })
  if (token !== 'expired') return next()
  next(Object.assign(new Error('token expired'), { data: { code: 'permission-denied' } }))
})

io.on('connection', (socket) => {
  for (const channel of CHANNELS) {
    socket.on(channel, (envelope, ...rest) => {
      // The offset of a client that resumes may stand between envelope and ack.
      const ack = rest.find((argument) => typeof argument === 'function')
      const offset = log.push(envelope) - 1
      const place = { topic: 'test', partition: 0 }
      const answer = receive(envelope)
      ack?.({ ok: true, ...place, offset: String(offset) })
      io.emit(channel, envelope, String(offset), place)
      if (answer) socket.emit(channel, answer)
    })
  }
})

const commands = {
  text: (docId) => docOf(docId).getText('body').toString(),
  kick: () => io.disconnectSockets(),
  drop: () => Object.values(io.engine.clients).forEach((client) => client.close()),
  heartbeats: (count) => heartbeats(Number(count)),
  handshakes: () => handshakes,
  sockets: () => io.sockets.sockets.size
}

createInterface({ input: process.stdin })
  .on('line', async (line) => {
    const [name, ...args] = line.split(' ')
    console.log(JSON.stringify((await commands[name](...args)) ?? null))
  })
  .on('close', () => process.exit())

http.listen(0, '127.0.0.1', () => console.log(http.address().port))

/** Resolves when the first client has answered that many pings. */
async function heartbeats(count) {
  const [client] = Object.values(io.engine.clients)
  for (let seen = 0; seen < count; seen++) await once(client, 'heartbeat')
}

/** Applies a message to its document; returns the envelope of the answer to a step 1. */
function receive(envelope) {
  const length = envelope.readUInt16LE(0)
  const metadata = JSON.parse(envelope.toString('utf8', 2, 2 + length))
  const decoder = decoding.createDecoder(envelope.subarray(2 + length))
  if (decoding.readVarUint(decoder) !== SYNC) return undefined

  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, SYNC)
  syncProtocol.readSyncMessage(decoder, encoder, docOf(metadata.docId), 'client')
  if (encoding.length(encoder) === 1) return undefined
  const { roomId, docId } = metadata
  return encodeEnvelope({ roomId, docId, senderId: 'server' }, encoding.toUint8Array(encoder))
}

function docOf(docId) {
  if (!docs.has(docId)) docs.set(docId, new Y.Doc())
  return docs.get(docId)
}

function encodeEnvelope(metadata, payload) {
  const json = Buffer.from(JSON.stringify(metadata))
  const length = Buffer.alloc(2)
  length.writeUInt16LE(json.length)
  return Buffer.concat([length, json, payload])
}
