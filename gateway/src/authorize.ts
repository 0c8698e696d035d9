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

export type Verdict = boolean | Denial

/**
 * Asked with `connect` once per connection, then once per document and operation. A hook that throws denies nobody
 * for good: the client is told `unavailable` and may try again.
 */
export type Authorize = (request: AuthorizeRequest) => Verdict | Promise<Verdict>

/** Resolves when the request is granted, else rejects with the refusal. */
export async function assertAuthorized(authorize: Authorize | undefined, request: AuthorizeRequest): Promise<void> {
  const verdict = authorize === undefined ? true : await authorize(request)
  if (verdict === true) return
  const denial: Denial = typeof verdict === 'object' && verdict !== null ? verdict : { ok: false }
  // Anything but a plain yes is a no: a hook that forgets to return must not open the door.
  throw new Refusal(denial.code ?? 'permission-denied', denial.reason ?? `${request.op} is not allowed`)
}
