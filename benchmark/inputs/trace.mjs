// An editing session: patches, and the small updates that a client sends while it types them.
import { existsSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import * as Y from 'yjs'
import { describeText } from './describe-text.mjs'

/** Real traces stand beside the checkout, or further up, where this project is made; they are not part of it. */
const FILE = 'shared/data/automerge-paper.json.gz'
const GENERATED = 259_778
/** Texts are kept at multiples of this many edits, and at the end. */
const STEP = 1_000

export class Trace {
  #doc = new Y.Doc()
  #text = this.#doc.getText('text')
  #updates = []
  #texts = new Map()

  constructor() {
    const file = findFile()
    /** `[position, deleted, inserted]`, one per edit. */
    this.patches = file ? readPatches(file) : generatePatches(GENERATED)
    this.source = file ? 'automerge-paper (B4)' : 'generated typing'
    this.#doc.clientID = 1
    this.#doc.on('update', (update) => this.#updates.push(update))
  }

  /** The first updates, one per edit. */
  updates(count) {
    this.#extendTo(count)
    return this.#updates.slice(0, count)
  }

  /** Length and hash of the text after so many edits. */
  textAfter(count) {
    this.#extendTo(count)
    return this.#texts.get(count)
  }

  #extendTo(count) {
    while (this.#updates.length < count) {
      const [position, deleted, inserted] = this.patches[this.#updates.length]
      this.#doc.transact(() => {
        if (deleted > 0) this.#text.delete(position, deleted)
        if (inserted) this.#text.insert(position, inserted)
      })
      const edits = this.#updates.length
      if (edits % STEP === 0 || edits === this.patches.length)
        this.#texts.set(edits, describeText(this.#text.toString()))
    }
  }
}

/** A generator of numbers from 0 to 1, the same at every run. */
export function seeded(seed) {
  return () => (seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff) / 0x80000000
}

function findFile() {
  let folder = new URL('../../', import.meta.url)
  while (true) {
    const file = new URL(FILE, folder)
    if (existsSync(file)) return file
    const above = new URL('../', folder)
    if (above.href === folder.href) return undefined
    folder = above
  }
}

function readPatches(file) {
  const { txns } = JSON.parse(gunzipSync(readFileSync(file)).toString())
  return txns.flatMap(({ patches }) => patches)
}

/** Somebody who types, takes a character back now and then, and seldom goes elsewhere. */
function generatePatches(count) {
  const random = seeded(42)
  const patches = []
  let length = 0
  let cursor = 0
  while (patches.length < count) {
    if (random() < 0.02) cursor = Math.floor(random() * (length + 1))
    if (random() < 0.15 && cursor > 0) {
      patches.push([--cursor, 1, ''])
      length--
    } else {
      patches.push([cursor++, 0, String.fromCharCode(97 + Math.floor(random() * 26))])
      length++
    }
  }
  return patches
}
