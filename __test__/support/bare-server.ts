import type { ExecutionContext } from 'ava'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server, type ServerOptions, type Socket } from 'socket.io'
import * as Y from 'yjs'

import { bounded } from './wait.ts'
import { body, envelope, EVENTS, isStep1, isUpdate, readFrame, step2, SYNC, type Frame, type Metadata } from './wire.ts'

export interface Received extends Frame {
  readonly socket: Socket
  /** Answers the frame; `undefined` if it asked for no ack. */
  readonly ack: ((answer: unknown) => void) | undefined
}

export interface BareOptions {
  /** Default: the `Server` of the newest Socket.IO. */
  readonly Server?: typeof Server
  readonly socketOptions?: Partial<ServerOptions>
  /** What the server does with a frame. Default: nothing at all. */
  readonly handle?: (frame: Received, server: BareServer) => void
}

/** A bare official Socket.IO server that does what the test says, remembers every frame and lets tests wait for one. */
export class BareServer {
  readonly url: string
  readonly frames: Received[] = []
  /** Connections so far, and how many of them were open at once at most. */
  connections = 0
  mostAtOnce = 0
  readonly #waiting: { fits: (frame: Received) => boolean; resolve: (frame: Received) => void }[] = []
  readonly #handle: NonNullable<BareOptions['handle']>
  #nextSocket: PromiseWithResolversOf<Socket> = withResolvers()

  private constructor(
    readonly io: Server,
    port: number,
    options: BareOptions
  ) {
    this.url = `ws://127.0.0.1:${port}`
    this.#handle = options.handle ?? (() => {})
    io.on('connection', (socket) => this.#take(socket))
  }

  static async start(t: ExecutionContext, options: BareOptions = {}): Promise<BareServer> {
    const http = createServer()
    const io = new (options.Server ?? Server)(http, options.socketOptions)
    t.teardown(() => io.close())
    await once(http.listen(0, '127.0.0.1'), 'listening')
    return new BareServer(io, (http.address() as AddressInfo).port, options)
  }

  /** Open connections. */
  get sockets(): Socket[] {
    return [...this.io.sockets.sockets.values()]
  }

  /** The next connection. */
  socket(): Promise<Socket> {
    return bounded(this.#nextSocket.promise, 'a connection')
  }

  /** The first frame, of those that came or will come, that fits. */
  frame(fits: (frame: Received) => boolean, from = 0): Promise<Received> {
    const known = this.frames.slice(from).find(fits)
    if (known !== undefined) return Promise.resolve(known)
    return bounded(new Promise((resolve) => this.#waiting.push({ fits, resolve })), `a frame that fits ${fits}`)
  }

  /** Sends a message of a document to every socket. */
  send(metadata: Partial<Metadata>, payload: Uint8Array, event = SYNC, ...rest: unknown[]): void {
    this.io.emit(event, envelope({ roomId: 'room', senderId: 'server', ...metadata }, payload), ...rest)
  }

  #take(socket: Socket): void {
    this.connections += 1
    this.mostAtOnce = Math.max(this.mostAtOnce, this.sockets.length)
    for (const event of EVENTS) {
      socket.on(event, (data: Buffer, ...rest: unknown[]) => {
        const last = rest.at(-1)
        const ack = typeof last === 'function' ? (last as (answer: unknown) => void) : undefined
        const frame = { ...readFrame(event, data, rest[0]), socket, ack }
        this.frames.push(frame)
        this.#handle(frame, this)
        for (const waiter of [...this.#waiting]) {
          if (!waiter.fits(frame)) continue
          this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
          waiter.resolve(frame)
        }
      })
    }
    const { resolve } = this.#nextSocket
    this.#nextSocket = withResolvers()
    resolve(socket)
  }
}

/** Handles frames as the smallest server that keeps documents: answers step 1, applies and acks updates. */
export function keepDocuments(docs = new Map<string, Y.Doc>()): NonNullable<BareOptions['handle']> {
  let offset = 0
  return (frame) => {
    const { roomId, docId } = frame.metadata
    const doc = docs.get(docId) ?? new Y.Doc()
    docs.set(docId, doc)
    if (isStep1(frame)) {
      const payload = step2(doc, body(frame.payload))
      frame.socket.emit(SYNC, envelope({ roomId, docId, senderId: 'server' }, payload))
      frame.ack?.({ ok: true })
    } else if (isUpdate(frame)) {
      Y.applyUpdate(doc, body(frame.payload))
      frame.ack?.({ ok: true, topic: 'log', partition: 0, offset: String(offset++) })
    } else {
      frame.ack?.({ ok: true })
    }
  }
}

interface PromiseWithResolversOf<T> {
  promise: Promise<T>
  resolve: (value: T) => void
}

function withResolvers<T>(): PromiseWithResolversOf<T> {
  let resolve!: (value: T) => void
  const promise = new Promise<T>((it) => {
    resolve = it
  })
  return { promise, resolve }
}
