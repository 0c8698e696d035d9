import { io, type Socket } from 'socket.io-client'
import * as decoding from 'lib0/decoding'
import { messageYjsSyncStep1, readSyncMessage } from 'y-protocols/sync'
import * as Y from 'yjs'

import * as wire from '../__test__/support/wire.ts'
import { Client, type ClientOptions, PATIENCE } from './client.ts'
import { OffsetWatch } from './offset-watch.ts'
import { yjsReplica, type YjsReplica } from './replica.ts'

interface Ack {
  readonly ok: boolean
  readonly code?: string
  readonly retryable?: boolean
  readonly offset?: string
}

/** In ms. */
const ACK_TIMEOUT = 5000
const RETRY_DELAY = 50

/** More than the gateway takes in one message. */
const TOO_LARGE = 70 * 1024

/** Edits that are not in the log. */
type Outbox = Map<Uint8Array, 'waiting' | 'sent'>

/** A provider of official parts: socket.io-client, yjs, y-protocols. Every update is sent until it is acked. */
export class YjsClient extends Client<YjsReplica> {
  readonly #outboxes = new Map<string, Outbox>()
  readonly #synced = new Set<string>()
  readonly #waiting = new Set<() => void>()
  #socket: Socket
  #offsets!: OffsetWatch
  #isWanted = true

  constructor(options: ClientOptions) {
    super(options)
    this.#socket = this.#makeSocket()
    for (const docId of options.docIds) {
      this.#outboxes.set(docId, new Map())
      this.#keep(yjsReplica(docId))
      this.addDoc(docId)
    }
  }

  goOnline(): void {
    this.#isWanted = true
    connect(this.#socket)
  }

  goOffline(): void {
    this.#isWanted = false
    this.#socket.disconnect()
  }

  addDoc(docId: string): void {
    this.added.add(docId)
    if (this.#socket.connected) this.#open(docId)
  }

  removeDoc(docId: string): boolean {
    if (!this.added.has(docId)) return false
    this.noteRemoved(docId)
    this.#synced.delete(docId)
    const control = Buffer.from(JSON.stringify({ type: 'unsubscribe', docId }))
    if (this.#socket.connected) this.#socket.emit(wire.CONTROL, this.#envelope(docId, control))
    return true
  }

  recreate(from: 'docs' | 'state'): void {
    this.#socket.disconnect()
    this.#isWanted = true
    if (from === 'state') {
      for (const [docId, replica] of this.replicas) {
        const state = replica.encode()
        replica.doc.destroy()
        this.#keep(yjsReplica(docId, state))
      }
    }
    this.#socket = this.#makeSocket()
  }

  /** Sends what the server closes the connection for. */
  sendTooLarge(): boolean {
    if (!this.#socket.connected) return false
    this.#socket.emit(wire.SYNC, Buffer.alloc(TOO_LARGE))
    return true
  }

  unrest(): string[] {
    return this.#socket.connected ? [] : ['is not connected']
  }

  destroy(): void {
    this.#isWanted = false
    this.#socket.disconnect()
  }

  protected untilSettled(): Promise<void> {
    return this.#until(() => [...this.added].every((docId) => this.#synced.has(docId) && this.#isEmpty(docId)))
  }

  protected async untilFlushed(): Promise<boolean> {
    try {
      await this.#until(() => [...this.added].every((docId) => this.#isEmpty(docId)))
      return true
    } catch {
      return false
    }
  }

  #makeSocket(): Socket {
    const { plan, url, roomId, reports, docIds } = this.options
    const socket = io(url, {
      query: { roomId, docId: docIds[0], client: plan.name },
      auth: (callback) => void reports.token().then((token) => callback({ token })),
      transports: ['websocket'],
      forceNew: true,
      timeout: 3000,
      reconnectionDelay: 20,
      reconnectionDelayMax: 200
    })
    const again = () => {
      setTimeout(() => this.#isWanted && this.#socket === socket && connect(socket), RETRY_DELAY)
    }
    this.#offsets = new OffsetWatch((text) => this.violation(text))
    socket.on('connect', () => {
      this.#offsets.connect()
      for (const docId of this.added) this.#open(docId)
    })
    socket.on('disconnect', (reason) => {
      this.#synced.clear()
      if (reason === 'io server disconnect') again()
    })
    // The namespace was refused: the official client leaves the rest to the application.
    socket.on('connect_error', () => void (socket.active || again()))
    for (const event of wire.EVENTS) {
      socket.on(event, (data: Buffer, offset?: string) => {
        if (socket === this.#socket) this.#take(wire.readFrame(event, data, offset))
      })
    }
    return socket
  }

  #keep(replica: YjsReplica): void {
    const { docId, doc } = replica
    this.replicas.set(docId, replica)
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin === this) return
      this.#outboxes.get(docId)!.set(update, 'waiting')
      this.#post(docId)
    })
  }

  #open(docId: string): void {
    const { doc } = this.replicas.get(docId)!
    const outbox = this.#outboxes.get(docId)!
    for (const update of outbox.keys()) outbox.set(update, 'waiting')
    this.#socket.emit(wire.SYNC, this.#envelope(docId, wire.step1(doc)))
    this.#post(docId)
  }

  #post(docId: string): void {
    if (!this.added.has(docId) || !this.#socket.connected) return
    for (const [update, state] of this.#outboxes.get(docId)!) if (state === 'waiting') this.#send(docId, update)
  }

  #send(docId: string, update: Uint8Array): void {
    const outbox = this.#outboxes.get(docId)!
    const socket = this.#socket
    outbox.set(update, 'sent')
    const data = this.#envelope(docId, wire.update(update))
    socket.timeout(ACK_TIMEOUT).emit(wire.SYNC, data, (error: Error | null, ack?: Ack) => {
      if (ack?.ok === true) {
        if (ack.offset !== undefined) this.#offsets.note(docId, ack.offset)
        outbox.delete(update)
        return this.#changed()
      }
      if (ack?.retryable === false) this.violation(`the gateway refused an update: ${ack.code}`)
      // After a disconnect the next connection sends it.
      if (socket !== this.#socket || !socket.connected || !outbox.has(update)) return
      outbox.set(update, 'waiting')
      setTimeout(() => this.#post(docId), RETRY_DELAY)
    })
  }

  #take({ event, metadata, payload, offset }: wire.Frame): void {
    const { docId } = metadata
    if (event !== wire.SYNC || !this.added.has(docId)) return
    const { doc } = this.replicas.get(docId)!
    const decoder = decoding.createDecoder(payload)
    decoding.readVarUint(decoder)
    this.#offsets.message(metadata, payload, offset)
    if (payload[1] === messageYjsSyncStep1) {
      const answer = wire.step2(doc, wire.body(payload))
      this.#socket.emit(wire.SYNC, this.#envelope(docId, answer))
      return
    }
    const answer = wire.message(0, (encoder) => {
      readSyncMessage(decoder, encoder, doc, this, (error) => this.violation(`update: ${String(error)}`))
    })
    if (answer.length > 1) this.violation('an update was answered')
    if (wire.isStep2({ event, metadata, payload, offset })) this.#synced.add(docId)
    this.#changed()
  }

  #envelope(docId: string, payload: Uint8Array): Buffer {
    return wire.envelope({ roomId: this.options.roomId, docId, senderId: this.#socket.id }, payload)
  }

  #isEmpty(docId: string): boolean {
    return this.#outboxes.get(docId)!.size === 0
  }

  #changed(): void {
    for (const check of [...this.#waiting]) check()
  }

  #until(condition: () => boolean): Promise<void> {
    if (condition()) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer)
        this.#waiting.delete(check)
      }
      const check = () => {
        if (!condition()) return
        end()
        resolve()
      }
      const timer = setTimeout(() => {
        end()
        reject(new Error('did not settle'))
      }, PATIENCE)
      this.#waiting.add(check)
    })
  }
}

/** While it connects by itself, another call would join the namespace twice. */
function connect(socket: Socket): void {
  if (!socket.active) socket.connect()
}
