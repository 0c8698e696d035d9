import { body, type Metadata } from '../__test__/support/wire.ts'

/** Watches that the log only grows: what was heard of on one connection, the next one must know. */
export class OffsetWatch {
  readonly #highest = new Map<string, bigint>()
  readonly #onViolation: (text: string) => void
  #floor: ReadonlyMap<string, bigint> = new Map()

  constructor(onViolation: (text: string) => void) {
    this.#onViolation = onViolation
  }

  /** A connection begins. */
  connect(): void {
    this.#floor = new Map(this.#highest)
  }

  /** A sync message with its offset; all are of one partition, because a room has one. */
  message({ docId }: Pick<Metadata, 'docId'>, payload: Uint8Array, offset: string | undefined): void {
    if (offset === undefined) return
    if (!/^\d+$/.test(offset)) return this.#onViolation(`${docId} has offset ${offset}`)
    const floor = this.#floor.get(docId) ?? -1n
    if (isStepTwo(payload) && BigInt(offset) < floor) {
      this.#onViolation(`${docId} had offset ${floor}, and after a reconnect its state is that of ${offset}`)
    }
    this.note(docId, offset)
  }

  /** The log has the document up to this offset. */
  note(docId: string, offset: string): void {
    const highest = this.#highest.get(docId) ?? -1n
    if (BigInt(offset) > highest) this.#highest.set(docId, BigInt(offset))
  }
}

function isStepTwo(payload: Uint8Array): boolean {
  return payload[0] === 0 && payload[1] === 1 && body(payload).length > 0
}
