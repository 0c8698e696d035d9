import type { Socket } from 'socket.io'
import { isIdentifier } from './document-id.js'
import type { Handshake } from './peer.js'
import { Refusal } from './refusal.js'

/** Reads `roomId`, `docId`, `parentId` and the token. Throws a `bad-request` refusal. */
export function parseHandshake({ query, auth }: Socket['handshake']): Handshake {
  const { roomId, docId = roomId, parentId } = query
  if (!isIdentifier(roomId)) throw malformed('roomId', 'is required, once, with 1 to 128 characters')
  if (!isIdentifier(docId)) throw malformed('docId', 'must appear once, with 1 to 128 characters')
  if (parentId !== undefined && parentId !== '' && !isIdentifier(parentId)) {
    throw malformed('parentId', 'must appear once, with at most 128 characters')
  }
  const token: unknown = auth?.['token'] ?? query['token']
  if (token !== undefined && token !== null && typeof token !== 'string') throw malformed('token', 'is not a string')
  return { token: token ?? undefined, roomId, docId, parentId: parentId || undefined }
}

function malformed(field: string, reason: string): Refusal {
  return new Refusal('bad-request', `${field} ${reason}`)
}
