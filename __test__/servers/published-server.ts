import type { ExecutionContext } from 'ava'
import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server, type Socket } from 'socket.io'
import * as Y from 'yjs'

import { waitFor } from '../support/wait.ts'
import { AWARENESS, envelope, EVENTS, readFrame, step2Of, SYNC, type Frame } from '../support/wire.ts'

/** A record of the log: a message as a client sent it. */
export interface LogRecord extends Frame {
  readonly topic: string
  readonly position: number
  readonly message: Buffer
}

export interface PublishedOptions {
  /** Takes records back from the log to the clients. The server as configured by default does not. */
  readonly fansOut?: boolean
  /** Sends awareness past the log, to everybody in the room. */
  readonly hasRoomWideAwareness?: boolean
  /** Until when the database is busy with a client's documents: its handlers are attached after that. */
  readonly hydrated?: (docId: string) => Promise<void>
  /** What the database has of a document: its updates, one by one. */
  readonly stored?: Record<string, Uint8Array[]>
}

interface Assignment {
  readonly roomId: string
  readonly docId: string
}

/**
 * The collaboration server that the TypeScript provider was published with, faults included, on the official Socket.IO
 * server. What a client sends goes into a log, and from there to every client of the document, the sender included, as
 * `protocol-message`. A socket has one document, the one of its handshake. Nothing is acked and step 1 is answered by
 * nobody but peers. Handlers are attached after the database was read; what came before is lost. What the database has
 * is merged as the wrong format: that fails unless it is a single update.
 *
 * Emits `record` for each record of the log, `lost` for each message that no handler heard.
 */
export class PublishedServer extends EventEmitter {
  readonly url: string
  readonly log: LogRecord[] = []
  /** Connections so far, and refused ones among them. */
  connections = 0
  refused = 0
  readonly #io: Server
  readonly #options: PublishedOptions
  readonly #assignments = new Map<Socket, Assignment>()
  readonly #offsets = new Map<string, number>()
  #held: LogRecord[] | undefined

  private constructor(io: Server, port: number, options: PublishedOptions) {
    super()
    this.url = `ws://127.0.0.1:${port}`
    this.#io = io
    this.#options = options
    io.on('connection', (socket) => void this.#take(socket))
  }

  static async start(t: ExecutionContext, options: PublishedOptions = {}): Promise<PublishedServer> {
    const http = createServer()
    const io = new Server(http)
    t.teardown(() => io.close())
    await once(http.listen(0, '127.0.0.1'), 'listening')
    return new PublishedServer(io, (http.address() as AddressInfo).port, options)
  }

  /** Open connections, in the order in which they came. */
  get sockets(): Socket[] {
    return [...this.#assignments.keys()]
  }

  /** The first record, of those in the log or to come, that fits. */
  async record(fits: (record: LogRecord) => boolean): Promise<LogRecord> {
    const known = this.log.find(fits)
    if (known !== undefined) return known
    const [record] = await waitFor(this, 'record', fits)
    return record
  }

  /** From now on the log keeps its records to itself. */
  hold(): void {
    this.#held ??= []
  }

  /** Fans out what was held, in the order that `arrange` makes of it, and goes on as before. */
  release(arrange: (held: LogRecord[]) => LogRecord[] = (held) => held): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const record of arrange(held)) this.fanOut(record)
  }

  /** Takes a record to every client of its document. */
  fanOut({ topic, position, message, event, metadata }: LogRecord): void {
    const isRoomWide = event === AWARENESS && this.#options.hasRoomWideAwareness === true
    for (const [socket, { roomId, docId }] of this.#assignments) {
      if (roomId !== metadata.roomId) continue
      if (isRoomWide) socket.emit(AWARENESS, message)
      else if (docId !== metadata.docId) continue
      else socket.emit('protocol-message', { topic, partition: 0, offset: String(position), message })
    }
  }

  async #take(socket: Socket): Promise<void> {
    this.connections += 1
    const { roomId, docId = roomId } = socket.handshake.query
    if (typeof roomId !== 'string' || typeof docId !== 'string') {
      this.refused += 1
      socket.disconnect(true)
      return
    }
    // It hears the log from here on, and says what it has to say to nobody.
    this.#assignments.set(socket, { roomId, docId })
    socket.on('disconnect', () => this.#assignments.delete(socket))
    const note = (event: string, data: Buffer, offset?: unknown) =>
      this.emit('lost', event, readFrame(event, data, offset))
    socket.onAny(note)
    await this.#options.hydrated?.(docId)
    this.#hydrate(socket, { roomId, docId })
    socket.offAny(note)
    for (const event of EVENTS) {
      socket.on(event, (data: Buffer, offset?: unknown) => this.#produce(event, data, offset))
    }
  }

  #hydrate(socket: Socket, { roomId, docId }: Assignment): void {
    const updates = this.#options.stored?.[docId] ?? []
    if (updates.length === 0) return
    let state: Uint8Array
    try {
      // The mistake of the original: these are V1 updates.
      state = Y.mergeUpdatesV2(updates)
    } catch {
      return
    }
    const metadata = { roomId, docId, senderId: 'server-hydration', version: String(updates.length - 1) }
    socket.emit(SYNC, envelope(metadata, step2Of(state)))
  }

  #produce(event: string, message: Buffer, offset: unknown): void {
    const frame = readFrame(event, message, offset)
    const topic = `y-kafka-collabation-${event.replace('server-', '')}-${frame.metadata.roomId}`
    const position = this.#offsets.get(topic) ?? 0
    this.#offsets.set(topic, position + 1)
    const record = { ...frame, topic, position, message }
    this.log.push(record)
    this.emit('record', record)
    if (this.#options.fansOut === false) return
    if (this.#held !== undefined) this.#held.push(record)
    // A log takes its time; what was produced first comes back first.
    else setImmediate(() => this.fanOut(record))
  }
}
