import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket as TcpSocket } from 'node:net'
import { Server, type Socket } from 'socket.io'
import { assertAuthorized } from './authorize.js'
import { Fanout } from './channel.js'
import { Connection } from './connection.js'
import { DocumentCache } from './document-cache.js'
import { parseHandshake } from './handshake.js'
import type { LogStore, SnapshotStore } from './log-store.js'
import { checkStoreOptions, openStore } from './open-store.js'
import { type GatewayOptions, type Limits, resolveLimits } from './options.js'
import type { Handshake, PeerContext } from './peer.js'
import { Refusal } from './refusal.js'

/** How often awareness is searched for clients that went silent, in milliseconds. */
const AWARENESS_CHECK_INTERVAL = 3000

/** How long `close` waits for slow disks and slow clients, in milliseconds. */
const DRAIN_TIMEOUT = 5000

/** How long `close` waits for clients to take part in closing their connection, in milliseconds. */
const HANG_UP_TIMEOUT = 1000

/** Makes a gateway; nothing is opened before `listen`. Throws a `TypeError` for an option out of range. */
export function createGateway(options: GatewayOptions = {}): Gateway {
  return new Gateway(options)
}

export class Gateway {
  /** The Socket.IO server, for applications that add namespaces or look at the sockets. */
  readonly io: Server
  readonly #options: GatewayOptions
  readonly #limits: Limits
  readonly #http: HttpServer
  readonly #connections = new Set<Connection>()
  readonly #tcpSockets = new Set<TcpSocket>()
  #store: (LogStore & SnapshotStore) | undefined
  #sweeper: NodeJS.Timeout | undefined
  #listening: Promise<number> | undefined
  #closing: Promise<void> | undefined
  #lastReported: unknown

  constructor(options: GatewayOptions) {
    this.#options = options
    this.#limits = resolveLimits(options)
    checkStoreOptions(options)
    this.#http = createServer(answerHttp).on('connection', (socket: TcpSocket) => {
      this.#tcpSockets.add(socket)
      socket.once('close', () => this.#tcpSockets.delete(socket))
    })
    this.io = new Server(this.#http, {
      serveClient: false,
      ...options.socketOptions,
      maxHttpBufferSize: this.#limits.maxHttpBufferSize
    })
  }

  /**
   * Opens the log and listens. Resolves with the port; rejects when the log or the port cannot be had.
   * @param port 0 for a free one. @param host address to bind; default loopback only.
   */
  listen(port = 0, host = '127.0.0.1'): Promise<number> {
    if (this.#listening !== undefined) return Promise.reject(new Error('the gateway was started already'))
    this.#listening = this.#start(port, host)
    return this.#listening
  }

  /** Takes no further updates, waits until the ones taken are durable and acked, then closes everything. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#stop()
    return this.#closing
  }

  async #start(port: number, host: string): Promise<number> {
    const report = (error: unknown, context: string) => this.#report(error, context)
    const store = await openStore(this.#options, this.#limits, report)
    this.#store = store
    const fanout = new Fanout(this.io)
    const documents = new DocumentCache({ store, fanout, limits: this.#limits, report })
    this.#accept({ documents, fanout, limits: this.#limits, authorize: this.#options.authorize, report })
    this.#sweeper = setInterval(() => {
      for (const document of documents.loaded()) document.expireAwareness(Date.now())
    }, AWARENESS_CHECK_INTERVAL).unref()
    try {
      await new Promise<void>((resolve, reject) => {
        this.#http.once('error', reject).listen(port, host, resolve)
      })
    } catch (error) {
      clearInterval(this.#sweeper)
      await store.close()
      this.#store = undefined
      throw error
    }
    return (this.#http.address() as AddressInfo).port
  }

  #accept(context: PeerContext): void {
    this.io.use((socket, next) => {
      this.#admit(socket, context).then(
        () => next(),
        (error: unknown) => next(this.#connectError(error))
      )
    })
    this.io.on('connection', (socket) => {
      const connection = new Connection(socket, socket.data.handshake as Handshake, context)
      this.#connections.add(connection)
      socket.on('disconnect', () => {
        void connection.drained().then(() => this.#connections.delete(connection))
      })
    })
  }

  async #admit(socket: Socket, { authorize }: PeerContext): Promise<void> {
    if (this.#closing !== undefined) throw new Refusal('unavailable', 'the gateway is shutting down')
    const handshake = parseHandshake(socket.handshake)
    await assertAuthorized(authorize, { ...handshake, op: 'connect' })
    socket.data.handshake = handshake
  }

  /** Socket.IO hands `data` to the client's `connect_error`. */
  #connectError(error: unknown): Error {
    if (!(error instanceof Refusal)) this.#report(error, 'handshake')
    const { code, reason } = Refusal.from(error)
    return Object.assign(new Error(reason), { data: { code, reason } })
  }

  async #stop(): Promise<void> {
    await withTimeout(this.#drain(), DRAIN_TIMEOUT)
    clearInterval(this.#sweeper)
    // Closes the transports without a Socket.IO disconnect packet: clients reconnect, as after a crash.
    await withTimeout(this.io.close(), HANG_UP_TIMEOUT)
    for (const socket of this.#tcpSockets) socket.destroy()
    await this.#store?.close()
  }

  async #drain(): Promise<void> {
    await this.#listening?.catch(() => {})
    await Promise.all([...this.#connections].map((connection) => connection.goAway()))
    await Promise.all([...this.io.sockets.sockets.values()].map(flushed))
  }

  #report(error: unknown, context: string): void {
    if (error === this.#lastReported) return // One failed batch rejects many appends with one error.
    this.#lastReported = error
    const { onError } = this.#options
    if (onError !== undefined) onError(error, context)
    else process.stderr.write(`y-kafka-gateway: ${context}: ${String(error).replaceAll('\n', ' ')}\n`)
  }
}

/** Resolves when everything emitted to the socket was handed to its transport. */
function flushed({ conn }: Socket): Promise<void> {
  const { writeBuffer } = conn as unknown as { writeBuffer: readonly unknown[] }
  if (conn.readyState !== 'open' || writeBuffer.length === 0) return Promise.resolve()
  return new Promise((resolve) => conn.once('drain', resolve).once('close', () => resolve()))
}

/** Resolves with the promise, or after the time. */
async function withTimeout(promise: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  await Promise.race([promise, timeout])
  clearTimeout(timer)
}

function answerHttp({ url }: IncomingMessage, response: ServerResponse): void {
  const isHealthCheck = url === '/healthz'
  response.writeHead(isHealthCheck ? 200 : 404, { 'content-type': 'text/plain' })
  response.end(isHealthCheck ? 'ok\n' : 'not found\n')
}
