import type { Server } from 'socket.io'
import type { AwarenessEntry, AwarenessOwner } from './awareness.js'
import { type DocumentId, documentKey, isIdentifier } from './document-id.js'

/** Entries of one socket of another gateway. */
export interface RemoteAwareness {
  readonly document: DocumentId
  readonly owner: AwarenessOwner
  readonly entries: readonly AwarenessEntry[]
}

/** What a gateway does when it hears from the others. */
export interface ExchangeListener {
  /** Somebody came, changed or left. */
  onAwareness(awareness: RemoteAwareness): void
  /** Another gateway has opened documents: it is told who is here. */
  onQuestion(document: DocumentId): void
}

const AWARENESS = 'y-kafka-collabation-server:awareness'
const QUESTION = 'y-kafka-collabation-server:awareness-query'

/** Opening thousands of documents at once shall not make one message of thousands, either. */
const MAX_DOCUMENTS_PER_QUESTION = 256

/**
 * The other gateways, reached through the Socket.IO adapter, for awareness and nothing else: updates meet in the log.
 * What is lost here (an adapter that is down drops messages) heals when clients renew their state, or expires.
 */
export class AwarenessExchange {
  readonly #io: Server
  readonly #questions = new Map<string, DocumentId>()

  constructor(io: Server) {
    this.#io = io
  }

  listen(listener: ExchangeListener): void {
    this.#io.on(AWARENESS, (message: unknown) => {
      const awareness = readAwareness(message)
      if (awareness !== undefined) listener.onAwareness(awareness)
    })
    this.#io.on(QUESTION, (message: unknown) => {
      for (const document of Array.isArray(message) ? message : []) {
        if (isDocumentId(document)) listener.onQuestion(document)
      }
    })
  }

  /** Tells the others what a socket of this gateway said, or that it left. */
  publish({ roomId, docId }: DocumentId, entries: readonly AwarenessEntry[], owner: AwarenessOwner): void {
    if (entries.length === 0) return
    const states = entries.map(({ clientId, clock, state }) => [clientId, clock, state])
    this.#io.serverSideEmit(AWARENESS, { roomId, docId, socketId: owner.socketId, token: owner.token, states })
  }

  /** Asks the others who is at a document. The questions of one turn of the event loop go out together. */
  ask(document: DocumentId): void {
    if (this.#questions.size === 0) setImmediate(() => this.#sendQuestions())
    this.#questions.set(documentKey(document), document)
  }

  #sendQuestions(): void {
    const documents = [...this.#questions.values()].map(({ roomId, docId }) => ({ roomId, docId }))
    this.#questions.clear()
    for (let start = 0; start < documents.length; start += MAX_DOCUMENTS_PER_QUESTION) {
      this.#io.serverSideEmit(QUESTION, documents.slice(start, start + MAX_DOCUMENTS_PER_QUESTION))
    }
  }
}

/** Undefined for what no gateway of this version has written. */
function readAwareness(message: unknown): RemoteAwareness | undefined {
  if (!isDocumentId(message)) return undefined
  const { roomId, docId, socketId, token, states } = message as unknown as Record<string, unknown>
  if (typeof socketId !== 'string' || !Array.isArray(states)) return undefined
  if (token !== undefined && typeof token !== 'string') return undefined
  if (!states.every(isState)) return undefined
  const entries = states.map(([clientId, clock, state]) => ({ clientId, clock, state }))
  return { document: { roomId, docId } as DocumentId, owner: { socketId, token, isRemote: true }, entries }
}

function isDocumentId(value: unknown): value is DocumentId {
  if (typeof value !== 'object' || value === null) return false
  const { roomId, docId } = value as Record<string, unknown>
  return isIdentifier(roomId) && isIdentifier(docId)
}

function isState(value: unknown): value is [clientId: number, clock: number, state: string | null] {
  if (!Array.isArray(value)) return false
  const [clientId, clock, state] = value as unknown[]
  const isNumbered = Number.isSafeInteger(clientId) && Number.isSafeInteger(clock)
  return isNumbered && (state === null || typeof state === 'string')
}
