import * as Y from 'yjs'
import type { AwarenessExchange } from './awareness-exchange.js'
import { type AwarenessEntry, AwarenessMap, type AwarenessOwner, encodeAwareness, tokenDigest } from './awareness.js'
import type { Fanout } from './channel.js'
import type { DocumentId } from './document-id.js'
import { decodeEnvelope, encodeEnvelope, type EnvelopeMetadata } from './envelope.js'
import type { LogPosition, LogRecord, LogStore, LogStream, SnapshotStore } from './log-store.js'
import { decodeMessage, encodeMessage, type Message } from './message.js'
import type { Limits } from './options.js'
import { isAhead, isContained, type Update } from './update.js'

/** What all documents of a gateway share. */
export interface DocumentContext {
  readonly store: LogStore & SnapshotStore
  readonly fanout: Fanout
  /** The other gateways, if there may be any. */
  readonly exchange?: AwarenessExchange | undefined
  readonly limits: Pick<Limits, 'snapshotUpdates' | 'snapshotBytes'> & Partial<Pick<Limits, 'awarenessTimeout'>>
  readonly report: (error: unknown, context: string) => void
  /** Keeps a document in memory until the returned function is called. */
  readonly hold: (id: DocumentId) => () => void
}

export const SERVER_ID = 'server'

/** A snapshot is written again only when the log has grown by this part of it: large documents are slow to encode. */
const SNAPSHOT_FRACTION = 1 / 8

/**
 * One document in memory: always exactly the state of its log up to `offset`, because updates are applied when they
 * come back from the log, and at no other place. Whoever subscribes and asks for the state in one go misses nothing.
 */
export class Document {
  readonly id: DocumentId
  readonly stream: LogStream
  readonly #context: DocumentContext
  readonly #doc: Y.Doc
  readonly #awareness: AwarenessMap
  #offset: bigint | undefined
  #snapshotBytes = 0
  #tailUpdates = 0
  #tailBytes = 0
  #isLive = false
  #isSnapshotting = false
  #isDamaged = false
  #stopTail: () => void = () => {}

  private constructor(id: DocumentId, context: DocumentContext) {
    this.id = id
    this.stream = context.store.locate(id)
    this.#doc = new Y.Doc({ guid: id.docId }) // a random one costs more than the rest of an empty document
    this.#context = context
    this.#awareness = new AwarenessMap(context.limits.awarenessTimeout)
  }

  /** Loads the snapshot and the log, and follows the log from then on. */
  static async load(id: DocumentId, context: DocumentContext): Promise<Document> {
    const document = new Document(id, context)
    const snapshot = await context.store.getSnapshot(id)
    if (snapshot !== undefined) {
      Y.applyUpdate(document.#doc, snapshot.state)
      document.#offset = snapshot.offset
      document.#snapshotBytes = snapshot.state.length
    }
    const from = (snapshot?.offset ?? -1n) + 1n
    document.#stopTail = await context.store.tail(id, from, (record) => document.#receive(record))
    document.#isLive = true
    document.#snapshotIfDue()
    context.exchange?.ask(id)
    return document
  }

  /** The offset of the last record this state contains; undefined while the log is empty. */
  get offset(): bigint | undefined {
    return this.#offset
  }

  /** Roughly what the document weighs. */
  get bytes(): number {
    return this.#snapshotBytes + this.#tailBytes
  }

  stateVector(): Uint8Array {
    return Y.encodeStateVector(this.#doc)
  }

  /** What a client with this (valid) state vector lacks; `00 00` when it lacks nothing. */
  difference(stateVector: Uint8Array): Uint8Array {
    return Y.encodeStateAsUpdate(this.#doc, stateVector)
  }

  contains(update: Update): boolean {
    return isContained(update, this.#doc)
  }

  /** Whether a client has structs that are not here. Throws a `bad-message` refusal. */
  isBehind(stateVector: Uint8Array): boolean {
    return isAhead(stateVector, this.#doc)
  }

  /** Appends the update to the log; resolves when it is durable, was applied here and sent to the subscribers. */
  async write(update: Update, metadata: EnvelopeMetadata): Promise<LogPosition> {
    // A step 2 is logged as an update: to other clients it would be an answer to a question they never asked.
    const message: Message = { type: 'update', update: update.bytes }
    const position = await this.#context.store.append(this.id, encodeEnvelope(metadata, encodeMessage(message)))
    // Not when it comes back from the log: it comes to all gateways that share the log, and one snapshot is enough.
    this.#snapshotIfDue()
    return position
  }

  /** The awareness of everybody here; undefined when nobody is. */
  awareness(): Message | undefined {
    const present = this.#awareness.present()
    return present.length === 0 ? undefined : { type: 'awareness', update: encodeAwareness(present) }
  }

  /** Takes and relays awareness. Returns what the sender has to be told, if anything. */
  updateAwareness(entries: readonly AwarenessEntry[], { socketId, token }: AwarenessOwner): Message | undefined {
    const owner = { socketId, token: tokenDigest(token) }
    const { accepted, departed } = this.#awareness.apply(entries, owner, Date.now())
    this.#relayAwareness(accepted, socketId)
    this.#context.exchange?.publish(this.id, accepted, owner)
    return departed.length === 0 ? undefined : { type: 'awareness', update: encodeAwareness(departed) }
  }

  /** Tells the others that the clients of a socket left. */
  removeAwareness(socketId: string): void {
    const removed = this.#awareness.removeOwner(socketId, Date.now())
    this.#relayAwareness(removed, undefined)
    this.#context.exchange?.publish(this.id, removed, { socketId, token: undefined })
  }

  /** Takes and relays what another gateway told. */
  receiveAwareness(entries: readonly AwarenessEntry[], owner: AwarenessOwner): void {
    this.#relayAwareness(this.#awareness.apply(entries, owner, Date.now()).accepted, owner.socketId)
  }

  /** Tells the other gateways who is here. */
  publishAwareness(): void {
    for (const { owner, entries } of this.#awareness.local()) this.#context.exchange?.publish(this.id, entries, owner)
  }

  /** Tells everybody which clients were not heard of for too long. */
  expireAwareness(now: number): void {
    this.#relayAwareness(this.#awareness.expire(now), undefined)
  }

  /** Ends following the log. The caller makes sure that nobody holds the document. */
  close(): void {
    this.#stopTail()
    this.#doc.destroy()
  }

  #relayAwareness(entries: readonly AwarenessEntry[], author: string | undefined): void {
    if (entries.length === 0) return
    const metadata = { ...this.id, senderId: author ?? SERVER_ID, timestamp: Date.now() }
    const payload = encodeMessage({ type: 'awareness', update: encodeAwareness(entries) })
    this.#context.fanout.broadcast(this.id, 'awareness', [encodeEnvelope(metadata, payload)], author)
  }

  #receive({ offset, value }: LogRecord): void {
    const senderId = this.#apply(offset, value)
    this.#offset = offset
    this.#tailUpdates++
    this.#tailBytes += value.length
    if (!this.#isLive) return
    this.#context.fanout.broadcast(this.id, 'sync', [value, String(offset), this.stream], senderId)
  }

  /** Applies a record and returns its author. */
  #apply(offset: bigint, value: Uint8Array): string | undefined {
    try {
      const { metadata, payload } = decodeEnvelope(value)
      const message = decodeMessage(payload)
      if (message.type !== 'update') throw new TypeError(`a ${message.type} message in the log`)
      Y.applyUpdate(this.#doc, message.update)
      return metadata.senderId
    } catch (error) {
      // Updates are checked before they are logged; what still fails here (deletions nested too deeply for the stack,
      // records of other writers) stays in the log for every client to judge.
      this.#isDamaged = true
      this.#context.report(error, `record ${offset} of ${JSON.stringify(this.id)}`)
      return undefined
    }
  }

  #snapshotIfDue(): void {
    const { snapshotUpdates, snapshotBytes } = this.#context.limits
    const isDue = this.#tailUpdates >= snapshotUpdates || this.#tailBytes >= snapshotBytes
    const isWorthIt = this.#tailBytes >= this.#snapshotBytes * SNAPSHOT_FRACTION
    // A snapshot deletes the records it covers, and must not delete one that it does not contain.
    if (!isDue || !isWorthIt || this.#isSnapshotting || this.#isDamaged) return
    this.#isSnapshotting = true
    void this.#snapshot().finally(() => {
      this.#isSnapshotting = false
    })
  }

  async #snapshot(): Promise<void> {
    const { store, hold, report } = this.#context
    // Held: a second instance, loading now, could read the old snapshot and then find its records deleted.
    const release = hold(this.id)
    // Reset now: what arrives from here on belongs to the next tail. After a failure, the next one covers this too.
    this.#tailUpdates = 0
    this.#tailBytes = 0
    try {
      const state = Y.encodeStateAsUpdate(this.#doc)
      this.#snapshotBytes = state.length
      await store.putSnapshot(this.id, { offset: this.#offset!, state })
    } catch (error) {
      report(error, `snapshot of ${JSON.stringify(this.id)}`)
    } finally {
      release()
    }
  }
}
