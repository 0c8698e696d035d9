// The state of a large document, as one update.
import * as Y from 'yjs'
import { describeText } from './describe-text.mjs'
import { seeded } from './trace.mjs'

const WORDS = 'the quick brown fox jumps over the lazy dog and runs on '

/** A text of this many characters that was written in short runs all over the place, and so has many items. */
export function stateOf(length) {
  const random = seeded(7)
  const doc = new Y.Doc()
  doc.clientID = 2
  const text = doc.getText('text')
  let cursor = 0
  doc.transact(() => {
    while (text.length < length) {
      // Mostly a few words back, as who revises a paragraph; sometimes elsewhere.
      const isJump = random() < 0.01
      cursor = isJump ? Math.floor(random() * text.length) : Math.max(0, cursor - Math.floor(random() * 60))
      const run = WORDS.slice(0, Math.min(8 + Math.floor(random() * 48), length - text.length))
      text.insert(cursor, run)
      cursor += run.length
    }
  })
  return { update: Y.encodeStateAsUpdate(doc), ...describeText(text.toString()) }
}
