import { Refusal } from './refusal.js'

export type Operation = 'connect' | 'read' | 'write' | 'awareness'

export interface AuthorizeRequest {
  /** `auth.token` of the handshake, else its `token` query parameter. */
  readonly token: string | undefined
  readonly roomId: string
  readonly docId: string
  readonly parentId: string | undefined
  readonly op: Operation
}

export interface Denial {
  readonly ok: false
  /** `unauthenticated` asks for a (better) token when connecting. Default `permission-denied`. */
  readonly code?: 'unauthenticated' | 'permission-denied' | undefined
  /** Shown to the client. */
  readonly reason?: string | undefined
}

export interface Grant {
  readonly ok: true
  /**
   * For `connect`: when it is aborted, the connection gets control `{"type":"auth-expired"}` and ends, and the client comes
   * back with another token. `AbortSignal.timeout(ms)` for a token that expires, or one of your own for what is revoked.
   * Do not deny documents for that meanwhile: a denial is for good.
   */
  readonly until?: AbortSignal | undefined
}

export type Verdict = boolean | Denial | Grant

/**
 * Asked with `connect` once per connection, then once per document and operation. A hook that throws denies nobody
 * for good: the client is told `unavailable` and may try again.
 */
export type Authorize = (request: AuthorizeRequest) => Verdict | Promise<Verdict>

/** Resolves when the request is granted, with what ends the grant. Rejects with the refusal. */
export async function assertAuthorized(
  authorize: Authorize | undefined,
  request: AuthorizeRequest
): Promise<AbortSignal | undefined> {
  const verdict = authorize === undefined ? true : await authorize(request)
  if (verdict === true) return undefined
  const answer: Denial | Grant = typeof verdict === 'object' && verdict !== null ? verdict : { ok: false }
  // Anything but a plain yes is a no: a hook that forgets to return must not open the door.
  if (answer.ok !== true) {
    throw new Refusal(answer.code ?? 'permission-denied', answer.reason ?? `${request.op} is not allowed`)
  }
  if (answer.until !== undefined && !(answer.until instanceof AbortSignal)) {
    throw new TypeError('authorize: until must be an AbortSignal')
  }
  if (answer.until?.aborted) throw new Refusal('unauthenticated', 'the token has expired')
  return answer.until
}
