// What everybody in the demo knows beforehand.
import { setTimeout } from 'node:timers/promises'

export const ROOM = 'demo'

/** The two documents: a text with its statistics, and what is said about it. */
export const README = 'readme'
export const REVIEW = 'review'
export const DOCUMENTS = [README, REVIEW]

/** Title, in front of which the reviewer puts this while the others write. */
export const REVIEW_MARK = '[in review] '

/** Typed by the editor while it is cut off, found by the others when it is back. Its emoji counts two UTF-16 units. */
export const OFFLINE_NOTE = 'Written by a bot on a plane 🛫: it had no network, and nothing it typed was lost. '

/** Time in ms between two strokes, so that the participants really write at the same time. Nothing waits on it. */
const STROKE = 8

export function stroke() {
  return setTimeout(STROKE)
}

/** Offsets by document, for people. */
export function describeOffsets(offsets) {
  const known = DOCUMENTS.filter((docId) => offsets[docId] !== undefined)
  if (known.length === 0) return 'both documents, the log is empty'
  return known.map((docId) => `${docId} at offset ${offsets[docId]}`).join(', ')
}
