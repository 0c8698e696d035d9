// The provider of Hocuspocus, and yjs: many documents on a connection.
import { HocuspocusProvider, HocuspocusProviderWebsocket } from '@hocuspocus/provider'
import WebSocket from 'ws'

export * from './yjs.mjs'
export const protocol = 'hocuspocus'
export const sharesConnection = true

/** What every document gets besides sync messages: that it is authenticated. */
const OTHER_MESSAGES = 1

/** A connection with a first document. */
export class Connection {
  #websocket
  #providers = []
  #onSynced
  #messages = 0

  constructor(port, docId, doc, onSynced) {
    this.#onSynced = onSynced
    this.#websocket = new HocuspocusProviderWebsocket({ url: `ws://127.0.0.1:${port}`, WebSocketPolyfill: WebSocket })
    this.add(docId, doc)
    this.#providers[0].on('message', () => this.#messages++)
  }

  add(docId, doc) {
    const provider = new HocuspocusProvider({ websocketProvider: this.#websocket, name: docId, document: doc })
    provider.on('synced', ({ state }) => state && this.#onSynced())
    provider.attach()
    this.#providers.push(provider)
  }

  /** Sync messages of the first document so far. */
  get received() {
    return this.#messages - OTHER_MESSAGES
  }

  destroy() {
    for (const provider of this.#providers) provider.destroy()
    this.#websocket.destroy()
  }

  connect() {
    this.#websocket.connect()
  }

  /** Resolves when the connection is closed: it can't be opened before. */
  disconnect() {
    return new Promise((resolve) => {
      this.#websocket.on('disconnect', resolve)
      this.#websocket.disconnect()
    })
  }

  /** Resolves when the server has confirmed every edit. */
  confirmed() {
    return new Promise((resolve) => {
      const unconfirmed = new Set(this.#providers.filter((it) => it.hasUnsyncedChanges))
      if (unconfirmed.size === 0) return resolve()
      for (const provider of unconfirmed) {
        provider.on('unsyncedChanges', ({ number }) => {
          if (number === 0 && unconfirmed.delete(provider) && unconfirmed.size === 0) resolve()
        })
      }
    })
  }
}
