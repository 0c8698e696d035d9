import type { Socket } from 'socket.io'
import { CHANNELS, type Channel, eventName } from './channel.js'
import { isIdentifier } from './document-id.js'
import { decodeEnvelope, type Envelope } from './envelope.js'
import { decodeMessage, type Message } from './message.js'
import { type Handshake, Peer, type PeerContext } from './peer.js'
import { Refusal } from './refusal.js'
import { type Ack, Subscription } from './subscription.js'
import { Unacked } from './unacked.js'

type Request = Message | { readonly type: 'unsubscribe'; readonly docId: string }

/** First byte of a control message: JSON. As a y-websocket message type it does not exist. */
const OPENING_BRACE = '{'.charCodeAt(0)

const MAX_CONTROL_BYTES = 4096

/** One socket: turns its frames into requests, hands them to its subscriptions, and answers every one. */
export class Connection {
  readonly #peer: Peer
  readonly #unacked: Unacked
  readonly #subscriptions = new Map<string, Subscription>()
  /** Those of which an update was refused without its sender knowing. */
  readonly #incomplete = new Set<Subscription>()
  #isGoingAway = false

  /** Listens at once: what a client sends first must not be lost while the first document is still loading. */
  constructor(socket: Socket, handshake: Handshake, context: PeerContext) {
    this.#peer = new Peer(socket, handshake, context)
    this.#unacked = new Unacked(context.limits, () => this.#askForTheRest())
    for (const channel of CHANNELS) {
      socket.on(eventName(channel), (...args: unknown[]) => void this.#receive(channel, args))
    }
    socket.on('disconnect', () => this.#close())
    this.#subscribe(handshake.docId, handshake.parentId).open()
  }

  /** Announces the end and takes no further updates. Resolves when those taken before are answered. */
  async goAway(): Promise<void> {
    this.#isGoingAway = true
    this.#peer.sendControl(this.#peer.handshake.docId, { type: 'going-away' })
    await this.drained()
  }

  /** Resolves when every frame received so far is answered. */
  drained(): Promise<void> {
    return this.#unacked.drained()
  }

  /** Never rejects. */
  async #receive(channel: Channel, [frame, ...rest]: unknown[]): Promise<void> {
    const acknowledge = rest.find((argument) => typeof argument === 'function')
    let ack: Ack
    try {
      ack = await this.#handle(channel, frame, acknowledge !== undefined)
    } catch (error) {
      if (!(error instanceof Refusal)) this.#peer.context.report(error, `frame from ${this.#peer.socket.id}`)
      const { code, reason, retryable } = Refusal.from(error)
      ack = { ok: false, code, reason, retryable }
    }
    acknowledge?.(ack)
  }

  async #handle(channel: Channel, frame: unknown, hasAck: boolean): Promise<Ack> {
    const bytes = this.#bytesOf(frame)
    const envelope = decodeEnvelope(bytes)
    const { roomId, docId, parentId } = envelope.metadata
    if (roomId !== this.#peer.handshake.roomId) throw new Refusal('room-mismatch', 'the connection has another roomId')
    const request = readRequest(channel, envelope)
    const release = this.#admit(bytes.length, request, docId, hasAck)
    try {
      if (request.type === 'unsubscribe') return await this.#unsubscribe(request.docId)
      const subscription = request.type === 'step-1' ? this.#subscribe(docId, parentId) : this.#subscriptions.get(docId)
      if (subscription === undefined) throw new Refusal('not-subscribed', 'send sync step 1 first')
      return await subscription.handle(request, envelope.metadata)
    } finally {
      release()
    }
  }

  #bytesOf(frame: unknown): Uint8Array {
    if (!(frame instanceof Uint8Array)) throw new Refusal('bad-message', 'the first argument is not binary')
    const { maxMessageBytes } = this.#peer.context.limits
    if (frame.length > maxMessageBytes) {
      throw new Refusal('too-large', `${frame.length} bytes exceed ${maxMessageBytes}`)
    }
    return frame
  }

  #admit(bytes: number, request: Request, docId: string, hasAck: boolean): () => void {
    const isUpdate = request.type === 'step-2' || request.type === 'update'
    if (isUpdate && this.#isGoingAway) throw new Refusal('unavailable', 'the gateway is shutting down')
    try {
      return this.#unacked.admit(bytes, isUpdate)
    } catch (error) {
      // Who asked for no ack cannot know that the update has to be sent again: step 1 will bring it.
      const subscription = this.#subscriptions.get(docId)
      if (isUpdate && !hasAck && subscription !== undefined) this.#incomplete.add(subscription)
      throw error
    }
  }

  #subscribe(docId: string, parentId: string | undefined): Subscription {
    const known = this.#subscriptions.get(docId)
    if (known !== undefined) return known
    const { maxDocumentsPerSocket } = this.#peer.context.limits
    if (this.#subscriptions.size >= maxDocumentsPerSocket) {
      throw new Refusal('too-large', `more than ${maxDocumentsPerSocket} documents on one connection`)
    }
    const subscription = new Subscription(this.#peer, docId, parentId)
    this.#subscriptions.set(docId, subscription)
    return subscription
  }

  async #unsubscribe(docId: string): Promise<Ack> {
    const subscription = this.#subscriptions.get(docId)
    await subscription?.close()
    // Kept if a step 1 came meanwhile: two subscriptions for one document would undo each other's steps.
    if (subscription?.isClosed) this.#subscriptions.delete(docId)
    return { ok: true }
  }

  #askForTheRest(): void {
    for (const subscription of this.#incomplete) subscription.ask()
    this.#incomplete.clear()
  }

  #close(): void {
    for (const subscription of this.#subscriptions.values()) void subscription.close()
  }
}

function readRequest(channel: Channel, { metadata, payload }: Envelope): Request {
  if (channel !== 'control' || payload[0] !== OPENING_BRACE) return decodeMessage(payload)
  if (payload.length > MAX_CONTROL_BYTES) throw new Refusal('too-large', 'control message')
  let control: { type?: unknown; docId?: unknown }
  try {
    control = JSON.parse(Buffer.from(payload).toString())
  } catch {
    throw new Refusal('bad-message', 'control message is not JSON')
  }
  if (control.type !== 'unsubscribe') throw new Refusal('bad-message', 'clients may only send control unsubscribe')
  const docId = control.docId ?? metadata.docId
  if (!isIdentifier(docId)) throw new Refusal('bad-message', 'control docId')
  return { type: 'unsubscribe', docId }
}
