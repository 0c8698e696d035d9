// This package.
import { ProtocolManager, YDoc, applyUpdate, applyUpdateAsync, mergeUpdatesV1 } from '../../index.js'

export { applyUpdate, applyUpdateAsync, mergeUpdatesV1 as mergeUpdates }
export const protocol = 'socket.io'
export const sharesConnection = true

export const createDoc = () => new YDoc()
export const lengthOf = (text) => text.length()
export const observe = (text, listener) => text.observe(listener)
export const onUpdate = (doc, listener) => doc.on('update', listener)

export function transact(doc, edit) {
  const txn = doc.beginTransaction()
  edit()
  txn.commit()
}

/** A connection with a first document. */
export class Connection {
  #provider
  #first

  constructor(port, docId, doc, onSynced) {
    this.#provider = new ProtocolManager({ url: `ws://127.0.0.1:${port}`, roomId: 'room', resyncInterval: 0 })
    this.#provider.on('synced', ({ state }) => state && onSynced())
    this.#provider.on('error', (error) => {
      throw error
    })
    this.add(docId, doc)
    this.#first = this.#provider.getDocState(docId)
  }

  add(docId, doc) {
    this.#provider.addDoc(doc, { docId })
  }

  /** Messages of the first document so far: the neutral server numbers them. */
  get received() {
    return Number(this.#first.offset ?? -1) + 1
  }

  destroy() {
    this.#provider.destroy()
  }

  connect() {
    this.#provider.connect()
  }

  disconnect() {
    this.#provider.disconnect()
  }

  /** Resolves when the server has confirmed every edit. */
  confirmed() {
    return this.#provider.flush({ timeout: 120_000 })
  }
}
