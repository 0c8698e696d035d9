import { createServer, type Server as HttpServer } from 'node:http'
import type { AddressInfo, Socket as TcpSocket } from 'node:net'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import { Server, type Socket } from 'socket.io'
import { assertAuthorized } from './authorize.js'
import { AwarenessExchange } from './awareness-exchange.js'
import { Fanout } from './channel.js'
import { Connection } from './connection.js'
import { ConnectionLimit } from './connection-limit.js'
import { DocumentCache } from './document-cache.js'
import { createEndpoints } from './endpoints.js'
import { parseHandshake } from './handshake.js'
import type { LogStore, SnapshotStore } from './log-store.js'
import { createLogger, withSafeErrors } from './logger.js'
import { MeasuredStore } from './measured-store.js'
import { type Load, Metrics } from './metrics.js'
import { checkStoreOptions, openStore } from './open-store.js'
import { type GatewayOptions, type Limits, resolveLimits } from './options.js'
import type { Handshake, PeerContext } from './peer.js'
import { Readiness } from './readiness.js'
import { Refusal } from './refusal.js'
import { isSettledWithin } from './time-limit.js'

/** How often awareness is searched for clients that went silent, in milliseconds. */
const AWARENESS_CHECK_INTERVAL = 3000

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
  readonly #log: Logger
  readonly #metrics: Metrics
  readonly #readiness = new Readiness()
  readonly #connectionLimit: ConnectionLimit
  readonly #http: HttpServer
  readonly #connections = new Set<Connection>()
  readonly #tcpSockets = new Set<TcpSocket>()
  #store: (LogStore & SnapshotStore) | undefined
  #documents: DocumentCache | undefined
  #sweeper: NodeJS.Timeout | undefined
  #listening: Promise<number> | undefined
  #closing: Promise<void> | undefined
  #lastReported: unknown

  constructor(options: GatewayOptions) {
    const { onError, logger = createLogger({ level: onError === undefined ? 'warn' : 'silent' }) } = options
    this.#options = options
    this.#limits = resolveLimits(options)
    checkStoreOptions(options)
    this.#log = withSafeErrors(logger)
    this.#metrics = new Metrics(() => this.#load())
    this.#connectionLimit = new ConnectionLimit(this.#limits)
    const report = (error: unknown, context: string) => this.#report(error, context)
    const endpoints = createEndpoints({ readiness: this.#readiness, metrics: this.#metrics, report })
    this.#http = createServer(endpoints).on('connection', (socket: TcpSocket) => {
      this.#tcpSockets.add(socket)
      socket.once('close', () => this.#tcpSockets.delete(socket))
    })
    this.io = new Server(this.#http, {
      serveClient: false,
      ...options.socketOptions,
      ...(options.adapter === undefined ? {} : { adapter: options.adapter }),
      maxHttpBufferSize: this.#limits.maxHttpBufferSize
    })
  }

  /** What `/metrics` shows: a `prom-client` registry of this gateway alone. */
  get metrics(): Registry {
    return this.#metrics.registry
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
    const context = this.#contextOf(store)
    this.#accept(context)
    this.#sweeper = setInterval(() => {
      for (const document of context.documents.loaded()) document.expireAwareness(Date.now())
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
    this.#readiness.begin(store)
    this.#metrics.start()
    const { port: actualPort } = this.#http.address() as AddressInfo
    this.#log.info({ host, port: actualPort }, 'listening')
    return actualPort
  }

  #contextOf(store: LogStore & SnapshotStore): PeerContext {
    const metrics = this.#metrics
    const limits = this.#limits
    const report = (error: unknown, context: string) => this.#report(error, context)
    const fanout = new Fanout(this.io, metrics)
    const exchange = this.#options.adapter === undefined ? undefined : new AwarenessExchange(this.io)
    const documents = new DocumentCache({ store: new MeasuredStore(store, metrics), fanout, exchange, limits, report })
    this.#documents = documents
    exchange?.listen({
      onAwareness: ({ document, entries, owner }) => documents.find(document)?.receiveAwareness(entries, owner),
      onQuestion: (document) => documents.find(document)?.publishAwareness()
    })
    return { documents, fanout, limits, authorize: this.#options.authorize, metrics, log: this.#log, report }
  }

  #accept(context: PeerContext): void {
    this.io.use((socket, next) => {
      this.#admit(socket, context).then(
        () => next(),
        (error: unknown) => next(this.#refuse(error))
      )
    })
    this.io.on('connection', (socket) => {
      const handshake = socket.data.handshake as Handshake
      const connection = new Connection(socket, handshake, context)
      const until = socket.data.until as AbortSignal | undefined
      if (until !== undefined) connection.endWith(until)
      this.#connections.add(connection)
      this.#log.debug({ socketId: socket.id, roomId: handshake.roomId }, 'connected')
      socket.on('disconnect', (reason) => {
        this.#log.debug({ socketId: socket.id, reason }, 'disconnected')
        void connection.drained().then(() => this.#connections.delete(connection))
      })
    })
  }

  async #admit(socket: Socket, { authorize }: PeerContext): Promise<void> {
    if (this.#closing !== undefined) throw new Refusal('unavailable', 'the gateway is shutting down')
    const handshake = parseHandshake(socket.handshake)
    const leave = this.#connectionLimit.enter(handshake.roomId)
    // A transport that closes meanwhile never becomes a connection, and a socket may leave its transport open.
    socket.conn.once('close', leave)
    socket.once('disconnect', leave)
    try {
      socket.data.until = await assertAuthorized(authorize, { ...handshake, op: 'connect' })
    } catch (error) {
      leave()
      throw error
    }
    socket.data.handshake = handshake
  }

  /** Socket.IO hands `data` to the client's `connect_error`. */
  #refuse(error: unknown): Error {
    if (!(error instanceof Refusal)) this.#report(error, 'handshake')
    const { code, reason } = Refusal.from(error)
    this.#metrics.connectionRefused(code)
    this.#log.info({ code }, 'connection refused')
    return Object.assign(new Error(reason), { data: { code, reason } })
  }

  async #stop(): Promise<void> {
    this.#readiness.drain()
    this.#log.info({ connections: this.#connections.size }, 'draining')
    const isDrained = await isSettledWithin(this.#limits.drainTimeout, this.#drain())
    if (!isDrained) this.#log.warn({ unackedFrames: this.#load().unackedFrames }, 'not drained in time')
    clearInterval(this.#sweeper)
    // Closes the transports without a Socket.IO disconnect packet: clients reconnect, as after a crash.
    await isSettledWithin(HANG_UP_TIMEOUT, this.io.close())
    // Documents are left one after the other; other gateways hear then who is gone.
    const left = [...this.#connections].map((connection) => connection.drained())
    await isSettledWithin(HANG_UP_TIMEOUT, Promise.all(left))
    for (const socket of this.#tcpSockets) socket.destroy()
    await this.#store?.close()
    this.#metrics.stop()
    this.#log.info('closed')
  }

  async #drain(): Promise<void> {
    await this.#listening?.catch(() => {})
    await Promise.all([...this.#connections].map((connection) => connection.goAway()))
    await Promise.all([...this.io.sockets.sockets.values()].map(flushed))
  }

  #load(): Load {
    const connections = [...this.#connections]
    const sum = (read: (connection: Connection) => number) => connections.reduce((total, it) => total + read(it), 0)
    return {
      connections: this.io.sockets.sockets.size,
      subscriptions: sum(({ documents }) => documents),
      documents: this.#documents === undefined ? 0 : [...this.#documents.loaded()].length,
      unackedFrames: sum(({ unacked }) => unacked.frames),
      unackedBytes: sum(({ unacked }) => unacked.bytes)
    }
  }

  #report(error: unknown, context: string): void {
    if (error === this.#lastReported) return // One failed batch rejects many appends with one error.
    this.#lastReported = error
    this.#metrics.failed()
    this.#log.error({ err: error }, context)
    this.#options.onError?.(error, context)
  }
}

/** Resolves when everything emitted to the socket was handed to its transport. */
function flushed({ conn }: Socket): Promise<void> {
  const { writeBuffer } = conn as unknown as { writeBuffer: readonly unknown[] }
  if (conn.readyState !== 'open' || writeBuffer.length === 0) return Promise.resolve()
  return new Promise((resolve) => conn.once('drain', resolve).once('close', () => resolve()))
}
