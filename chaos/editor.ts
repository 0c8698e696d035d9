import { boundaryFrom, makeMarker, markerFrom } from './marker.ts'
import type { Random } from './random.ts'
import type { Replica } from './replica.ts'

/** What was done to a document: a marker added or deleted. */
export interface Entry {
  readonly docId: string
  readonly op: 'add' | 'delete'
  readonly marker: string
}

/** How often each kind of edit is made. */
const WEIGHTS = {
  insertText: 50,
  typeText: 8,
  deleteText: 8,
  formatText: 4,
  insertItem: 10,
  insertMap: 4,
  deleteItem: 4,
  setKey: 8,
  deleteKey: 3,
  setHotKey: 5
} as const

/** Keys that all clients overwrite. */
const HOT_KEYS = ['hot-0', 'hot-1', 'hot-2']

const LARGE = 100_000

/** Makes the edits of one client, and says what it made. */
export class Editor {
  /** Edits so far. */
  count = 0
  readonly #client: string
  readonly #random: Random
  readonly #note: (entry: Entry) => void
  #lastMarker = 0

  /** @param note is told of every edit before it is made. */
  constructor(client: string, random: Random, note: (entry: Entry) => void) {
    this.#client = client
    this.#random = random
    this.#note = note
  }

  /** Edits a document once, several times, or several times in one transaction, at most `most` times. */
  edit(replica: Replica, most: number): void {
    const kind = this.#random.weighted({ single: 5, burst: 3, transaction: 2 })
    const count = kind === 'single' ? 1 : Math.min(this.#random.int(2, 30), most)
    const edits = () => {
      for (let index = 0; index < count; index++) this.#editOnce(replica)
    }
    if (kind === 'transaction') replica.transact(edits)
    else edits()
  }

  /** An edit with more bytes than a server takes in one message. */
  editLargely(replica: Replica): void {
    this.count++
    const filling = Array.from({ length: LARGE }, () => this.#random.int(0, 35).toString(36)).join('')
    replica.text.insert(this.#boundary(replica.text.toString()), this.#marker(replica, filling))
  }

  #editOnce(replica: Replica): void {
    this.count++
    this.#make(this.#random.weighted(WEIGHTS), replica)
  }

  #make(kind: keyof typeof WEIGHTS, replica: Replica): void {
    const random = this.#random
    const { text, list, map } = replica
    switch (kind) {
      case 'insertText':
        return text.insert(this.#boundary(text.toString()), this.#marker(replica))
      case 'typeText': {
        let at = this.#boundary(text.toString())
        for (const unit of this.#marker(replica).split(/(?=[\x00-\x7f])/)) {
          text.insert(at, unit)
          at += unit.length
        }
        return
      }
      case 'deleteText':
      case 'formatText': {
        const content = text.toString()
        const found = markerFrom(content, random.int(0, content.length))
        if (found === undefined) return
        const { at, marker } = found
        if (kind === 'formatText') return text.format(at, marker.length, { bold: random.pick([true, null]) })
        this.#note({ docId: replica.docId, op: 'delete', marker })
        return text.delete(at, marker.length)
      }
      case 'insertItem':
        return list.insert(random.int(0, list.length), [this.#marker(replica)])
      case 'insertMap':
        return list.insert(random.int(0, list.length), [replica.makeMap({ nested: this.#marker(replica) })])
      case 'deleteItem': {
        if (list.length === 0) return
        const index = random.int(0, list.length - 1)
        const { marker } = markerFrom(JSON.stringify(list.toJson()[index]), 0)!
        this.#note({ docId: replica.docId, op: 'delete', marker })
        return list.delete(index, 1)
      }
      case 'setKey':
        return map.set(this.#marker(replica), random.float())
      case 'deleteKey': {
        const keys = Object.keys(map.toJson()).filter((key) => !HOT_KEYS.includes(key))
        if (keys.length === 0) return
        const marker = random.pick(keys.sort())
        this.#note({ docId: replica.docId, op: 'delete', marker })
        return map.delete(marker)
      }
      case 'setHotKey':
        return map.set(random.pick(HOT_KEYS), `${this.#client} ${random.float()}`)
    }
  }

  #marker(replica: Replica, filling?: string): string {
    const marker = makeMarker(this.#client, ++this.#lastMarker, filling)
    this.#note({ docId: replica.docId, op: 'add', marker })
    return marker
  }

  #boundary(text: string): number {
    return boundaryFrom(text, this.#random.int(0, text.length))
  }
}
