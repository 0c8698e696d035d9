import type { ExecutionContext } from 'ava'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { io, type Socket } from 'socket.io-client'
import * as syncProtocol from 'y-protocols/sync'
import * as Y from 'yjs'

/*
 * The other side of the wire, from official parts only: socket.io-client, yjs, y-protocols, lib0. Nothing of the
 * gateway's own code is used here, so that the two can't share a mistake.
 */

export const SYNC = 'y-kafka-collabation-server-sync'
export const AWARENESS = 'y-kafka-collabation-server-awareness'
export const CONTROL = 'y-kafka-collabation-server-control'

export type Ack = Record<string, unknown> & { ok: boolean }

export interface Frame {
  readonly event: string
  readonly metadata: Record<string, unknown>
  readonly payload: Uint8Array
  readonly offset: string | undefined
  readonly stream: { topic: string; partition: number } | undefined
}

type Predicate = (frame: Frame) => boolean

export const isStep1: Predicate = ({ payload }) => payload[0] === 0 && payload[1] === 0
export const isStep2: Predicate = ({ payload }) => payload[0] === 0 && payload[1] === 1
export const isUpdate: Predicate = ({ payload }) => payload[0] === 0 && payload[1] === 2
export const isAwareness: Predicate = ({ payload }) => payload[0] === 1
export const isDenial: Predicate = ({ payload }) => payload[0] === 2

export function envelope(metadata: unknown, payload: Uint8Array): Buffer {
  const json = Buffer.from(JSON.stringify(metadata))
  const length = Buffer.alloc(2)
  length.writeUInt16LE(json.length)
  return Buffer.concat([length, json, payload])
}

export function sync(write: (encoder: encoding.Encoder) => void): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, 0)
    write(encoder)
  })
}

export const step1 = (doc: Y.Doc) => sync((encoder) => syncProtocol.writeSyncStep1(encoder, doc))
export const step2 = (doc: Y.Doc) => sync((encoder) => syncProtocol.writeSyncStep2(encoder, doc))
export const update = (bytes: Uint8Array) => sync((encoder) => syncProtocol.writeUpdate(encoder, bytes))

/** The bytes that a sync or awareness message carries. */
export function body(payload: Uint8Array): Uint8Array {
  const decoder = decoding.createDecoder(payload)
  if (decoding.readVarUint(decoder) === 0) decoding.readVarUint(decoder)
  return decoding.readVarUint8Array(decoder)
}

export interface ClientOptions {
  readonly roomId?: string
  readonly docId?: string
  readonly parentId?: string
  readonly token?: string
  readonly reconnection?: boolean
  /** Replaces the handshake query. */
  readonly query?: Record<string, string>
}

/** A socket that remembers every frame, and lets tests wait for one. */
export class Client {
  readonly roomId: string
  readonly docId: string
  readonly socket: Socket
  readonly frames: Frame[] = []
  readonly #waiting: { predicate: Predicate; resolve: (frame: Frame) => void }[] = []
  readonly #docs = new Map<string, Y.Doc>()

  constructor(url: string, options: ClientOptions = {}) {
    const { roomId = 'room', docId = roomId, parentId, token, reconnection = false } = options
    const query = options.query ?? { roomId, docId, ...(parentId === undefined ? {} : { parentId }) }
    this.roomId = roomId
    this.docId = docId
    this.socket = io(url, {
      query,
      auth: token === undefined ? {} : { token },
      transports: ['websocket'],
      forceNew: true,
      reconnection
    })
    for (const event of [SYNC, AWARENESS, CONTROL]) {
      this.socket.on(event, (data: Buffer, offset?: string, stream?: Frame['stream']) => {
        const length = data.readUInt16LE(0)
        const metadata = JSON.parse(data.subarray(2, 2 + length).toString())
        this.#take({ event, metadata, payload: data.subarray(2 + length), offset, stream })
      })
    }
  }

  static async connect(t: ExecutionContext, url: string, options: ClientOptions = {}): Promise<Client> {
    const client = new Client(url, options)
    t.teardown(() => client.socket.close())
    await client.connected()
    return client
  }

  /** Rejects with what the gateway refused the connection for. */
  connected(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.socket.connected) return resolve()
      this.socket.once('connect', resolve).once('connect_error', reject)
    })
  }

  disconnected(): Promise<string> {
    return new Promise((resolve) => this.socket.once('disconnect', resolve))
  }

  /** Sends a payload and resolves with its ack. */
  send(payload: Uint8Array, metadata: object = {}, event = SYNC): Promise<Ack> {
    const data = envelope({ roomId: this.roomId, docId: this.docId, ...metadata }, payload)
    return this.socket.timeout(60_000).emitWithAck(event, data)
  }

  /** Sends a payload that asks for no ack. */
  post(payload: Uint8Array, metadata: object = {}, event = SYNC): void {
    this.socket.emit(event, envelope({ roomId: this.roomId, docId: this.docId, ...metadata }, payload))
  }

  /** The first frame, of those that came already or will come, that fits. */
  frame(predicate: Predicate): Promise<Frame> {
    const known = this.frames.find(predicate)
    if (known !== undefined) return Promise.resolve(known)
    return new Promise((resolve) => this.#waiting.push({ predicate, resolve }))
  }

  /** A document kept in sync as any Yjs provider would, local edits included; resolves after the first step 2. */
  async open(docId = this.docId): Promise<Y.Doc> {
    const doc = new Y.Doc()
    this.#docs.set(docId, doc)
    doc.on('update', (bytes: Uint8Array, origin: unknown) => {
      if (origin !== this) this.post(update(bytes), { docId })
    })
    await this.send(step1(doc), { docId })
    await this.frame((frame) => isStep2(frame) && frame.metadata['docId'] === docId)
    return doc
  }

  /** Resolves when the gateway has handled, and the client received, everything sent before. */
  async settled(docId = this.docId): Promise<void> {
    await this.send(
      sync((encoder) => syncProtocol.writeSyncStep2(encoder, new Y.Doc())),
      { docId }
    )
  }

  #take(frame: Frame): void {
    const doc = this.#docs.get(String(frame.metadata['docId']))
    if (doc !== undefined && frame.payload[0] === 0) this.#apply(doc, frame)
    this.frames.push(frame)
    for (const waiter of [...this.#waiting]) {
      if (!waiter.predicate(frame)) continue
      this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
      waiter.resolve(frame)
    }
  }

  #apply(doc: Y.Doc, { metadata, payload }: Frame): void {
    const decoder = decoding.createDecoder(payload)
    decoding.readVarUint(decoder)
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, 0)
    syncProtocol.readSyncMessage(decoder, encoder, doc, this, (error) => {
      throw error
    })
    if (encoding.length(encoder) > 1) this.post(encoding.toUint8Array(encoder), { docId: metadata['docId'] })
  }
}

/** Resolves when the condition holds, looking again after each change of the document. */
export function whenDoc(doc: Y.Doc, condition: () => boolean): Promise<void> {
  if (condition()) return Promise.resolve()
  return new Promise((resolve) => {
    const check = () => {
      if (!condition()) return
      doc.off('update', check)
      resolve()
    }
    doc.on('update', check)
  })
}

/** One update that inserts `text` at the start of the text `body`. */
export function textUpdate(text: string, clientID?: number): Uint8Array {
  const doc = new Y.Doc()
  if (clientID !== undefined) doc.clientID = clientID
  doc.getText('body').insert(0, text)
  return Y.encodeStateAsUpdate(doc)
}
