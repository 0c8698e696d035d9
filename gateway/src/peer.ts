import type { Logger } from 'pino'
import type { Socket } from 'socket.io'
import type { Authorize } from './authorize.js'
import { type Channel, eventName, type Fanout } from './channel.js'
import { SERVER_ID } from './document.js'
import type { DocumentCache } from './document-cache.js'
import { encodeEnvelope } from './envelope.js'
import { encodeMessage, type Message } from './message.js'
import type { Metrics } from './metrics.js'
import type { Limits } from './options.js'

/** What all connections of a gateway share. */
export interface PeerContext {
  readonly documents: DocumentCache
  readonly fanout: Fanout
  readonly limits: Limits
  readonly authorize: Authorize | undefined
  readonly metrics: Metrics
  readonly log: Logger
  /** Tells the operator about a failure that is not the client's fault. */
  readonly report: (error: unknown, context: string) => void
}

/** What a client said about itself when it connected. */
export interface Handshake {
  readonly token: string | undefined
  readonly roomId: string
  readonly docId: string
  readonly parentId: string | undefined
}

const CHANNEL_OF: Record<Message['type'], Channel> = {
  'step-1': 'sync',
  'step-2': 'sync',
  update: 'sync',
  awareness: 'awareness',
  'query-awareness': 'awareness',
  'permission-denied': 'control'
}

/** The other end of a connection: who it is, and how to speak to it. */
export class Peer {
  constructor(
    readonly socket: Socket,
    readonly handshake: Handshake,
    readonly context: PeerContext
  ) {}

  /** @param position offset and stream, for messages that stand for a state of the log. */
  send(docId: string, message: Message, position: readonly unknown[] = []): void {
    this.#emit(CHANNEL_OF[message.type], docId, encodeMessage(message), position)
  }

  sendControl(docId: string, control: { type: 'going-away' | 'auth-expired' }): void {
    this.#emit('control', docId, Buffer.from(JSON.stringify(control)), [])
  }

  #emit(channel: Channel, docId: string, payload: Uint8Array, rest: readonly unknown[]): void {
    const metadata = { roomId: this.handshake.roomId, docId, senderId: SERVER_ID, timestamp: Date.now() }
    this.socket.emit(eventName(channel), encodeEnvelope(metadata, payload), ...rest)
  }
}
