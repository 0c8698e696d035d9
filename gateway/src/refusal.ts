/** Why a connection or a frame was refused; part of the wire contract. */
export type RefusalCode =
  | 'bad-request'
  | 'unauthenticated'
  | 'permission-denied'
  | 'bad-message'
  | 'room-mismatch'
  | 'too-large'
  | 'busy'
  | 'rate-limited'
  | 'unavailable'
  | 'not-subscribed'

const RETRYABLE: ReadonlySet<RefusalCode> = new Set(['busy', 'rate-limited', 'unavailable', 'not-subscribed'])

/**
 * A refusal the client is told about. Any other error that reaches a connection is the gateway's own fault: it is
 * reported to the operator, and the client sees `unavailable` without its text.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal'

  /** @param retryable whether the very same request may succeed later. */
  constructor(
    readonly code: RefusalCode,
    readonly reason: string,
    readonly retryable: boolean = RETRYABLE.has(code)
  ) {
    super(`${code}: ${reason}`)
  }

  static from(error: unknown): Refusal {
    return error instanceof Refusal ? error : new Refusal('unavailable', 'the gateway could not do this now')
  }
}
