// Plain yjs: what a document of it can be told to do, in the words that all clients share.
import * as Y from 'yjs'

export const { applyUpdate } = Y
export const createDoc = () => new Y.Doc()
export const lengthOf = (text) => text.length
export const transact = (doc, edit) => doc.transact(() => edit())
export const observe = (text, listener) => text.observe(listener)
export const onUpdate = (doc, listener) => doc.on('update', listener)
