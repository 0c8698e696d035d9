// Real servers, that keep documents and pass edits on: for what needs two clients.
import { createServer } from 'node:http'
import { createGateway } from '@y-kafka-collabation-server/gateway'
import { Server as HocuspocusServer } from '@hocuspocus/server'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { WebSocketServer } from 'ws'
import { readSyncMessage, writeSyncStep1, writeUpdate } from 'y-protocols/sync'
import * as Y from 'yjs'

const SYNC = 0

/** Starts the server of a protocol on a free port. */
export function startRealServer(protocol) {
  return { 'socket.io': startGateway, 'y-websocket': startYWebsocket, hocuspocus: startHocuspocus }[protocol]()
}

/** Ours, with the log in RAM. */
async function startGateway() {
  const gateway = createGateway({ maxUnackedFrames: 1 << 16 })
  const port = await gateway.listen(0)
  return { port, close: () => void gateway.close() }
}

async function startHocuspocus() {
  const server = new HocuspocusServer({ port: 0, address: '127.0.0.1', quiet: true, stopOnSignals: false })
  await server.listen()
  return { port: server.address.port, close: () => void server.destroy() }
}

/** What y-websocket's own server does for sync messages: applies them, and sends every update to all. */
async function startYWebsocket() {
  const server = createServer()
  const documents = new Map()
  const open = (name) => {
    if (!documents.has(name)) documents.set(name, new Room())
    return documents.get(name)
  }
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket, request) => open(request.url).join(socket))
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    for (const socket of sockets.clients) socket.terminate()
    server.close()
  }
  return { port: server.address().port, close }
}

class Room {
  #doc = new Y.Doc()
  #members = new Set()

  constructor() {
    this.#doc.on('update', (update) => {
      const message = encode((encoder) => writeUpdate(encoder, update))
      for (const member of this.#members) member.send(message)
    })
  }

  join(socket) {
    this.#members.add(socket)
    socket.on('close', () => this.#members.delete(socket))
    socket.on('message', (data) => {
      const decoder = decoding.createDecoder(new Uint8Array(data))
      if (decoding.readVarUint(decoder) !== SYNC) return
      const reply = encode((encoder) => readSyncMessage(decoder, encoder, this.#doc, socket))
      if (reply.length > 1) socket.send(reply)
    })
    socket.send(encode((encoder) => writeSyncStep1(encoder, this.#doc)))
  }
}

function encode(write) {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, SYNC)
  write(encoder)
  return encoding.toUint8Array(encoder)
}
