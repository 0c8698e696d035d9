// A provider of the plain kind: socket.io-client, yjs, y-protocols and lib0, as they come from npm, and nothing of
// this repository. That it works with the native bots proves that both speak the protocol.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { io } from 'socket.io-client'
import * as awarenessProtocol from 'y-protocols/awareness'
import * as syncProtocol from 'y-protocols/sync'
import * as Y from 'yjs'

const EVENT = 'y-kafka-collabation-server-'
const MESSAGE_SYNC = 0
const MESSAGE_AWARENESS = 1

const ACK_TIMEOUT = 10_000

export class PlainClient {
  constructor(url, roomId, docIds, state) {
    this.roomId = roomId
    this.edits = 0
    /** By document: the highest offset seen, and those that our own edits got. */
    this.offsets = {}
    this.acked = Object.fromEntries(docIds.map((docId) => [docId, []]))
    this.docs = new Map(docIds.map((docId) => [docId, new Y.Doc()]))
    this.awareness = new Map()
    /** Offset and author (the id of its socket) of the latest update that came in. */
    this.latest = undefined
    /** Documents that hold everything the server had, and those of which it asked for everything we have. */
    this.synced = new Set()
    this.offered = new Set()
    this.listeners = new Set()
    this.unconfirmed = 0
    this.socket = io(url, {
      transports: ['websocket'],
      query: { roomId, docId: docIds[0] },
      reconnectionDelay: 50,
      reconnectionDelayMax: 250
    })
    this.socket.on('connect', () => docIds.forEach((docId) => this.#greet(docId)))
    this.socket.on('disconnect', () => this.#forget())
    this.socket.on(`${EVENT}sync`, (envelope, offset) => this.#receive(envelope, offset))
    this.socket.on(`${EVENT}awareness`, (envelope) => this.#receive(envelope))
    for (const docId of docIds) this.#open(docId, state)
  }

  /** Calls a function after everything that may have changed the answer to a question about this client. */
  onProgress(listener) {
    this.listeners.add(listener)
  }

  get isSynced() {
    return this.synced.size === this.docs.size
  }

  get isFlushed() {
    return this.isSynced && this.offered.size === this.docs.size && this.unconfirmed === 0
  }

  close() {
    for (const awareness of this.awareness.values()) awareness.destroy() // says good-bye
    this.socket.disconnect()
  }

  #open(docId, state) {
    const doc = this.docs.get(docId)
    const awareness = new awarenessProtocol.Awareness(doc)
    this.awareness.set(docId, awareness)
    awareness.setLocalState(state)
    doc.on('update', (update, origin) => {
      if (origin !== this) {
        this.edits++
        this.#sendSync(docId, (encoder) => syncProtocol.writeUpdate(encoder, update))
      }
      this.#progress()
    })
    awareness.on('update', (_, origin) => {
      if (origin !== this) this.#sendAwareness(docId)
      this.#progress()
    })
  }

  /** Says what we have; the server answers with what we lack, and asks for what it lacks. */
  #greet(docId) {
    this.#sendSync(docId, (encoder) => syncProtocol.writeSyncStep1(encoder, this.docs.get(docId)))
    const awareness = this.awareness.get(docId)
    awareness.setLocalState(awareness.getLocalState()) // with a new clock, for those who saw us go
  }

  #forget() {
    this.synced.clear()
    this.offered.clear()
    for (const awareness of this.awareness.values()) {
      const others = [...awareness.getStates().keys()].filter((client) => client !== awareness.clientID)
      awarenessProtocol.removeAwarenessStates(awareness, others, this)
    }
    this.#progress()
  }

  #receive(envelope, offset) {
    const { metadata, payload } = decodeEnvelope(envelope)
    const { docId, senderId } = metadata
    if (offset !== undefined) {
      this.latest = { offset, senderId }
      this.#note(docId, offset)
    }
    const decoder = decoding.createDecoder(payload)
    switch (decoding.readVarUint(decoder)) {
      case MESSAGE_SYNC:
        this.#receiveSync(docId, decoder)
        break
      case MESSAGE_AWARENESS: {
        const update = decoding.readVarUint8Array(decoder)
        awarenessProtocol.applyAwarenessUpdate(this.awareness.get(docId), update, this)
        break
      }
    }
    this.#progress()
  }

  #receiveSync(docId, decoder) {
    const reply = encoding.createEncoder()
    const doc = this.docs.get(docId)
    const type = syncProtocol.readSyncMessage(decoder, reply, doc, this, (error) => {
      throw error
    })
    if (type === syncProtocol.messageYjsSyncStep2) this.synced.add(docId)
    if (type === syncProtocol.messageYjsSyncStep1) {
      this.offered.add(docId)
      this.#sendSync(docId, (encoder) => encoding.writeUint8Array(encoder, encoding.toUint8Array(reply)))
    }
  }

  /** What is typed without a connection need not be kept: the server asks for it when there is one. */
  #sendSync(docId, write) {
    if (!this.socket.connected) return
    this.unconfirmed++
    this.socket
      .timeout(ACK_TIMEOUT)
      .emitWithAck(`${EVENT}sync`, this.#encode(docId, MESSAGE_SYNC, write))
      .then(
        (ack) => {
          if (!ack.ok) throw new Error(`refused: ${ack.reason}`)
          if (ack.offset === undefined) return
          this.acked[docId].push(ack.offset)
          this.#note(docId, ack.offset)
        },
        (error) => {
          if (this.socket.connected) throw error
        }
      )
      .finally(() => {
        this.unconfirmed--
        this.#progress()
      })
  }

  #sendAwareness(docId) {
    if (!this.socket.connected) return
    const awareness = this.awareness.get(docId)
    const update = awarenessProtocol.encodeAwarenessUpdate(awareness, [awareness.clientID])
    const write = (encoder) => encoding.writeVarUint8Array(encoder, update)
    this.socket.emit(`${EVENT}awareness`, this.#encode(docId, MESSAGE_AWARENESS, write))
  }

  #encode(docId, type, write) {
    const metadata = new TextEncoder().encode(JSON.stringify({ roomId: this.roomId, docId }))
    return encoding.encode((encoder) => {
      encoding.writeUint16(encoder, metadata.length) // little-endian
      encoding.writeUint8Array(encoder, metadata)
      encoding.writeVarUint(encoder, type)
      write(encoder)
    })
  }

  /** Offsets are 64 bit integers, written in decimal. */
  #note(docId, offset) {
    const known = this.offsets[docId]
    if (known === undefined || BigInt(offset) > BigInt(known)) this.offsets[docId] = offset
  }

  #progress() {
    for (const listener of this.listeners) listener()
  }
}

function decodeEnvelope(bytes) {
  const decoder = decoding.createDecoder(new Uint8Array(bytes))
  const metadata = decoding.readUint8Array(decoder, decoding.readUint16(decoder))
  return { metadata: JSON.parse(new TextDecoder().decode(metadata)), payload: decoding.readTailAsUint8Array(decoder) }
}
