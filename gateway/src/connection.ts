import type { Socket } from 'socket.io'
import { CHANNELS, type Channel, eventName } from './channel.js'
import { isIdentifier } from './document-id.js'
import { decodeEnvelope, type Envelope } from './envelope.js'
import { decodeMessage, type Message } from './message.js'
import { type Handshake, Peer, type PeerContext } from './peer.js'
import { Refusal } from './refusal.js'
import { type Ack, Subscription } from './subscription.js'
import { isSettledWithin } from './time-limit.js'
import { TokenBucket } from './token-bucket.js'
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
  readonly #rate: TokenBucket
  #askTimer: NodeJS.Timeout | undefined
  #isEnding = false
  #closing: Promise<unknown> | undefined

  /** Listens at once: what a client sends first must not be lost while the first document is still loading. */
  constructor(socket: Socket, handshake: Handshake, context: PeerContext) {
    this.#peer = new Peer(socket, handshake, context)
    this.#unacked = new Unacked(context.limits, () => this.#askForTheRest())
    const { maxMessagesPerSecond, maxMessageBurst } = context.limits
    this.#rate = new TokenBucket(maxMessagesPerSecond, maxMessageBurst, performance.now())
    for (const channel of CHANNELS) {
      socket.on(eventName(channel), (...args: unknown[]) => void this.#receive(channel, args))
    }
    socket.on('disconnect', () => {
      this.#closing = this.#close()
    })
    this.#subscribe(handshake.docId, handshake.parentId).open()
  }

  /** Announces the end and takes no further updates. Resolves when those taken before are answered. */
  async goAway(type: 'going-away' | 'auth-expired' = 'going-away'): Promise<void> {
    this.#isEnding = true
    this.#peer.sendControl(this.#peer.handshake.docId, { type })
    await this.drained()
  }

  /** Ends the connection with the signal, without a Socket.IO disconnect packet: the client comes back by itself. */
  endWith(signal: AbortSignal): void {
    const { socket, context } = this.#peer
    const end = async () => {
      await isSettledWithin(context.limits.drainTimeout, this.goAway('auth-expired'))
      socket.conn.close()
    }
    if (signal.aborted) return void end()
    signal.addEventListener('abort', end, { once: true })
    socket.once('disconnect', () => signal.removeEventListener('abort', end))
  }

  /** Resolves when every frame received so far is answered and, after a disconnect, every document is left. */
  async drained(): Promise<void> {
    await this.#unacked.drained()
    await this.#closing
  }

  get documents(): number {
    return this.#subscriptions.size
  }

  get unacked(): { readonly frames: number; readonly bytes: number } {
    return this.#unacked
  }

  /** Never rejects. */
  async #receive(channel: Channel, [frame, ...rest]: unknown[]): Promise<void> {
    const acknowledge = rest.find((argument) => typeof argument === 'function')
    const {
      socket,
      context: { metrics, log, report }
    } = this.#peer
    let ack: Ack
    try {
      ack = await this.#handle(channel, frame, acknowledge !== undefined)
      metrics.acked()
    } catch (error) {
      if (!(error instanceof Refusal)) report(error, `frame from ${socket.id}`)
      const { code, reason, retryable } = Refusal.from(error)
      metrics.refused(code)
      log.debug({ socketId: socket.id, code }, 'frame refused') // not the reason: it may quote the frame
      ack = { ok: false, code, reason, retryable }
    }
    acknowledge?.(ack)
  }

  async #handle(channel: Channel, frame: unknown, hasAck: boolean): Promise<Ack> {
    const bytes = this.#bytesOf(frame)
    this.#limitRate(bytes, hasAck)
    const envelope = decodeEnvelope(bytes)
    const { roomId, docId, parentId } = envelope.metadata
    if (roomId !== this.#peer.handshake.roomId) throw new Refusal('room-mismatch', 'the connection has another roomId')
    const request = readRequest(channel, envelope)
    const release = this.#admit(bytes.length, request, docId, hasAck)
    try {
      if (request.type === 'unsubscribe') return await this.#unsubscribe(request.docId)
      const subscription = request.type === 'step-1' ? this.#subscribe(docId, parentId) : this.#subscriptions.get(docId)
      if (subscription === undefined) throw this.#notSubscribed()
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

  /** Before anything else is decoded: a flood shall cost as little as can be. */
  #limitRate(bytes: Uint8Array, hasAck: boolean): void {
    if (this.#rate.take(performance.now())) return
    // Who asked for no ack cannot know that something was dropped, and is asked for it once the rate allows the answer.
    const subscription = hasAck ? undefined : this.#subscriptions.get(decodeEnvelope(bytes).metadata.docId)
    if (subscription !== undefined) {
      this.#incomplete.add(subscription)
      const delay = this.#rate.timeUntil(this.#incomplete.size, performance.now())
      this.#askTimer ??= setTimeout(() => this.#askForTheRest(), delay)
    }
    throw new Refusal('rate-limited', `more than ${this.#peer.context.limits.maxMessagesPerSecond} messages per second`)
  }

  #admit(bytes: number, request: Request, docId: string, hasAck: boolean): () => void {
    const isUpdate = request.type === 'step-2' || request.type === 'update'
    if (isUpdate && this.#isEnding) throw new Refusal('unavailable', 'the gateway is ending the connection')
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
    if (this.#isFull) throw this.#notSubscribed()
    const subscription = new Subscription(this.#peer, docId, parentId)
    this.#subscriptions.set(docId, subscription)
    return subscription
  }

  get #isFull(): boolean {
    return this.#subscriptions.size >= this.#peer.context.limits.maxDocumentsPerSocket
  }

  /** Sending step 1 is of no use when there is no room for it, and a client that is told to try again never stops. */
  #notSubscribed(): Refusal {
    if (!this.#isFull) return new Refusal('not-subscribed', 'send sync step 1 first')
    return new Refusal('too-large', `more than ${this.#subscriptions.size} documents on one connection`)
  }

  async #unsubscribe(docId: string): Promise<Ack> {
    const subscription = this.#subscriptions.get(docId)
    await subscription?.close()
    // Kept if a step 1 came meanwhile: two subscriptions for one document would undo each other's steps.
    if (subscription?.isClosed) this.#subscriptions.delete(docId)
    return { ok: true }
  }

  #askForTheRest(): void {
    clearTimeout(this.#askTimer)
    this.#askTimer = undefined
    for (const subscription of this.#incomplete) subscription.ask()
    this.#incomplete.clear()
  }

  async #close(): Promise<void> {
    clearTimeout(this.#askTimer)
    await Promise.all([...this.#subscriptions.values()].map((subscription) => subscription.close()))
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
