// The design of the TypeScript provider: socket.io-client, and documents of ywasm on the event loop. Its known defects
// are repaired so that it runs: one type byte, remote updates are not sent back, edits made offline are sent after
// reconnecting, edits ask for an ack. Awareness is that of y-protocols, as in its later version: this ywasm has none.
import { io } from 'socket.io-client'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { Awareness } from 'y-protocols/awareness'
import { applyUpdate, encodeStateAsUpdate, encodeStateVector, onUpdate } from './ywasm.mjs'

export * from './ywasm.mjs'
export const protocol = 'socket.io'
export const sharesConnection = true

const EVENT = 'y-kafka-collabation-server-sync'
const ROOM = 'room'
const SYNC = 0
const STEP_1 = 0
const STEP_2 = 1
const UPDATE = 2

/** A connection with a first document. */
export class Connection {
  received = 0
  #socket
  #documents = new Map()
  #onSynced
  #isApplying = false
  #unconfirmed = 0
  #onConfirmed = () => {}

  constructor(port, docId, doc, onSynced) {
    this.#onSynced = onSynced
    const query = { roomId: ROOM, docId }
    this.#socket = io(`ws://127.0.0.1:${port}`, { transports: ['websocket'], forceNew: true, query })
    this.#socket.on('connect', () => {
      for (const [docId, { doc }] of this.#documents) this.#send(docId, STEP_1, encodeStateVector(doc))
    })
    this.#socket.on('disconnect', () => {
      // Acks that are still out never come: the server's next step 1 asks for all it lacks.
      const isLost = this.#unconfirmed > 0
      this.#unconfirmed = 0
      for (const state of this.#documents.values()) {
        state.isSynced = false
        state.hasOfflineEdits ||= isLost
      }
    })
    this.#socket.on(EVENT, (data) => this.#receive(data))
    this.add(docId, doc)
  }

  add(docId, doc) {
    const awareness = new Awareness({ clientID: doc.id, on: () => {} })
    this.#documents.set(docId, { doc, awareness, isSynced: false, hasOfflineEdits: false })
    onUpdate(doc, (update) => {
      if (this.#isApplying) return
      if (this.#socket.connected) this.#send(docId, UPDATE, update)
      else this.#documents.get(docId).hasOfflineEdits = true
    })
    if (this.#socket.connected) this.#send(docId, STEP_1, encodeStateVector(doc))
  }

  destroy() {
    this.#socket.disconnect()
    for (const { awareness } of this.#documents.values()) awareness.destroy()
  }

  connect() {
    this.#socket.connect()
  }

  disconnect() {
    this.#socket.disconnect()
  }

  /** Resolves when the server has confirmed every edit. */
  confirmed() {
    return new Promise((resolve) => {
      this.#onConfirmed = resolve
      this.#checkConfirmed()
    })
  }

  #receive(data) {
    const envelope = new Uint8Array(data)
    const length = envelope[0] | (envelope[1] << 8)
    const { docId } = JSON.parse(new TextDecoder().decode(envelope.subarray(2, 2 + length)))
    const state = this.#documents.get(docId)
    const decoder = decoding.createDecoder(envelope.subarray(2 + length))
    if (!state || decoding.readVarUint(decoder) !== SYNC) return
    const type = decoding.readVarUint(decoder)
    const payload = decoding.readVarUint8Array(decoder)
    if (type === STEP_1) {
      state.hasOfflineEdits = false
      this.#send(docId, STEP_2, encodeStateAsUpdate(state.doc, payload))
    } else {
      this.#isApplying = true
      applyUpdate(state.doc, payload)
      this.#isApplying = false
      if (type === STEP_2 && !state.isSynced) {
        state.isSynced = true
        this.#onSynced()
      }
    }
    this.received++
  }

  #send(docId, type, payload) {
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, SYNC)
    encoding.writeVarUint(encoder, type)
    encoding.writeVarUint8Array(encoder, payload)
    const metadata = { roomId: ROOM, docId, senderId: this.#socket.id, timestamp: Date.now() }
    const head = new TextEncoder().encode(JSON.stringify(metadata))
    const body = encoding.toUint8Array(encoder)
    const envelope = new Uint8Array(2 + head.length + body.length)
    new DataView(envelope.buffer).setUint16(0, head.length, true)
    envelope.set(head, 2)
    envelope.set(body, 2 + head.length)
    if (type === STEP_1) {
      this.#socket.emit(EVENT, envelope)
      return
    }
    this.#unconfirmed++
    this.#socket.emit(EVENT, envelope, () => {
      this.#unconfirmed--
      this.#checkConfirmed()
    })
  }

  #checkConfirmed() {
    const isWaiting = this.#unconfirmed > 0 || Array.from(this.#documents.values()).some((it) => it.hasOfflineEdits)
    if (!isWaiting) this.#onConfirmed()
  }
}
