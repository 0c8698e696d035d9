import type { Socket } from 'socket.io'

import { createGateway } from '../gateway/src/index.js'
import { Link, type Methods } from './link.ts'
import { Random } from './random.ts'
import { shuffle } from './shuffler.ts'

/*
 * The gateway in a process of its own, with a back door for faults that only a server can make. Limits are low, so that
 * they are met.
 */

/** Bytes of one message; large edits have more. */
const MAX_HTTP_BUFFER_SIZE = 64 * 1024
const MESSAGE_TOO_BIG = 1009

export interface GatewayArguments {
  readonly data: string
  /** The only token that is taken. */
  readonly token: string
}

/** What this process offers. */
export interface GatewayMethods extends Methods {
  /** Resolves with the port; 0 takes a free one. */
  listen(port: number): Promise<number>
  /** Takes only this token from now on, and disconnects everybody. Returns how many. */
  expire(token: string): number
  /** Returns how many sockets the client had. */
  kick(client: string, close: boolean): number
  closeEngine(client: string): number
  closeTooLarge(client: string): number
  /** Starts, or with `undefined` ends, to duplicate and reorder. */
  shuffle(seed: number | undefined): void
  /** Sockets by client. */
  sockets(): Record<string, number>
}

/** What it calls. */
export interface GatewayOwner extends Methods {
  violation(text: string): void
}

const { data, token: firstToken } = JSON.parse(process.argv[2]!) as GatewayArguments
let token = firstToken
let random: Random | undefined

const gateway = createGateway({
  data,
  maxHttpBufferSize: MAX_HTTP_BUFFER_SIZE,
  maxUnackedFrames: 64,
  snapshotUpdates: 100,
  maxIdleDocuments: 1,
  authorize: (request) =>
    request.op !== 'connect' || request.token === token || { ok: false, code: 'unauthenticated', reason: 'expired' },
  onError: (error, context) => void owner.call('violation', `gateway: ${context}: ${String(error)}`),
  socketOptions: { pingInterval: 1000, pingTimeout: 2000 }
})
// Before the gateway's own listener, which comes with `listen`: no frame may get past it.
gateway.io.on('connection', (socket) => shuffle(socket, () => random))

const owner = new Link<GatewayOwner>(process, {
  listen: (port) => gateway.listen(port),
  expire: (next) => {
    token = next
    return each(undefined, (socket) => socket.disconnect(true))
  },
  kick: (client, close) => each(client, (socket) => socket.disconnect(close)),
  closeEngine: (client) => each(client, (socket) => socket.conn.close()),
  closeTooLarge: (client) =>
    each(client, ({ conn }) => {
      const { transport } = conn as unknown as { transport: { socket?: { close(code: number): void } } }
      transport.socket?.close(MESSAGE_TOO_BIG)
    }),
  shuffle: (seed) => {
    random = seed === undefined ? undefined : new Random(seed)
  },
  sockets: () => {
    const counts: Record<string, number> = {}
    for (const socket of sockets()) {
      const client = String(socket.handshake.query['client'])
      counts[client] = (counts[client] ?? 0) + 1
    }
    return counts
  }
} satisfies GatewayMethods)

process.on('SIGTERM', () => void gateway.close().then(() => process.exit(0)))
// Nobody is left to report to.
process.on('disconnect', () => process.exit(1))

function each(client: string | undefined, action: (socket: Socket) => void): number {
  const found = sockets().filter(({ handshake }) => client === undefined || handshake.query['client'] === client)
  found.forEach(action)
  return found.length
}

function sockets(): Socket[] {
  return [...gateway.io.sockets.sockets.values()]
}
