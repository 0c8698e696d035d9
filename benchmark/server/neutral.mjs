// A server that keeps no documents: it answers with bytes that were made beforehand, and so costs next to nothing.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { protocols } from './protocols.mjs'
import { FrameReader, accept } from './web-socket.mjs'

const STEP_1 = 0
const STEP_2 = 1
const EMPTY_UPDATE = new Uint8Array([0, 0])
const EMPTY_STATE_VECTOR = new Uint8Array([0])
/** More connections come at once than Node's default lets wait. */
const BACKLOG = 4096
const CHUNK = 1 << 20

/**
 * Listens on a free port. With `body`, a file of frames, it writes that once to everybody who asks for a document;
 * without it, every step 1 is answered by an empty step 2 and a step 1, every edit by a confirmation where the protocol
 * has one.
 *
 * `GET /traffic` gives what went over the WebSockets. `GET /edited?documents=N` answers once edits of N documents came.
 */
export async function startNeutralServer({ protocol, body }) {
  const server = createServer()
  const state = new State(protocols[protocol], body && readFileSync(body))
  server.on('request', (request, response) => state.answer(new URL(request.url, 'http://localhost'), response))
  server.on('upgrade', (request, socket) => {
    accept(request, socket)
    state.serve(request.url, socket)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', BACKLOG, resolve))
  const close = () => {
    state.close()
    server.closeAllConnections()
    server.close()
  }
  return { port: server.address().port, close }
}

class State {
  #protocol
  #body
  #sockets = new Set()
  #edited = new Set()
  #waiting = []
  #traffic = { bytesUp: 0, framesUp: 0, bytesDown: 0 }

  constructor(protocol, body) {
    this.#protocol = protocol
    this.#body = body
  }

  serve(url, socket) {
    const session = new this.#protocol.Session(url)
    const reader = new FrameReader()
    let isAsked = false
    let hasBody = this.#body !== undefined
    const write = (bytes) => {
      this.#traffic.bytesDown += bytes.length
      socket.write(bytes)
    }
    const greeting = this.#protocol.greeting()
    if (greeting) write(greeting)
    this.#sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('data', (chunk) => {
      const replies = []
      const framesBefore = reader.frames
      const onMessage = (opcode, payload) => {
        const message = session.read(opcode, payload)
        if (message?.reply) replies.push(message.reply)
        if (message?.type === undefined) return
        if (!this.#body) return this.#handle(message, replies)
        isAsked ||= message.type === STEP_1
      }
      reader.read(chunk, onMessage, () => socket.end())
      this.#traffic.bytesUp += chunk.length
      this.#traffic.framesUp += reader.frames - framesBefore
      // Nothing may come between the pieces of the body.
      if (replies.length > 0 && (hasBody || !this.#body)) write(Buffer.concat(replies))
      if (isAsked && hasBody) {
        hasBody = false
        writeAll(socket, this.#body)
      }
    })
  }

  answer(url, response) {
    if (url.pathname === '/traffic') return response.end(JSON.stringify(this.#traffic))
    this.#waiting.push({ documents: Number(url.searchParams.get('documents')), response })
    this.#wake()
  }

  close() {
    for (const socket of this.#sockets) socket.destroy()
  }

  #handle({ type, docId, payload, confirmation }, replies) {
    if (confirmation) replies.push(confirmation)
    if (type === STEP_1) {
      replies.push(this.#protocol.syncMessage(docId, STEP_2, EMPTY_UPDATE))
      replies.push(this.#protocol.syncMessage(docId, STEP_1, EMPTY_STATE_VECTOR))
      return
    }
    if (payload.length > EMPTY_UPDATE.length) {
      this.#edited.add(docId)
      this.#wake()
    }
  }

  #wake() {
    this.#waiting = this.#waiting.filter(({ documents, response }) => {
      if (this.#edited.size < documents) return true
      response.end()
      return false
    })
  }
}

async function writeAll(socket, body) {
  for (let at = 0; at < body.length && !socket.destroyed; at += CHUNK) {
    if (!socket.write(body.subarray(at, at + CHUNK))) await new Promise((resolve) => socket.once('drain', resolve))
  }
}
