import { createHash } from 'node:crypto'

/** Kafka allows 249 characters of this alphabet. */
const LEGAL = /^[a-zA-Z0-9._-]{1,128}$/

/** The topic of a room's log: readable where Kafka's rules allow it, else a hash; never the same for two rooms. */
export function syncTopic(roomId: string): string {
  if (LEGAL.test(roomId)) return `ykc.sync.${roomId}`
  return `ykc.sync-sha256.${createHash('sha256').update(roomId).digest('hex')}`
}
