// Documents of Yjs that were edited.

import * as Y from 'yjs'

export function docWith(clientID, edit, options) {
  const doc = new Y.Doc({ guid: `guid-${clientID}`, ...options })
  doc.clientID = clientID
  edit(doc)
  return doc
}

/** All updates that the edits of a document caused, one per transaction. */
export function updatesOf(clientID, edit) {
  const updates = []
  docWith(clientID, (doc) => {
    doc.on('update', (update) => updates.push(update))
    edit(doc)
  })
  return updates
}

/** Plain text of the root `body`, or null if it is empty or something else. */
export function plainText(doc) {
  return doc.share.has('body') ? doc.getText('body').toString() || null : null
}
