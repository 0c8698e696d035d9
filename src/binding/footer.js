// What only JavaScript can express, or says better: other names of a class, a class made of another one, frozen constants,
// methods with symbols as names, calls that wait for one another.
for (const [name, value] of [
  [
    'openDoc',
    async function (docId, options = {}) {
      const { initialState, parentId, timeout, signal } = options
      const doc = new nativeBinding.YDoc({ guid: docId })
      if (initialState !== undefined) nativeBinding.applyUpdate(doc, initialState)
      this.addDoc(doc, { docId, parentId })
      try {
        await this.whenSynced(docId, { timeout, signal })
      } catch (error) {
        // Nobody else knows of the document; and an id that was given to another one meanwhile is left alone.
        this.removeDoc(doc)
        throw error
      }
      return doc
    }
  ],
  [
    Symbol.asyncDispose,
    function () {
      return this.destroy({ flush: 30000 })
    }
  ]
]) {
  Object.defineProperty(nativeBinding.ProtocolManager.prototype, name, { value, writable: true, configurable: true })
}
module.exports.ProtocolProvider = nativeBinding.ProtocolManager
module.exports.ProtocolConnection = nativeBinding.ProtocolManager
module.exports.ProtocolProcessing = nativeBinding.ProtocolManager
module.exports.createStickyIndexFromType = nativeBinding.createRelativePositionFromTypeIndex
module.exports.createOffsetFromStickyIndex = nativeBinding.createAbsolutePositionFromRelativePosition
module.exports.encodeStickyIndex = nativeBinding.encodeRelativePosition
module.exports.decodeStickyIndex = nativeBinding.decodeRelativePosition
for (const event of ['update', 'updateV2', 'afterTransaction', 'subdocs', 'destroy']) {
  const name = `on${event[0].toUpperCase()}${event.slice(1)}`
  const add = function (callback) {
    // A function of its own, so that freeing one observer leaves another of the same function alone.
    const listener = (...args) => callback(...args)
    this.on(event, listener)
    return { free: () => void this.off(event, listener) }
  }
  Object.defineProperty(nativeBinding.YDoc.prototype, name, { value: add, writable: true, configurable: true })
}
module.exports.Channel = Object.freeze({ Sync: 'sync', Awareness: 'awareness', Control: 'control' })
module.exports.ProtocolMessageType = Object.freeze({ Sync: 0, Awareness: 1, Auth: 2, QueryAwareness: 3 })
module.exports.YKafkaCollabationProvider = class YKafkaCollabationProvider extends nativeBinding.ProtocolManager {
  constructor(url, name, doc, options = {}) {
    const slash = name.indexOf('/')
    const roomId = slash < 0 ? name : name.slice(0, slash)
    super({
      url,
      roomId,
      params: options.params,
      autoConnect: options.connect,
      resyncInterval: options.resyncInterval,
      socketOptions: { reconnectionDelayMax: options.maxBackoffTime ?? 2500 }
    })
    this.doc = doc
    this.docId = options.docId ?? (slash < 0 ? roomId : name.slice(slash + 1))
    this.addDoc(doc, { docId: this.docId, awareness: options.awareness, crdt: options.crdt })
  }

  get awareness() {
    return this.getDocState(this.docId)?.awareness
  }

  get synced() {
    return this.getDocState(this.docId)?.synced ?? false
  }
}
