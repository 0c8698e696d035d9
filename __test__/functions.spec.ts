import test from 'ava'
import * as Y from 'yjs'

import {
  applyUpdate,
  applyUpdatesV1,
  applyUpdatesV2,
  applyUpdateV2,
  debugUpdateV1,
  debugUpdateV2,
  encodeStateAsUpdate,
  encodeStateAsUpdateV2,
  encodeStateVector,
  mergeUpdatesV1,
  mergeUpdatesV2,
  setPanicHook,
  YDoc
} from '../index.js'
import { throwsCode } from './helpers/errors.ts'
import { Random } from './helpers/random.ts'

const garbage = Uint8Array.of(0xff, 0xff, 0xff)

/** Edits one replica of each kind at random, and hands every update to the other in format V2. */
function editTogether(random: Random, steps: number): { native: YDoc; yjs: Y.Doc } {
  const native = new YDoc({ clientID: 1 })
  const yjs = new Y.Doc()
  yjs.clientID = 2
  const [toYjs, toNative]: Uint8Array[][] = [[], []]
  native.on('updateV2', (update) => toYjs.push(update))
  yjs.on('updateV2', (update: Uint8Array, origin: unknown) => origin !== 'remote' && toNative.push(update))
  const [text, map, array] = [native.getText('text'), native.getMap('map'), native.getArray('array')]
  const [yText, yMap, yArray] = [yjs.getText('text'), yjs.getMap('map'), yjs.getArray('array')]
  const values = [1, 1.5, -7, 'text 🙂', true, null, [1, { a: 'b' }], { deep: { er: [null] } }, Uint8Array.of(1, 2)]
  for (let step = 0; step < steps; step++) {
    const [value, key] = [random.pick(values), random.pick(['a', 'b', 'c'])]
    const isNative = random.chance(50)
    switch (random.below(6)) {
      case 0:
        isNative
          ? text.insert(random.below(text.length() + 1), 'añ')
          : yText.insert(random.below(yText.length + 1), 'xy')
        break
      case 1: {
        const length = isNative ? text.length() : yText.length
        if (length < 3) break
        const at = random.below(length - 2)
        isNative ? text.delete(at, 2) : yText.delete(at, 2)
        break
      }
      case 2: {
        const length = isNative ? text.length() : yText.length
        if (length < 3) break
        const [at, format] = [random.below(length - 2), { bold: random.chance(50) ? true : null }]
        isNative ? text.format(at, 2, format) : yText.format(at, 2, format)
        break
      }
      case 3:
        isNative ? map.set(key, value) : yMap.set(key, value)
        break
      case 4:
        isNative ? array.insert(0, [value, value]) : yArray.insert(0, [value, value])
        break
      default:
        if (random.chance(50)) for (const update of toNative.splice(0)) applyUpdateV2(native, update, 'remote')
        else for (const update of toYjs.splice(0)) Y.applyUpdateV2(yjs, update, 'remote')
    }
  }
  for (const update of toNative.splice(0)) applyUpdateV2(native, update)
  for (const update of toYjs.splice(0)) Y.applyUpdateV2(yjs, update)
  return { native, yjs }
}

function states(vector: Uint8Array): Record<number, number> {
  return Object.fromEntries(Y.decodeStateVector(vector))
}

test('replicas_of_both_kinds_converge_over_v2', (t) => {
  const random = new Random()
  t.log(`SEED=${random.seed}`)
  for (let run = 0; run < 10; run++) {
    const { native, yjs } = editTogether(random, 300)
    // What the native side forwarded of the yjs side's edits, and the other way round, changes nothing.
    t.is(native.getText('text').toString(), yjs.getText('text').toString())
    t.deepEqual(native.getMap('map').toJson(), yjs.getMap('map').toJSON())
    t.deepEqual(native.getArray('array').toJson(), yjs.getArray('array').toJSON())
    t.deepEqual(states(encodeStateVector(native)), states(Y.encodeStateVector(yjs)), 'state vectors')
    const copy = new YDoc()
    applyUpdateV2(copy, Y.encodeStateAsUpdateV2(yjs))
    t.is(copy.getText('text').toString(), yjs.getText('text').toString())
    const yCopy = new Y.Doc()
    Y.applyUpdateV2(yCopy, encodeStateAsUpdateV2(native))
    t.deepEqual(yCopy.getText('text').toDelta(), native.getText('text').toDelta())
    t.deepEqual(yCopy.getArray('array').toJSON(), native.getArray('array').toJson())
  }
})

test('a_difference_against_a_state_vector_is_smaller_in_both_formats', (t) => {
  const doc = new YDoc()
  doc.getText('text').insert(0, 'a'.repeat(1000))
  const vector = encodeStateVector(doc)
  doc.getText('text').insert(0, 'b')
  for (const [label, encode, apply] of [
    ['V1', encodeStateAsUpdate, Y.applyUpdate],
    ['V2', encodeStateAsUpdateV2, Y.applyUpdateV2]
  ] as const) {
    t.true(encode(doc, vector).length < 100, label)
    const replica = new Y.Doc()
    apply(replica, encode(doc))
    t.is(replica.getText('text').length, 1001, label)
    throwsCode(t, () => encode(doc, garbage), 'ERR_INVALID_UPDATE', label)
  }
})

test('updates_are_merged_in_both_formats', (t) => {
  const yjs = new Y.Doc()
  const [v1, v2]: Uint8Array[][] = [[], []]
  yjs.on('update', (update: Uint8Array) => v1.push(update))
  yjs.on('updateV2', (update: Uint8Array) => v2.push(update))
  for (let index = 0; index < 200; index++) yjs.getText('text').insert(index, 'x')
  yjs.getMap('map').set('key', { nested: [1] })
  const [one, other] = [new YDoc(), new YDoc()]
  applyUpdate(one, mergeUpdatesV1(v1))
  applyUpdateV2(other, mergeUpdatesV2(v2))
  for (const doc of [one, other]) {
    t.is(doc.getText('text').length(), 200)
    t.deepEqual(doc.getMap('map').toJson(), { key: { nested: [1] } })
  }
  const yCopy = new Y.Doc()
  Y.applyUpdateV2(yCopy, mergeUpdatesV2(v2))
  t.is(yCopy.getText('text').length, 200)
  for (const merge of [mergeUpdatesV1, mergeUpdatesV2]) {
    throwsCode(t, () => merge([garbage]), 'ERR_INVALID_UPDATE', 'one')
    throwsCode(t, () => merge([v1[0], garbage]), 'ERR_INVALID_UPDATE', 'among others')
  }
})

test('updates_are_applied_to_a_document_that_nobody_keeps', (t) => {
  const yjs = new Y.Doc({ gc: false })
  const [v1, v2]: Uint8Array[][] = [[], []]
  yjs.on('update', (update: Uint8Array) => v1.push(update))
  yjs.on('updateV2', (update: Uint8Array) => v2.push(update))
  yjs.getText('text').insert(0, 'a secret of many letters')
  yjs.getText('text').delete(1, 20)
  for (const [label, applyAll, updates, apply] of [
    ['V1', applyUpdatesV1, v1, Y.applyUpdate],
    ['V2', applyUpdatesV2, v2, Y.applyUpdateV2]
  ] as const) {
    const [collected, kept] = [applyAll(true, updates), applyAll(false, updates)]
    const hasSecret = (update: Uint8Array) => Buffer.from(update).includes('secret')
    t.false(hasSecret(collected), label)
    t.true(hasSecret(kept), label)
    const replica = new Y.Doc()
    apply(replica, collected)
    t.is(replica.getText('text').toString(), yjs.getText('text').toString(), label)
    throwsCode(t, () => applyAll(true, [garbage]), 'ERR_INVALID_UPDATE', label)
  }
})

test('an_update_can_be_looked_at', (t) => {
  const doc = new YDoc({ clientID: 4711 })
  doc.getText('text').insert(0, 'hello')
  for (const description of [debugUpdateV1(encodeStateAsUpdate(doc)), debugUpdateV2(encodeStateAsUpdateV2(doc))]) {
    t.regex(description, /4711/)
    t.regex(description, /hello/)
  }
  throwsCode(t, () => debugUpdateV1(garbage), 'ERR_INVALID_UPDATE')
  throwsCode(t, () => debugUpdateV2(garbage), 'ERR_INVALID_UPDATE')
  t.is(setPanicHook(), undefined)
})

test('a_bad_v2_update_changes_nothing', (t) => {
  const doc = new YDoc()
  doc.getText('text').insert(0, 'content')
  const good = encodeStateAsUpdateV2(doc)
  const nested = (depth: number) => {
    const rest = [1, 1, 0, ...Array(depth).fill([117, 1]).flat(), 127, 0]
    return Uint8Array.from([0, 0, 1, 1, 0, 0, 1, 0x88, 2, 1, 0, 0, 0, 1, 1, ...rest])
  }
  for (const [label, bytes] of [
    ['nothing', new Uint8Array()],
    ['garbage', garbage],
    ['cut', good.subarray(0, good.length - 1)],
    ['longer', Uint8Array.from([...good, 0])],
    ['nested too deep for any stack', nested(1_000_000)]
  ] as const) {
    throwsCode(t, () => applyUpdateV2(doc, bytes), 'ERR_INVALID_UPDATE', label)
    throwsCode(t, () => mergeUpdatesV2([bytes]), 'ERR_INVALID_UPDATE', label)
  }
  t.is(doc.getText('text').toString(), 'content')
})

test('a_v2_update_of_many_nested_types_is_no_attack', (t) => {
  const yjs = new Y.Doc()
  yjs.getArray('array').insert(
    0,
    Array.from({ length: 50_000 }, () => new Y.Map())
  )
  const update = Y.encodeStateAsUpdateV2(yjs)
  t.true(update.length < 1000)
  const doc = new YDoc()
  applyUpdateV2(doc, update)
  t.is(doc.getArray('array').length(), 50_000)
})

test('listeners_of_a_v2_update_get_its_origin', (t) => {
  const yjs = new Y.Doc()
  yjs.getText('text').insert(0, 'x')
  const [doc, origin] = [new YDoc(), { by: 'me' }]
  const origins: unknown[] = []
  doc.on('update', (_, txn) => origins.push(txn.origin))
  applyUpdateV2(doc, Y.encodeStateAsUpdateV2(yjs), origin)
  t.is(origins.length, 1)
  t.is(origins[0], origin)
})
