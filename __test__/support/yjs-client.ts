import type { ExecutionContext } from 'ava'
import * as decoding from 'lib0/decoding'
import { io, type Socket } from 'socket.io-client'
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate, removeAwarenessStates } from 'y-protocols/awareness'
import * as syncProtocol from 'y-protocols/sync'
import * as Y from 'yjs'

import { waitFor } from './wait.ts'
import * as wire from './wire.ts'
import { AWARENESS, body, envelope, EVENTS, message, readFrame, SYNC, type Frame } from './wire.ts'

export interface YjsClientOptions {
  readonly roomId?: string
  /** Writes the type byte twice, as the TypeScript provider does. */
  readonly isDoubled?: boolean
}

interface Opened {
  readonly doc: Y.Doc
  readonly awareness: Awareness
}

/** A Yjs provider in JavaScript, from official parts only. */
export class YjsClient {
  readonly socket: Socket
  readonly frames: Frame[] = []
  readonly #roomId: string
  readonly #isDoubled: boolean
  readonly #opened = new Map<string, Opened>()

  private constructor(url: string, { roomId = 'room', isDoubled = false }: YjsClientOptions) {
    this.#roomId = roomId
    this.#isDoubled = isDoubled
    const query = { roomId, docId: 'handshake' }
    this.socket = io(url, { query, transports: ['websocket'], forceNew: true, reconnection: false })
    for (const event of EVENTS) {
      this.socket.on(event, (data: Buffer, offset?: string) => this.#take(readFrame(event, data, offset)))
    }
  }

  static async connect(t: ExecutionContext, url: string, options: YjsClientOptions = {}): Promise<YjsClient> {
    const client = new YjsClient(url, options)
    t.teardown(() => client.close())
    await waitFor(client.socket, 'connect')
    return client
  }

  /** A document that is kept in sync; resolves after the first step 2. */
  async open(docId: string): Promise<Opened> {
    const doc = new Y.Doc()
    const opened = { doc, awareness: new Awareness(doc) }
    opened.awareness.setLocalState(null)
    this.#opened.set(docId, opened)
    doc.on('update', (bytes: Uint8Array, origin: unknown) => {
      if (origin !== this) this.#post(docId, wire.update(bytes))
    })
    opened.awareness.on('update', ({ added, updated, removed }: Record<string, number[]>, origin: unknown) => {
      if (origin === this) return
      const bytes = encodeAwarenessUpdate(opened.awareness, [...added, ...updated, ...removed])
      this.#post(docId, wire.awareness(bytes), AWARENESS)
    })
    await this.send(docId, wire.step1(doc))
    await this.send(docId, wire.queryAwareness(), AWARENESS)
    return opened
  }

  /** Sends a message; resolves with the server's ack. */
  send(docId: string, payload: Uint8Array, event = SYNC): Promise<any> {
    return this.socket.timeout(15_000).emitWithAck(event, this.#envelope(docId, payload))
  }

  /** Resolves when the server has handled, and acked, everything that was sent before about this document. */
  async settled(docId: string): Promise<void> {
    await this.send(docId, wire.step1(this.#opened.get(docId)!.doc))
  }

  close(): void {
    if (!this.socket.connected) return
    for (const { awareness: states } of this.#opened.values()) {
      removeAwarenessStates(states, [...states.getStates().keys()], this)
      states.destroy()
    }
    this.socket.close()
  }

  #post(docId: string, payload: Uint8Array, event = SYNC): void {
    this.socket.emit(event, this.#envelope(docId, payload))
  }

  #envelope(docId: string, payload: Uint8Array): Buffer {
    const bytes = this.#isDoubled ? wire.doubled(payload) : payload
    return envelope({ roomId: this.#roomId, docId, senderId: this.socket.id }, bytes)
  }

  #take(frame: Frame): void {
    this.frames.push(frame)
    const opened = this.#opened.get(frame.metadata.docId)
    if (opened === undefined) return
    const { docId } = frame.metadata
    const [type] = frame.payload
    if (type === 0) {
      const decoder = decoding.createDecoder(frame.payload)
      decoding.readVarUint(decoder)
      const answer = message(0, (encoder) => {
        syncProtocol.readSyncMessage(decoder, encoder, opened.doc, this, (error) => {
          throw error
        })
      })
      if (answer.length > 1) this.#post(docId, answer)
    } else if (type === 1) {
      applyAwarenessUpdate(opened.awareness, body(frame.payload), this)
    } else if (type === 3 && opened.awareness.getLocalState() !== null) {
      const bytes = encodeAwarenessUpdate(opened.awareness, [opened.doc.clientID])
      this.#post(docId, wire.awareness(bytes), AWARENESS)
    }
  }
}
