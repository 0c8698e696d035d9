import { decodeAwareness } from './awareness.js'
import { assertAuthorized, type Operation } from './authorize.js'
import type { Document } from './document.js'
import type { EnvelopeMetadata } from './envelope.js'
import type { Message } from './message.js'
import type { Peer } from './peer.js'
import { Refusal } from './refusal.js'
import { parseUpdate } from './update.js'

/** The answer to a frame that asked for one. */
export type Ack =
  | { ok: true; topic?: string; partition?: number; offset?: string }
  | { ok: false; code: string; reason: string; retryable: boolean }

/** Wrapped, so that waiting for the frame's turn does not include waiting for the disk. */
interface Outcome {
  readonly ack: Ack | Promise<Ack>
}

const DONE: Outcome = { ack: { ok: true } }

/** One connection's use of one document. Frames are handled in the order of their arrival. */
export class Subscription {
  readonly docId: string
  readonly #parentId: string | undefined
  readonly #peer: Peer
  readonly #verdicts = new Map<Operation, Promise<void>>()
  #queue: Promise<unknown> = Promise.resolve()
  #waiting = 0
  #held: { document: Document; release: () => void } | undefined
  #refusal: Refusal | undefined
  #hasAsked = false

  constructor(peer: Peer, docId: string, parentId: string | undefined) {
    this.#peer = peer
    this.docId = docId
    this.#parentId = parentId
  }

  /** Subscribes without being asked by a frame. A refusal is kept for the frames that follow. */
  open(): void {
    this.#enqueue(() => this.#subscribe()).catch((error: unknown) => {
      if (!(error instanceof Refusal)) this.#peer.context.report(error, `opening ${JSON.stringify(this.docId)}`)
    })
  }

  /** Handles a frame; resolves with its ack, for an update once it is durable. Rejects with what went wrong. */
  async handle(message: Message, metadata: EnvelopeMetadata): Promise<Ack> {
    const outcome = await this.#enqueue(() => this.#dispatch(message, metadata))
    return outcome.ack
  }

  /** Unsubscribes after the frames that arrived before. */
  close(): Promise<void> {
    return this.#enqueue(async () => {
      if (this.#held === undefined) return
      const { document, release } = this.#held
      this.#held = undefined
      this.#hasAsked = false
      this.#verdicts.clear()
      this.#peer.context.fanout.leave(document.id, this.#peer.socket)
      document.removeAwareness(this.#peer.socket.id)
      release()
    })
  }

  /** Whether nothing is left to be remembered of it. */
  get isClosed(): boolean {
    return this.#held === undefined && this.#waiting === 0
  }

  /** Asks the client for what is not here. */
  ask(): void {
    if (this.#held === undefined) return
    this.#send({ type: 'step-1', stateVector: this.#held.document.stateVector() })
    this.#hasAsked = true
  }

  async #dispatch(message: Message, metadata: EnvelopeMetadata): Promise<Outcome> {
    // After a failure of ours, the client need not know that it has to subscribe again.
    const mayOpen = message.type === 'step-1' || this.#refusal?.retryable === true
    if (this.#held === undefined && mayOpen) await this.#subscribe()
    if (this.#held === undefined) throw this.#refusal ?? new Refusal('not-subscribed', 'send sync step 1 first')
    const { document } = this.#held
    switch (message.type) {
      case 'step-1':
        return this.#answer(document, message.stateVector)
      case 'step-2':
      case 'update':
        return this.#write(document, message.update, metadata)
      case 'awareness':
        return this.#present(document, message.update)
      case 'query-awareness':
        this.#send(document.awareness())
        return DONE
      case 'permission-denied':
        throw new Refusal('bad-message', 'only the gateway denies permissions')
    }
  }

  async #subscribe(): Promise<void> {
    const {
      handshake: { roomId },
      context: { documents, fanout }
    } = this.#peer
    try {
      await this.#authorize('read')
      this.#held = await documents.acquire({ roomId, docId: this.docId })
      this.#refusal = undefined
    } catch (error) {
      this.#refusal = Refusal.from(error)
      throw error
    }
    const { document } = this.#held
    fanout.join(document.id, this.#peer.socket)
    this.#send(document.awareness())
  }

  /** Joined above and answered here without a pause in between, or the client would miss what is logged meanwhile. */
  #answer(document: Document, stateVector: Uint8Array): Outcome {
    const isBehind = document.isBehind(stateVector)
    const position = document.offset === undefined ? [] : [String(document.offset), document.stream]
    this.#send({ type: 'step-2', update: document.difference(stateVector) }, position)
    if (!this.#hasAsked || isBehind) this.ask()
    return DONE
  }

  async #write(document: Document, bytes: Uint8Array, metadata: EnvelopeMetadata): Promise<Outcome> {
    const update = parseUpdate(bytes)
    // Clients send their deletions again after every reconnect: that is no news, and must not grow the log. Nor is it
    // a write: clients that may only read answer our step 1 in the same way.
    if (document.contains(update)) return { ack: positionAck(document.stream, document.offset) }
    await this.#authorize('write')
    const { roomId, docId, parentId, version } = metadata
    const stamp = { senderId: this.#peer.socket.id, timestamp: Date.now() }
    const written = document.write(update, { roomId, docId, parentId, version, ...stamp })
    return { ack: written.then(({ offset }) => positionAck(document.stream, offset)) }
  }

  async #present(document: Document, update: Uint8Array): Promise<Outcome> {
    const {
      socket,
      handshake: { token },
      context: { limits }
    } = this.#peer
    if (update.length > limits.maxAwarenessBytes) {
      throw new Refusal('too-large', `awareness of ${update.length} bytes exceeds ${limits.maxAwarenessBytes}`)
    }
    await this.#authorize('awareness')
    this.#send(document.updateAwareness(decodeAwareness(update), { socketId: socket.id, token }))
    return DONE
  }

  /** Asks once per operation, and tells the client about every denial. */
  async #authorize(op: Operation): Promise<void> {
    const {
      handshake: { token, roomId },
      context: { authorize }
    } = this.#peer
    let verdict = this.#verdicts.get(op)
    if (verdict === undefined) {
      const request = { token, roomId, docId: this.docId, parentId: this.#parentId, op }
      verdict = assertAuthorized(authorize, request).then(() => {}) // the connection ends with its own grant
      this.#verdicts.set(op, verdict)
    }
    try {
      await verdict
    } catch (error) {
      if (!(error instanceof Refusal)) {
        this.#verdicts.delete(op) // The hook itself failed: ask it again next time.
        throw error
      }
      this.#send({ type: 'permission-denied', reason: error.reason })
      throw new Refusal('permission-denied', error.reason)
    }
  }

  #send(message: Message | undefined, position: readonly unknown[] = []): void {
    if (message !== undefined) this.#peer.send(this.docId, message, position)
  }

  #enqueue<T>(task: () => Promise<T>): Promise<T> {
    this.#waiting++
    const result = this.#queue.then(task).finally(() => this.#waiting--)
    this.#queue = result.catch(() => {})
    return result
  }
}

function positionAck({ topic, partition }: { topic: string; partition: number }, offset: bigint | undefined): Ack {
  return offset === undefined ? { ok: true, topic, partition } : { ok: true, topic, partition, offset: String(offset) }
}
