import type { ExecutionContext } from 'ava'
import * as decoding from 'lib0/decoding'
import { io, type Socket } from 'socket.io-client'
import * as syncProtocol from 'y-protocols/sync'
import * as Y from 'yjs'

import { waitFor } from '../support/wait.ts'
import * as wire from '../support/wire.ts'
import type { PublishedServer } from './published-server.ts'

export interface PeerOptions {
  /** Writes the type byte twice, as the TypeScript provider does in all its versions. */
  readonly isDoubled?: boolean
  /** Sends the offset that it has seen as a second argument, as its later versions do. */
  readonly sendsOffset?: boolean
}

/**
 * A client of the published server with one document, made of official parts. It behaves as the TypeScript provider: it
 * answers every step 1, whoever sent it, its own included, at once and with everything, and it keeps nothing.
 */
export class PublishedPeer {
  readonly doc = new Y.Doc()
  readonly socket: Socket
  readonly #docId: string
  readonly #options: PeerOptions
  #offset: string | undefined

  private constructor(server: PublishedServer, docId: string, options: PeerOptions) {
    this.#docId = docId
    this.#options = options
    const query = { roomId: 'room', docId }
    this.socket = io(server.url, { query, transports: ['websocket'], forceNew: true, reconnection: false })
    this.socket.on(wire.SYNC, (data: Buffer) => this.#take(data))
    this.socket.on('protocol-message', ({ message, offset, topic }: Record<string, any>) => {
      if (topic.includes('-sync-')) this.#offset = offset
      this.#take(message)
    })
    this.doc.on('update', (bytes: Uint8Array, origin: unknown) => {
      if (origin !== this) this.send(wire.update(bytes))
    })
  }

  /** Resolves when the server listens to it and its step 1 is back from the log. */
  static async join(t: ExecutionContext, server: PublishedServer, docId: string, options: PeerOptions = {}) {
    const peer = new PublishedPeer(server, docId, options)
    t.teardown(() => peer.socket.close())
    await waitFor(peer.socket, 'connect')
    // It says it again until it is heard: the original would wait half a minute.
    const timer = setInterval(() => peer.send(wire.step1(peer.doc)), 20)
    try {
      await waitFor(peer.socket, 'protocol-message', ({ message }) => peer.#isOwn(message))
    } finally {
      clearInterval(timer)
    }
    return peer
  }

  /** Sends a message of its document. */
  send(payload: Uint8Array, event = wire.SYNC): void {
    const { isDoubled = true, sendsOffset = false } = this.#options
    const metadata = { roomId: 'room', docId: this.#docId, senderId: this.socket.id, timestamp: Date.now() }
    const bytes = wire.envelope(metadata, isDoubled ? wire.doubled(payload) : payload)
    if (sendsOffset && this.#offset !== undefined) this.socket.emit(event, bytes, this.#offset)
    else this.socket.emit(event, bytes)
  }

  #isOwn(message: Buffer): boolean {
    return wire.readFrame(wire.SYNC, message).metadata.senderId === this.socket.id
  }

  #take(data: Buffer): void {
    const { metadata, payload } = wire.readFrame(wire.SYNC, data)
    if (metadata.docId !== this.#docId || payload[0] !== 0) return
    const decoder = decoding.createDecoder(wire.single(payload))
    decoding.readVarUint(decoder)
    const answer = wire.message(0, (encoder) => syncProtocol.readSyncMessage(decoder, encoder, this.doc, this))
    if (answer.length > 1) this.send(answer)
  }
}
