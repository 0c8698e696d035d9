import * as native from '../index.js'
import * as Y from 'yjs'

/** What yjs and the native documents have in common, as far as it is edited here. */
interface Shared {
  readonly text: {
    insert(index: number, chunk: string): void
    delete(index: number, length: number): void
    format(index: number, length: number, attributes: Record<string, unknown>): void
    toString(): string
    toDelta(): { insert: string; attributes?: Record<string, unknown> }[]
  }
  readonly list: {
    readonly length: number
    insert(index: number, items: unknown[]): void
    delete(index: number, length: number): void
    toJson(): unknown[]
  }
  readonly map: {
    set(key: string, value: unknown): void
    delete(key: string): void
    toJson(): Record<string, unknown>
  }
}

/** One client's copy of a document. */
export interface Replica extends Shared {
  readonly docId: string
  /** A preliminary map. */
  makeMap(entries: Record<string, string>): unknown
  transact(edit: () => void): void
  /** All of it as one update. */
  encode(): Uint8Array
  stateVector(): Uint8Array
}

export interface NativeReplica extends Replica {
  readonly doc: native.YDoc
}

export interface YjsReplica extends Replica {
  readonly doc: Y.Doc
}

export function nativeReplica(docId: string, state?: Uint8Array): NativeReplica {
  const doc = new native.YDoc()
  if (state !== undefined) native.applyUpdate(doc, state)
  const text = doc.getText('text')
  const list = doc.getArray('list')
  const map = doc.getMap('map')
  return {
    doc,
    docId,
    text: {
      insert: (index, chunk) => text.insert(index, chunk),
      delete: (index, length) => text.delete(index, length),
      format: (index, length, attributes) => text.format(index, length, attributes as native.YAttributes),
      toString: () => text.toString(),
      toDelta: () => text.toDelta()
    },
    list: {
      get length() {
        return list.length()
      },
      insert: (index, items) => list.insert(index, items as native.YInput[]),
      delete: (index, length) => list.delete(index, length),
      toJson: () => list.toJson()
    },
    map: {
      set: (key, value) => map.set(key, value as native.YInput),
      delete: (key) => map.delete(key),
      toJson: () => map.toJson()
    },
    makeMap: (entries) => new native.YMap(entries),
    transact: (edit) => {
      const txn = doc.beginTransaction()
      try {
        edit()
      } finally {
        txn.commit()
      }
    },
    encode: () => native.encodeStateAsUpdate(doc),
    stateVector: () => native.encodeStateVector(doc)
  }
}

export function yjsReplica(docId: string, state?: Uint8Array): YjsReplica {
  const doc = new Y.Doc()
  if (state !== undefined) Y.applyUpdate(doc, state)
  const list = doc.getArray('list')
  const map = doc.getMap('map')
  return {
    doc,
    docId,
    text: doc.getText('text'),
    list: {
      get length() {
        return list.length
      },
      insert: (index, items) => list.insert(index, items),
      delete: (index, length) => list.delete(index, length),
      toJson: () => list.toJSON()
    },
    map: {
      set: (key, value) => map.set(key, value),
      delete: (key) => map.delete(key),
      toJson: () => map.toJSON()
    },
    makeMap: (entries) => new Y.Map(Object.entries(entries)),
    transact: (edit) => doc.transact(edit),
    encode: () => Y.encodeStateAsUpdate(doc),
    stateVector: () => Y.encodeStateVector(doc)
  }
}

/** The content in a form that is the same for equal documents: where runs of text are cut, and in which order maps are
 * kept, is no content. */
export function contentOf(replica: Replica): string {
  const runs: { text: string; attributes: string }[] = []
  for (const { insert, attributes = {} } of replica.text.toDelta()) {
    const sorted = JSON.stringify(Object.entries(attributes).sort())
    const last = runs.at(-1)
    if (last?.attributes === sorted) last.text += insert
    else runs.push({ text: insert, attributes: sorted })
  }
  const clocks = [...Y.decodeStateVector(replica.stateVector())].sort(([a], [b]) => a - b)
  const map = Object.entries(replica.map.toJson()).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify({ text: replica.text.toString(), runs, list: replica.list.toJson(), map, clocks })
}
