// Updates that are merged, and updates that yrs can't read.

import * as Y from 'yjs'
import { bytesOf, hex } from './bytes.mjs'
import { docWith, plainText, updatesOf } from './documents.mjs'

/** Valid updates that yrs 0.28 reads wrongly: it takes what follows for something else. */
export function unsupportedUpdates() {
  // Yjs reads ContentJSON still, but writes it only when it has read it.
  const json = docWith(1, (d) =>
    d.transact((transaction) => {
      const content = new Y.ContentJSON([1, { a: 'b' }])
      new Y.Item(Y.createID(1, 0), null, null, null, null, d.getArray('list'), null, content).integrate(transaction, 0)
    })
  )
  const hook = docWith(1, (d) => d.getXmlFragment('xml').insert(0, [new Y.XmlHook('widget')]))
  return [
    { label: 'ContentJSON', kind: 'unsupported-update', hex: hex(Y.encodeStateAsUpdate(json)) },
    { label: 'XML hook', kind: 'unsupported-update', hex: hex(Y.encodeStateAsUpdate(hook)) }
  ]
}

export function merges() {
  const typed = updatesOf(3, (doc) => [...'typed text'].forEach((char, i) => doc.getText('body').insert(i, char)))
  const deleting = updatesOf(4, (doc) => {
    doc.getText('body').insert(0, 'abc')
    doc.getText('body').delete(1, 1)
  })
  const many = updatesOf(5, (doc) => {
    for (let i = 0; i < 200; i++) doc.getText('body').insert(i, String(i % 10))
  })
  const rows = [
    ['one', [typed[0]]],
    ['a typed text', typed],
    ['a typed text, backwards', [...typed].reverse()],
    ['with an empty update', [typed[0], bytesOf(0, 0), typed[1]]],
    ['the same twice', [typed[0], typed[0]]],
    ['with deletes', deleting],
    ['of two clients', [...deleting, ...typed]],
    ['200 updates', many]
  ]
  return rows.map(([label, list]) => {
    const doc = new Y.Doc()
    const merged = Y.mergeUpdates(list)
    Y.applyUpdate(doc, merged)
    return {
      label,
      kind: 'merge',
      updates: list.map(hex),
      merged: hex(merged),
      stateVector: hex(Y.encodeStateVector(doc)),
      text: plainText(doc)
    }
  })
}
