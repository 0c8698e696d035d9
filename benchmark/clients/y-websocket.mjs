// y-websocket and yjs: a connection per document.
import WebSocket from 'ws'
import { WebsocketProvider } from 'y-websocket'

export * from './yjs.mjs'
export const protocol = 'y-websocket'
export const sharesConnection = false

const SYNC = 0

// Every provider listens to the end of the process.
process.setMaxListeners(0)

/** A connection with its document. */
export class Connection {
  received = 0
  #provider

  constructor(port, docId, doc, onSynced) {
    const options = { WebSocketPolyfill: WebSocket, disableBc: true, connect: false }
    this.#provider = new WebsocketProvider(`ws://127.0.0.1:${port}`, docId, doc, options)
    const handlers = this.#provider.messageHandlers
    const handleSync = handlers[SYNC]
    handlers[SYNC] = (...message) => {
      handleSync(...message)
      this.received++
    }
    this.#provider.on('sync', (isSynced) => isSynced && onSynced())
    this.#provider.connect()
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

  /** Its protocol confirms nothing. */
  confirmed() {
    return Promise.resolve()
  }
}
