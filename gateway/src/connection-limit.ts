import type { Limits } from './options.js'
import { Refusal } from './refusal.js'

/** Counts the connections of the gateway and of each room. */
export class ConnectionLimit {
  readonly #limits: Pick<Limits, 'maxConnections' | 'maxConnectionsPerRoom'>
  readonly #rooms = new Map<string, number>()
  #total = 0

  constructor(limits: Pick<Limits, 'maxConnections' | 'maxConnectionsPerRoom'>) {
    this.#limits = limits
  }

  /** Counts a connection until the returned function is called, once or more. Throws a `busy` refusal. */
  enter(roomId: string): () => void {
    const { maxConnections, maxConnectionsPerRoom } = this.#limits
    const inRoom = this.#rooms.get(roomId) ?? 0
    if (this.#total >= maxConnections) throw new Refusal('busy', `the gateway has ${this.#total} connections`)
    if (inRoom >= maxConnectionsPerRoom) throw new Refusal('busy', `the room has ${inRoom} connections`)
    this.#total++
    this.#rooms.set(roomId, inRoom + 1)
    let isInside = true
    return () => {
      if (!isInside) return
      isInside = false
      this.#total--
      this.#leave(roomId)
    }
  }

  #leave(roomId: string): void {
    const others = this.#rooms.get(roomId)! - 1
    if (others === 0) this.#rooms.delete(roomId)
    else this.#rooms.set(roomId, others)
  }
}
