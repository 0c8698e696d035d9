import type { Limits } from './options.js'
import { Refusal } from './refusal.js'

/** What one connection has sent and not yet got an answer to: its share of the gateway's memory. */
export class Unacked {
  readonly #limits: Pick<Limits, 'maxUnackedFrames' | 'maxUnackedBytes'>
  readonly #onDrained: () => void
  #frames = 0
  #updates = 0
  #bytes = 0
  #waiting: (() => void)[] = []

  /** @param onDrained called each time that nothing waits any more. */
  constructor(limits: Pick<Limits, 'maxUnackedFrames' | 'maxUnackedBytes'>, onDrained: () => void) {
    this.#limits = limits
    this.#onDrained = onDrained
  }

  /**
   * Counts a frame until the returned function is called. Throws a `busy` refusal. Only updates are counted by number:
   * a client may open thousands of documents at once, and those frames are small and cheap.
   */
  admit(bytes: number, isUpdate: boolean): () => void {
    const { maxUnackedFrames, maxUnackedBytes } = this.#limits
    if (isUpdate && this.#updates >= maxUnackedFrames) {
      throw new Refusal('busy', `${maxUnackedFrames} updates wait for their ack`)
    }
    // A lone frame passes whatever its size; it would be refused forever otherwise.
    if (this.#frames > 0 && this.#bytes + bytes > maxUnackedBytes) {
      throw new Refusal('busy', `${this.#bytes} bytes wait for their ack`)
    }
    this.#frames++
    this.#bytes += bytes
    if (isUpdate) this.#updates++
    return () => {
      this.#frames--
      this.#bytes -= bytes
      if (isUpdate) this.#updates--
      if (this.#frames === 0) this.#drained()
    }
  }

  get frames(): number {
    return this.#frames
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Resolves when nothing waits. */
  drained(): Promise<void> {
    return this.#frames === 0 ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve))
  }

  #drained(): void {
    this.#onDrained()
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}
