import type { ExecutionContext } from 'ava'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer, type WebSocket } from 'ws'

import { bounded } from './wait.ts'

/** What a server says first. `maxPayload` is there only if given, as with old servers. */
export interface Open {
  sid?: string
  pingInterval?: number
  pingTimeout?: number
  maxPayload?: number
}

export interface RawOptions {
  /** Another HTTP server than a new one. */
  http?: Server
  /** Scheme of the URL. Default: `ws`. */
  scheme?: string
  handleProtocols?: (protocols: Set<string>) => string | false
}

/** A server that says exactly what the test says, to see the frames of the client as they are. */
export class RawServer {
  /** Requests for a WebSocket so far. */
  readonly requests: IncomingMessage[] = []
  readonly #connections = new Queue<RawSocket>('a connection')

  private constructor(
    readonly url: string,
    readonly port: number
  ) {}

  static async start(t: ExecutionContext, options: RawOptions = {}): Promise<RawServer> {
    const http = options.http ?? createServer()
    const { handleProtocols } = options
    const sockets = new WebSocketServer({ server: http, ...(handleProtocols && { handleProtocols }) })
    t.teardown(() => {
      for (const socket of sockets.clients) socket.terminate()
      http.close()
    })
    await once(http.listen(0, '127.0.0.1'), 'listening')
    const { port } = http.address() as AddressInfo
    const server = new RawServer(`${options.scheme ?? 'ws'}://127.0.0.1:${port}`, port)
    sockets.on('connection', (socket, request) => {
      server.requests.push(request)
      server.#connections.push(new RawSocket(socket, request))
    })
    return server
  }

  /** The next connection. */
  connection(): Promise<RawSocket> {
    return this.#connections.shift()
  }

  /** The next connection, joined. */
  async joined(open?: Open): Promise<RawSocket> {
    const socket = await this.connection()
    await socket.join(open)
    return socket
  }
}

/** One connection of a `RawServer`. */
export class RawSocket {
  /** How it ended: code and reason of the client's close frame, 1005 without one, 1006 without a frame. */
  readonly closed: Promise<{ code: number; reason: string }>
  readonly #frames = new Queue<string | Buffer>('a frame of the client')

  constructor(
    readonly webSocket: WebSocket,
    readonly request: IncomingMessage
  ) {
    webSocket.on('error', () => {})
    webSocket.on('message', (data: Buffer, isBinary) => this.#frames.push(isBinary ? data : data.toString()))
    this.closed = new Promise((resolve) =>
      webSocket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }))
    )
  }

  /** Path and query of the request. */
  get path(): string {
    return this.request.url!
  }

  /** The next frame of the client: text as a string. */
  receive(): Promise<string | Buffer> {
    return this.#frames.shift()
  }

  /** The first frame from now on that is a text and begins with this. */
  async receiveText(prefix: string): Promise<string> {
    for (;;) {
      const frame = await this.receive()
      if (typeof frame === 'string' && frame.startsWith(prefix)) return frame
    }
  }

  /** Sends frames, text or binary. */
  send(...frames: (string | Buffer)[]): void {
    for (const frame of frames) this.webSocket.send(frame)
  }

  open({ sid = 'engine', pingInterval = 25000, pingTimeout = 20000, maxPayload }: Open = {}): void {
    this.send(`0${JSON.stringify({ sid, upgrades: [], pingInterval, pingTimeout, maxPayload })}`)
  }

  /** Opens, waits for CONNECT, which it returns, and accepts it. */
  async join(open?: Open, answer: object = { sid: 'socket' }): Promise<string> {
    this.open(open)
    const connect = await this.receiveText('40')
    const [, namespace = ''] = /^40(\/[^,]*,)?/.exec(connect)!
    this.send(`40${namespace}${JSON.stringify(answer)}`)
    return connect
  }
}

/** Values in their order, for whoever comes first: the value or the reader. */
class Queue<T> {
  readonly #values: T[] = []
  readonly #readers: ((value: T) => void)[] = []

  constructor(readonly what: string) {}

  push(value: T): void {
    const reader = this.#readers.shift()
    if (reader === undefined) this.#values.push(value)
    else reader(value)
  }

  shift(): Promise<T> {
    if (this.#values.length > 0) return Promise.resolve(this.#values.shift()!)
    return bounded(new Promise((resolve) => this.#readers.push(resolve)), this.what)
  }
}
