import { isDeepStrictEqual } from 'node:util'

import test from 'ava'

import {
  encodeStateAsUpdate,
  YArray,
  YArrayEvent,
  YDoc,
  YMap,
  YMapEvent,
  YText,
  YTextEvent,
  YTransaction,
  YXmlElement,
  YXmlEvent,
  YXmlText,
  YXmlTextEvent,
  YWeakLinkEvent
} from '../index.js'
import { throwsCode } from './helpers/errors.ts'
import { Random } from './helpers/random.ts'

const gc = globalThis.gc as unknown as () => void
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** More than one shelf holds, so that kept views show items of many. */
const MANY = 300

test('views_are_instances_of_the_classes_that_are_exported', (t) => {
  const doc = new YDoc()
  const root = doc.getXmlFragment('xml')
  const [array, map, target] = [doc.getArray('array'), doc.getMap('map'), doc.getMap('target')]
  const seen: unknown[] = []
  for (const type of [doc.getText('text'), array, map, root]) type.observe((event) => seen.push(event))
  doc.getText('text').insert(0, 'a')
  array.push([1])
  map.set('key', 1)
  root.push(new YXmlText('x'))
  const text = root.firstChild() as YXmlText
  text.observe((event) => seen.push(event))
  text.insert(0, 'y')
  target.set('key', 'a')
  array.insert(0, [target.link('key')!])
  array.get(0).observe((event: unknown) => seen.push(event))
  target.set('key', 'b')
  const classes = [YTextEvent, YArrayEvent, YMapEvent, YXmlEvent, YXmlTextEvent, YArrayEvent, YWeakLinkEvent]
  t.is(seen.length, classes.length)
  doc.on('afterTransaction', (txn) => seen.push(txn))
  doc.getMap('other').set('key', 1)
  for (const [index, Class] of [...classes, YTransaction].entries()) {
    const view = seen[index] as object
    t.true(view instanceof Class, Class.name)
    t.is(view.constructor, Class, Class.name)
    t.deepEqual([Object.keys(view), JSON.stringify(view), String(view)], [[], '{}', '[object Object]'], Class.name)
    for (const key of Object.getOwnPropertyNames(Class.prototype)) t.true(key in view, `${Class.name}.${key}`)
  }
})

test('kept_views_go_on_showing_their_own_transaction', (t) => {
  const random = new Random()
  t.log(`SEED=${random.seed}`)
  const doc = new YDoc({ clientID: 1 })
  const [text, array] = [doc.getText('text'), doc.getArray('array')]
  const kept: Array<{ event: any; txn: YTransaction; update: Uint8Array; delta: unknown; after: unknown }> = []
  let event: any
  text.observe((it) => (event = it))
  array.observeDeep(([it]) => (event = it))
  doc.on('update', (update, txn) => {
    const copy = Uint8Array.from(update)
    update.fill(0)
    kept.push({ event, txn, update: copy, delta: structuredClone(event.delta), after: [...txn.afterState] })
  })
  for (let edit = 0; edit < MANY; edit++) {
    // Now and then one that fills a shelf by itself.
    const chunk = 'x'.repeat(random.chance(3) ? 20_000 : random.below(80) + 1)
    if (random.chance(50)) text.insert(random.below(text.length() + 1), chunk)
    else if (random.chance(50)) array.push([{ chunk }])
    else if (text.length() > 0) text.delete(random.below(text.length()), 1)
  }
  t.true(kept.length > 64 * 2, `${kept.length} transactions`)
  for (const { event, txn, update, delta, after } of random.shuffle(kept)) {
    t.deepEqual(event.delta, delta)
    t.deepEqual([...txn.afterState], after)
    t.true(isDeepStrictEqual(txn.encodeUpdate(), update))
    t.is(event.target.doc, doc)
  }
})

test('updates_of_any_size_are_arrays_of_their_own', (t) => {
  const doc = new YDoc({ clientID: 1 })
  const text = doc.getText('body')
  const updates: Uint8Array[] = []
  doc.on('update', (update) => updates.push(update))
  for (let length = 1; length <= 100; length++) text.insert(0, 'x'.repeat(length))
  t.is(new Set(updates.map((update) => update.buffer)).size, 100)
  for (const [index, update] of updates.entries()) {
    t.is(Object.getPrototypeOf(update), Uint8Array.prototype)
    t.is(update.byteOffset, 0)
    t.is(update.buffer.byteLength, update.length)
    t.is(
      Buffer.from(update)
        .toString('latin1')
        .match(/(x+)\0$/)?.[1].length,
      index + 1
    )
  }
})

test('a_view_is_taken_for_the_transaction_that_it_shows', (t) => {
  const [doc, other] = [new YDoc(), new YDoc()]
  const [text, otherText] = [doc.getText('text'), other.getText('text')]
  let txn: YTransaction | undefined
  let event: YTextEvent | undefined
  text.observe((...args) => ([event, txn] = args))
  text.insert(0, 'a')
  t.is(text.toString(txn), 'a')
  throwsCode(t, () => text.insert(0, 'b', null, txn), 'ERR_TRANSACTION_CLOSED')
  throwsCode(t, () => otherText.toString(txn), 'ERR_WRONG_DOCUMENT')
  throwsCode(t, () => txn!.applyV1(encodeStateAsUpdate(doc)), 'ERR_TRANSACTION_CLOSED')
  txn!.commit()
  txn!.free()
  const open = doc.beginTransaction()
  throwsCode(t, () => text.insert(0, 'b', null, txn), 'ERR_TRANSACTION_CLOSED')
  open.commit()
  for (const [label, fake] of Object.entries({ event, inherited: Object.create(txn!), copied: { ...txn } })) {
    t.throws(() => text.insert(0, 'b', null, fake as any), undefined, label)
    t.throws(() => text.toString(fake as any), undefined, label)
  }
  const inherited = Object.create(txn!) as YTransaction
  for (const use of [() => inherited.origin, () => inherited.beforeState, () => inherited.commit()]) {
    t.throws(use, { instanceOf: TypeError })
  }
  t.is(text.toString(), 'a')
})

test('views_answer_for_themselves_while_others_are_asked', (t) => {
  const doc = new YDoc({ clientID: 1 })
  const array = doc.getArray('array')
  const seen: Array<{ event: YArrayEvent; txn: YTransaction }> = []
  array.observe((event, txn) => seen.push({ event, txn }))
  array.push([1])
  array.push([new YArray()])
  const [first, second] = seen
  const id = {
    get type() {
      // In the middle of a question to the first view.
      t.deepEqual([...second.txn.afterState], [[1, 2]])
      t.deepEqual([...second.txn.beforeState], [[1, 1]])
      return 'array'
    }
  }
  t.deepEqual((first.txn.get(id as any) as YArray).toJson(), [1, []])
  t.deepEqual(first.event.delta, [{ insert: [1] }])
  t.deepEqual([second.event.delta.length, second.event.delta[0]], [2, { retain: 1 }])
  t.deepEqual([...first.txn.afterState], [[1, 1]])
})

test('a_document_is_collected_although_views_of_others_are_kept', async (t) => {
  let collected = 0
  const registry = new FinalizationRegistry(() => collected++)
  const kept: unknown[] = []
  const make = (isKept: boolean) => {
    const doc = new YDoc()
    const map = doc.getMap('map')
    map.observe((...views) => {
      if (isKept) kept.push(...views)
      registry.register(doc, undefined)
    })
    map.set('key', new YMap({ text: new YText('a'), node: new YXmlElement('b') }))
  }
  // Their items lie side by side.
  for (let index = 0; index < 20; index++) make(index % 2 === 0)
  for (let round = 0; round < 200 && collected < 10; round++) {
    gc()
    await turn()
  }
  t.is(collected, 10)
  t.is(kept.length, 20)
  for (const view of kept) {
    if (view instanceof YMapEvent) t.is((view.keys.key as any).newValue.get('text').toString(), 'a')
  }
})
