// What the native bots have in common: a provider with both documents, and the cues that every participant answers.
import { encodeStateVector, ProtocolManager, YDoc } from '../../index.js'
import { digest } from './digest.mjs'
import { describeOffsets, DOCUMENTS, OFFLINE_NOTE, README, REVIEW, ROOM } from './script.mjs'
import { announce, areSame, tell, until } from './stage.mjs'

export class NativeBot {
  constructor(name, url) {
    this.name = name
    this.edits = 0
    this.provider = new ProtocolManager({
      url,
      roomId: ROOM,
      socketOptions: { reconnectionDelay: 50, reconnectionDelayMax: 250 }
    })
    this.docs = new Map(DOCUMENTS.map((docId) => [docId, this.#open(docId)]))
    this.body = this.docs.get(README).getText('body')
    this.stats = this.docs.get(README).getMap('stats')
    this.comments = this.docs.get(REVIEW).getArray('comments')
    this.failure = new Promise((_, reject) => {
      this.provider.on('error', reject)
      this.provider.on('permission-denied', (reason) => reject(new Error(`permission denied: ${reason}`)))
    })
    this.failure.catch(({ stack }) => process.send({ failure: stack }))
  }

  /** Resolves when both documents are synced and everybody who is expected is here. */
  async join({ expected }) {
    await this.seeConnected()
    tell('connected', `native provider, socket ${this.provider.socket.id}`)
    await this.#synced()
    const position = this.#position()
    tell('synced', describeOffsets(position.offsets))
    await this.seePresent({ names: expected })
    return position
  }

  /** Resolves when exactly these participants are here. */
  async seePresent({ names }) {
    const { awareness } = this.provider.getDocState(README)
    const here = () => [...awareness.getStates().values()].map(({ name }) => name)
    await until(
      (check) => awareness.on('change', check),
      () => areSame(here(), names)
    )
  }

  /** Resolves when the text contains what the editor typed offline. */
  async seeNote() {
    await until(
      (check) => this.docs.get(README).on('update', check),
      () => this.body.toString().includes(OFFLINE_NOTE)
    )
  }

  async seeConnected() {
    await until(
      (check) => this.provider.on('status', check),
      () => this.provider.status === 'connected'
    )
  }

  /** Resolves, with all that came before, when the connection is lost. */
  async seeDisconnected() {
    await until(
      (check) => this.provider.on('status', check),
      () => this.provider.status !== 'connected'
    )
    return this.#position()
  }

  /** Resolves when connected and synced again. */
  async seeSynced() {
    await this.#synced()
    return this.#position()
  }

  /** One edit that has to survive what comes next. */
  async sign({ event }) {
    this.stats.set(`${this.name} was here after`, event)
    return this.flush()
  }

  /** Resolves when every edit is in the log. */
  async flush() {
    await this.provider.flush({ timeout: 10_000 })
    return this.#position()
  }

  /** What this replica holds. From now on every change is announced. */
  digest() {
    if (!this.isWatched) for (const doc of this.docs.values()) doc.on('update', () => announce('changed'))
    this.isWatched = true
    return digest({
      text: this.body.toString(),
      delta: this.body.toDelta(),
      map: this.stats.toJson(),
      array: this.comments.toJson(),
      vectors: [...this.docs.values()].map((doc) => encodeStateVector(doc))
    })
  }

  leave() {
    this.provider.destroy()
  }

  #open(docId) {
    const doc = new YDoc()
    doc.on('update', (_, { origin }) => {
      if (origin !== this.provider) this.edits++
    })
    this.provider.addDoc(doc, { docId })
    this.provider.getDocState(docId).awareness.setLocalState({ name: this.name })
    return doc
  }

  async #synced() {
    const isSynced = () => DOCUMENTS.every((docId) => this.provider.getDocState(docId).synced)
    await until((check) => this.provider.on('synced', check), isSynced)
  }

  #position() {
    const offsets = DOCUMENTS.map((docId) => [docId, this.provider.getDocState(docId).offset])
    return { socketId: this.provider.socket.id, edits: this.edits, offsets: Object.fromEntries(offsets) }
  }
}

/** The cues that a bot answers with its methods of the same name. */
export function commonCues(bot) {
  const names = ['join', 'seePresent', 'seeNote', 'seeDisconnected', 'seeSynced', 'sign', 'flush', 'digest', 'leave']
  return Object.fromEntries(names.map((name) => [name, (data) => bot[name](data)]))
}
