import { createHash } from 'node:crypto'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { Refusal } from './refusal.js'

/** One client's state as it travels. */
export interface AwarenessEntry {
  readonly clientId: number
  readonly clock: number
  /** JSON text; null when the client left. */
  readonly state: string | null
}

/** Who may write an entry. */
export interface AwarenessOwner {
  readonly socketId: string
  /** Its digest: owners are told to other gateways, and tokens are nobody's business. */
  readonly token: string | undefined
  /** Whether the socket is one of another gateway. */
  readonly isRemote?: boolean
}

interface Presence extends AwarenessEntry {
  /** Undefined once the client left. */
  readonly owner: AwarenessOwner | undefined
  /** Milliseconds, on the clock of the caller. */
  readonly renewedAt: number
}

/** Clients renew their state every 15 s; y-protocols gives them up after 30 s. */
export const AWARENESS_TIMEOUT = 30_000

/** A client has one clientID per document; a bridge for several clients needs some more. */
const MAX_CLIENTS_PER_OWNER = 64

/**
 * The awareness of one document. The first socket that uses a clientID owns it, so that nobody speaks for somebody
 * else; a socket with the same token may take it over, because a client that reconnects can be back before the gateway
 * has noticed that its old socket is dead.
 */
export class AwarenessMap {
  readonly #presences = new Map<number, Presence>()
  readonly #timeout: number

  /** @param timeout milliseconds after which a client that does not renew its state is given up. */
  constructor(timeout: number = AWARENESS_TIMEOUT) {
    this.#timeout = timeout
  }

  /** The clients that are here, for a newcomer. */
  present(): AwarenessEntry[] {
    return [...this.#presences.values()].filter(({ state }) => state !== null)
  }

  /** The clients of this gateway's own sockets, by socket, for other gateways. */
  local(): { owner: AwarenessOwner; entries: AwarenessEntry[] }[] {
    const bySocket = new Map<string, { owner: AwarenessOwner; entries: AwarenessEntry[] }>()
    for (const { owner, clientId, clock, state } of this.#presences.values()) {
      if (owner === undefined || owner.isRemote === true) continue
      const known = bySocket.get(owner.socketId) ?? { owner, entries: [] }
      known.entries.push({ clientId, clock, state })
      bySocket.set(owner.socketId, known)
    }
    return [...bySocket.values()]
  }

  /**
   * Takes what is new. Returns it as `accepted`, to be relayed, and as `departed` the entries of which the sender does
   * not know that they ended here: told so, it raises its clock and announces itself again.
   * Throws a `too-large` refusal, and takes nothing, when one owner uses too many clientIDs.
   */
  apply(entries: readonly AwarenessEntry[], owner: AwarenessOwner, now: number) {
    this.#assertMayBind(entries, owner)
    const accepted: AwarenessEntry[] = []
    const departed: AwarenessEntry[] = []
    for (const entry of entries) {
      const known = this.#presences.get(entry.clientId)
      if (isNews(entry, known, owner)) {
        this.#presences.set(entry.clientId, {
          ...entry,
          owner: entry.state === null ? undefined : owner,
          renewedAt: now
        })
        accepted.push(entry)
      } else if (known?.state === null && entry.state !== null) {
        departed.push(known)
      }
    }
    return { accepted, departed }
  }

  /** Removes what the socket owns. Returns the removals, to be relayed. */
  removeOwner(socketId: string, now: number): AwarenessEntry[] {
    return this.#removeWhere(({ owner }) => owner?.socketId === socketId, now)
  }

  /** Removes clients that were not renewed in time. Returns the removals, to be relayed. */
  expire(now: number): AwarenessEntry[] {
    const isOverdue = ({ renewedAt }: Presence) => now - renewedAt >= this.#timeout
    for (const [clientId, presence] of this.#presences) {
      if (presence.state === null && isOverdue(presence)) this.#presences.delete(clientId)
    }
    return this.#removeWhere(isOverdue, now)
  }

  #removeWhere(predicate: (presence: Presence) => boolean, now: number): AwarenessEntry[] {
    const removed: AwarenessEntry[] = []
    for (const presence of this.#presences.values()) {
      if (presence.state === null || !predicate(presence)) continue
      const removal = { clientId: presence.clientId, clock: presence.clock + 1, state: null }
      // Kept for a while with its clock: an echo of the old state must not bring the client back.
      this.#presences.set(presence.clientId, { ...removal, owner: undefined, renewedAt: now })
      removed.push(removal)
    }
    return removed
  }

  #assertMayBind(entries: readonly AwarenessEntry[], owner: AwarenessOwner): void {
    if (owner.isRemote === true) return // its own gateway has counted
    const isOwned = (presence: Presence | undefined) => presence?.owner?.socketId === owner.socketId
    let count = 0
    for (const entry of entries) {
      const known = this.#presences.get(entry.clientId)
      if (!isOwned(known) && isNews(entry, known, owner)) count++
    }
    if (count === 0) return
    for (const presence of this.#presences.values()) if (isOwned(presence)) count++
    if (count > MAX_CLIENTS_PER_OWNER) {
      throw new Refusal('too-large', `more than ${MAX_CLIENTS_PER_OWNER} awareness clients on one connection`)
    }
  }
}

/** A string that is as good as the token to tell whether two are the same. */
export function tokenDigest(token: string | undefined): string | undefined {
  return token === undefined ? undefined : createHash('sha256').update(token).digest('base64url')
}

/** `[count]([clientID][clock][JSON])*`, as y-protocols writes it. */
export function encodeAwareness(entries: readonly AwarenessEntry[]): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, entries.length)
    for (const { clientId, clock, state } of entries) {
      encoding.writeVarUint(encoder, clientId)
      encoding.writeVarUint(encoder, clock)
      encoding.writeVarString(encoder, state ?? 'null')
    }
  })
}

/** Throws a `bad-message` refusal unless `bytes` is exactly one awareness update of valid JSON states. */
export function decodeAwareness(bytes: Uint8Array): AwarenessEntry[] {
  const decoder = decoding.createDecoder(bytes)
  try {
    const entries: AwarenessEntry[] = []
    for (let remaining = decoding.readVarUint(decoder); remaining > 0; remaining--) {
      entries.push(readEntry(decoder))
    }
    if (decoding.hasContent(decoder)) throw new RangeError('bytes follow its end')
    return entries
  } catch (error) {
    throw new Refusal('bad-message', `awareness: ${(error as Error).message}`)
  }
}

function readEntry(decoder: decoding.Decoder): AwarenessEntry {
  const clientId = decoding.readVarUint(decoder)
  const clock = decoding.readVarUint(decoder)
  // A removal is announced with the next clock, which has to be a safe integer too.
  if (clock >= Number.MAX_SAFE_INTEGER) throw new RangeError('clock out of range')
  const json = decoding.readVarString(decoder)
  // Relayed as it is, so it is parsed here once: it would throw in every client.
  return { clientId, clock, state: JSON.parse(json) === null ? null : json }
}

function isNews(entry: AwarenessEntry, known: Presence | undefined, owner: AwarenessOwner): boolean {
  if (known === undefined) return entry.state !== null
  if (known.owner !== undefined && known.owner.socketId !== owner.socketId) {
    return known.owner.token === owner.token && entry.clock > known.clock && entry.state !== null
  }
  // A removal carries the clock of the state that it ends.
  return entry.clock > known.clock || (entry.clock === known.clock && entry.state === null && known.state !== null)
}
