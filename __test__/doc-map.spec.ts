import test from 'ava'

import { applyUpdate, encodeStateAsUpdate, YArray, YDoc, YMap, YText } from '../index.js'
import { throwsCode } from './helpers/errors.ts'

test('sets_gets_and_deletes_keys', (t) => {
  const map = new YDoc().getMap('map')
  t.is(map.get('key'), undefined)
  map.set('key', 1)
  map.set('key', 2)
  map.set('other', null)
  t.is(map.get('key'), 2)
  t.is(map.get('other'), null)
  t.is(map.length(), 2)
  t.deepEqual(map.toJson(), { key: 2, other: null })
  map.delete('key')
  map.delete('never there')
  t.is(map.get('key'), undefined)
  t.deepEqual(map.toJson(), { other: null })
  t.is(map.type, 1)
})

test('takes_any_string_as_a_key', (t) => {
  const doc = new YDoc()
  const map = doc.getMap('map')
  const keys = ['', ' ', 'a\0b', 'ключ', '😀', 'constructor', 'toString', '__proto__', '0', 'x'.repeat(10_000)]
  for (const [index, key] of keys.entries()) map.set(key, { index })
  const replica = new YDoc()
  applyUpdate(replica, encodeStateAsUpdate(doc))
  for (const it of [map, replica.getMap('map')]) {
    t.is(it.length(), keys.length)
    for (const [index, key] of keys.entries()) {
      t.deepEqual(it.get(key), { index }, JSON.stringify(key))
      t.deepEqual(Object.getOwnPropertyDescriptor(it.toJson(), key)?.value, { index }, JSON.stringify(key))
      t.deepEqual(Object.getOwnPropertyDescriptor(it.entries(), key)?.value, { index }, JSON.stringify(key))
    }
    t.is(Object.getPrototypeOf(it.toJson()), Object.prototype)
    t.is(Object.getPrototypeOf(it.entries()), Object.prototype)
  }
})

test('entries_keep_shared_types_and_json_does_not', (t) => {
  const map = new YDoc().getMap('map')
  map.set('text', new YText('abc'))
  map.set('array', new YArray([1, new YMap({ a: 1 })]))
  const { text, array } = map.entries()
  t.true(text instanceof YText)
  t.true(array instanceof YArray)
  t.deepEqual(map.toJson(), { text: 'abc', array: [1, { a: 1 }] })
})

test('a_preliminary_map_is_edited_in_memory_and_inserted_once', (t) => {
  const doc = new YDoc()
  const map = new YMap({ a: 1, b: 2 })
  t.true(map.prelim)
  map.set('a', 3)
  map.set('c', 4)
  map.delete('b')
  map.delete('never there')
  t.is(map.get('a'), 3)
  t.is(map.get('b'), undefined)
  t.is(map.length(), 2)
  t.deepEqual(map.toJson(), { a: 3, c: 4 })
  t.deepEqual(map.entries(), { a: 3, c: 4 })
  throwsCode(t, () => map.id, 'ERR_PRELIMINARY_TYPE')
  doc.getMap('root').set('map', map)
  t.false(map.prelim)
  t.is(map.doc, doc)
  t.deepEqual(doc.getMap('root').toJson(), { map: { a: 3, c: 4 } })
  throwsCode(t, () => doc.getMap('root').set('again', map), 'ERR_INTEGRATED_TYPE')
})

test('only_own_enumerable_properties_make_a_preliminary_map', (t) => {
  const init = Object.create({ inherited: 1 }, { hidden: { value: 2 }, seen: { value: 3, enumerable: true } })
  t.deepEqual(new YMap(init).toJson(), { seen: 3 })
})

test('replacing_a_key_deletes_the_type_it_held', (t) => {
  const map = new YDoc().getMap('map')
  const first = new YMap({ a: 1 })
  map.set('key', first)
  map.set('key', new YMap({ b: 2 }))
  t.false(first.alive())
  throwsCode(t, () => first.set('a', 2), 'ERR_DELETED_TYPE')
  throwsCode(t, () => first.get('a'), 'ERR_DELETED_TYPE')
  throwsCode(t, () => first.entries(), 'ERR_DELETED_TYPE')
  t.deepEqual(map.toJson(), { key: { b: 2 } })
})

test('concurrent_sets_of_one_key_converge', (t) => {
  const [a, b] = [new YDoc({ clientID: 1 }), new YDoc({ clientID: 2 })]
  a.getMap('map').set('key', 'a')
  b.getMap('map').set('key', 'b')
  const [ofA, ofB] = [encodeStateAsUpdate(a), encodeStateAsUpdate(b)]
  applyUpdate(a, ofB)
  applyUpdate(b, ofA)
  t.is(a.getMap('map').get('key'), b.getMap('map').get('key'))
  t.is(a.getMap('map').length(), 1)
})
