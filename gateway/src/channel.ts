import type { Server, Socket } from 'socket.io'
import { type DocumentId, documentKey } from './document-id.js'
import type { Metrics } from './metrics.js'

/** The three Socket.IO events of the protocol. What a frame means is decided by its payload, not by its channel. */
export type Channel = 'sync' | 'awareness' | 'control'

export const CHANNELS: readonly Channel[] = ['sync', 'awareness', 'control']

export function eventName(channel: Channel): string {
  return `y-kafka-collabation-server-${channel}`
}

/** Sends one frame to all sockets that are subscribed to a document; it is encoded once, whatever their number. */
export class Fanout {
  readonly #io: Server
  readonly #metrics: Metrics

  constructor(io: Server, metrics: Metrics) {
    this.#io = io
    this.#metrics = metrics
  }

  join(document: DocumentId, socket: Socket): void {
    // The in-memory adapter joins at once. A socket that is gone must not be remembered by the adapter.
    if (socket.connected) void socket.join(roomName(document))
  }

  leave(document: DocumentId, socket: Socket): void {
    void socket.leave(roomName(document))
  }

  /** @param args what follows the channel's event name; @param except id of a socket that gets nothing. */
  broadcast(document: DocumentId, channel: Channel, args: readonly unknown[], except: string | undefined): void {
    const name = roomName(document)
    const members = this.#io.of('/').adapter.rooms.get(name)
    if (members === undefined) return
    this.#metrics.broadcast(channel, members.size - (except !== undefined && members.has(except) ? 1 : 0))
    const room = this.#io.local.to(name)
    ;(except === undefined ? room : room.except(except)).emit(eventName(channel), ...args)
  }
}

/** Prefixed, because every socket is in a Socket.IO room with its own id as name. */
function roomName(document: DocumentId): string {
  return `document:${documentKey(document)}`
}
