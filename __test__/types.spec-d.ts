// Typical user code, compiled by `tsc --noEmit` and never run: what must compile does, what must not is marked.
import * as Next from '@y/y'
import * as ywasm from 'ywasm'
import * as Y from 'yjs'

import {
  applyUpdate,
  applyUpdateAsync,
  Awareness,
  compareRelativePositions,
  createAbsolutePositionFromRelativePosition,
  createRelativePositionFromTypeIndex,
  createStickyIndexFromType,
  decodeEnvelope,
  decodeSnapshotV2,
  encodeEnvelope,
  encodeSnapshotV1,
  encodeStateAsUpdateAsync,
  encodeStateAsUpdateV2,
  encodeStateVector,
  mergeUpdatesAsync,
  mergeUpdatesV2,
  ProtocolManager,
  modifyAwarenessUpdate,
  removeAwarenessStates,
  snapshot,
  YArray,
  YDoc,
  YMap,
  YText,
  type ProtocolMessageMetadata,
  type YAttributes,
  type YEvent,
  type YObserver,
  type YRelativePosition,
  type YSnapshot,
  type YTextDelta,
  type YTransaction,
  type YTypeId
} from '../index.js'

/** Fails to compile unless both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function expectType<Expected>() {
  return <Actual>(_: Actual, _same: Same<Expected, Actual>): void => {}
}

export function documents(): void {
  const doc = new YDoc({ clientID: 1, guid: 'guid', gc: false })
  // @ts-expect-error an id is a number
  new YDoc({ clientID: '1' })
  // @ts-expect-error no such option
  new YDoc({ garbage: true })
  expectType<YText>()(doc.getText('text'), true)
  expectType<number>()(doc.type, true)
  expectType<YDoc | null>()(doc.parentDoc, true)
  for (const [name, type] of doc.roots()) {
    expectType<string>()(name, true)
    type?.alive()
  }
  expectType<any[]>()(doc.selectAll('$.a'), true)
  doc.on('update', (update, txn) => {
    expectType<Uint8Array>()(update, true)
    expectType<YTransaction>()(txn, true)
  })
  doc.on('cleanup', (txn) => expectType<YTransaction>()(txn, true))
  doc.on('destroy', (it) => expectType<YDoc>()(it, true))
  // @ts-expect-error no such event
  doc.on('nothing', () => {})
  expectType<YObserver>()(
    doc.onUpdate((update) => update.length),
    true
  )
}

export function transactions(doc: YDoc): void {
  using txn = doc.beginTransaction({ any: 'origin' })
  expectType<Map<number, number>>()(txn.beforeState, true)
  expectType<Map<number, Array<[clock: number, length: number]>>>()(txn.deleteSet, true)
  const pending = txn.pendingStructs
  if (pending) expectType<Map<number, number>>()(pending.missing, true)
  // @ts-expect-error it may be null
  void txn.pendingStructs.update
  const id: YTypeId = doc.getText('text').id
  const type = txn.get(id)
  if (type instanceof YText) type.insert(0, 'x', { bold: true }, txn)
  // @ts-expect-error no id of a type
  txn.get(7)
  txn.applyV2(txn.diffV2(encodeStateVector(doc)))
}

export function types(doc: YDoc): void {
  const text = doc.getText('text')
  const bold: YAttributes = { bold: true }
  text.insert(0, 'hello', bold)
  text.observe((event) => {
    const steps: YTextDelta[] = event.delta
    for (const step of steps) if ('retain' in step) expectType<number>()(step.retain, true)
  })
  const map = doc.getMap('map')
  map.set('list', new YArray([1, 'two', null, new YMap({ nested: new YText('deep') })]))
  // @ts-expect-error functions can't be stored
  map.set('function', () => {})
  map.observeDeep((events) => {
    const all: YEvent[] = events
    for (const event of all) expectType<(string | number)[]>()(event.path(), true)
  })
  map.observe((event) => {
    for (const change of Object.values(event.keys)) if (change.action === 'update') void change.oldValue
  })
}

export async function functions(doc: YDoc): Promise<void> {
  const update = encodeStateAsUpdateV2(doc)
  expectType<Uint8Array>()(mergeUpdatesV2([update]), true)
  applyUpdate(doc, update, 'origin')
  expectType<void>()(await applyUpdateAsync(doc, update), true)
  expectType<Uint8Array>()(await encodeStateAsUpdateAsync(doc), true)
  expectType<Uint8Array>()(await mergeUpdatesAsync([update]), true)
  const taken: YSnapshot = snapshot(doc)
  expectType<YSnapshot>()(decodeSnapshotV2(encodeSnapshotV1(taken)), true)
}

export function positions(doc: YDoc): void {
  const position: YRelativePosition = createRelativePositionFromTypeIndex(doc.getText('text'), 0, -1)
  createStickyIndexFromType(doc.getArray('array'), 0)
  const absolute = createAbsolutePositionFromRelativePosition(position, doc)
  if (absolute) expectType<number>()(absolute.index, true)
  // @ts-expect-error it may be null
  void absolute.index
  // @ts-expect-error maps have no positions
  createRelativePositionFromTypeIndex(doc.getMap('map'), 0)
  expectType<boolean>()(compareRelativePositions(position, null), true)
}

export function presence(doc: YDoc): void {
  const awareness = new Awareness(doc)
  removeAwarenessStates(awareness, [1, 2])
  removeAwarenessStates(awareness, BigUint64Array.of(1n))
  modifyAwarenessUpdate(new Uint8Array(), (state, client) => ({ ...state, client }))
}

export function protocol(): void {
  const { metadata, payload } = decodeEnvelope(encodeEnvelope({ roomId: 'room', docId: 'doc' }, new Uint8Array()))
  expectType<ProtocolMessageMetadata>()(metadata, true)
  expectType<Uint8Array>()(payload, true)
  // @ts-expect-error a document is needed
  encodeEnvelope({ roomId: 'room' }, new Uint8Array())
}

export function foreignDocuments(provider: ProtocolManager, native: YDoc): void {
  const doc = new Y.Doc()
  provider.addDoc(doc, { docId: 'doc', crdt: Y })
  provider.addDoc(new Next.Doc(), { crdt: Next, parentId: 'doc' })
  provider.addDoc(new ywasm.YDoc({}))
  provider.addDoc(new ywasm.YDoc({}), { crdt: ywasm })
  provider.addDoc(native, { docId: 'native' })
  provider.removeDoc(doc)
  expectType<YDoc | undefined>()(provider.getDocState('native')?.doc, true)
  expectType<Y.Doc | undefined>()(provider.getDocState<Y.Doc>('doc')?.doc, true)
  // @ts-expect-error no document
  provider.addDoc({})
  // @ts-expect-error no module of a document
  provider.addDoc(doc, { crdt: { applyUpdate: Y.applyUpdate } })
}
