// Plain ywasm: yrs compiled to WebAssembly, on the event loop.
import { createRequire } from 'node:module'

const { YDoc, applyUpdate: apply, encodeStateAsUpdate, encodeStateVector } = createRequire(import.meta.url)('ywasm')

export { encodeStateAsUpdate, encodeStateVector }
export const createDoc = () => new YDoc()
export const lengthOf = (text) => text.length()
export const applyUpdate = (doc, update) => apply(doc, update)

/** An observer that is collected stops observing: whatever it belongs to keeps it. */
export function onUpdate(doc, listener) {
  keep(doc, doc.onUpdate(listener))
}

export function observe(text, listener) {
  keep(text, text.observe(listener))
}

export function transact(doc, edit) {
  const txn = doc.beginTransaction()
  edit(txn)
  txn.free()
}

function keep(owner, observer) {
  owner.observers ??= []
  owner.observers.push(observer)
}
