// What the measured processes read: files in a temporary folder, made when they are first asked for.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { protocols } from '../server/protocols.mjs'
import { stateOf } from './state.mjs'
import { Trace } from './trace.mjs'

/** Step 2 of a server that holds nothing: an update without content. */
const EMPTY_UPDATE = new Uint8Array([0, 0])

export class Inputs {
  #folder = mkdtempSync(join(tmpdir(), 'yjs-bench-'))
  #made = new Map()
  trace = new Trace()

  /** The first edits of the trace, as records for `readPatches` and the floor. */
  patches(count) {
    return this.#once(`patches-${count}`, () => {
      const records = this.trace.patches.slice(0, count).map(encodePatch)
      return { file: this.#write(`patches-${count}`, records), ...this.trace.textAfter(count) }
    })
  }

  /** Their updates. */
  updates(count) {
    return this.#once(`updates-${count}`, () => {
      const file = this.#write(`updates-${count}`, this.trace.updates(count))
      return { file, ...this.trace.textAfter(count) }
    })
  }

  /** Frames of a server that answers step 1 with nothing and goes on with so many updates. */
  stream(protocol, count) {
    return this.#once(`stream-${protocol}-${count}`, () => {
      const { syncMessage } = protocols[protocol]
      const frames = [syncMessage('doc', 1, EMPTY_UPDATE, 0)]
      this.trace.updates(count).forEach((update, index) => frames.push(syncMessage('doc', 2, update, index + 1)))
      const file = join(this.#folder, `stream-${protocol}-${count}`)
      writeFileSync(file, Buffer.concat(frames))
      return { file, total: frames.length, ...this.trace.textAfter(count) }
    })
  }

  /** Frames of a server that answers step 1 with a text of this length. */
  state(protocol, length) {
    const { update, ...text } = this.#once(`state-${length}`, () => stateOf(length))
    return this.#once(`state-${protocol}-${length}`, () => {
      const file = join(this.#folder, `state-${protocol}-${length}`)
      writeFileSync(file, protocols[protocol].syncMessage('doc', 1, update, 0))
      return { file, total: 1, ...text }
    })
  }

  remove() {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #once(key, make) {
    if (!this.#made.has(key)) this.#made.set(key, make())
    return this.#made.get(key)
  }

  #write(name, records) {
    const file = join(this.#folder, name)
    writeFileSync(file, Buffer.concat(records.flatMap((record) => [uint32(record.length), record])))
    return file
  }
}

function encodePatch([position, deleted, inserted]) {
  return Buffer.concat([uint32(position), uint32(deleted), Buffer.from(inserted)])
}

function uint32(value) {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
