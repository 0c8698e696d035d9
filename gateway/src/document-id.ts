/** What identifies a document. A `parentId` is information for applications and no part of the identity. */
export interface DocumentId {
  readonly roomId: string
  readonly docId: string
}

const MAX_LENGTH = 128

/** Whether `value` can name a room or a document: 1 to 128 UTF-16 units, no lone surrogate. */
export function isIdentifier(value: unknown): value is string {
  // A lone surrogate has no UTF-8 form: two such names would become one key in the log.
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_LENGTH && value.isWellFormed()
}

/** A string that differs whenever the identity differs, whatever characters the names contain. */
export function documentKey({ roomId, docId }: DocumentId): string {
  return `${roomId.length}:${roomId}${docId}`
}
