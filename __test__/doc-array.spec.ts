import test from 'ava'

import { applyUpdate, encodeStateAsUpdate, YArray, YDoc, YMap, YText } from '../index.js'
import { throwsCode } from './helpers/errors.ts'

test('inserts_pushes_gets_and_deletes', (t) => {
  const array = new YDoc().getArray('array')
  array.insert(0, ['a', 'd'])
  array.insert(1, ['b', 'c'])
  array.push(['e'])
  t.deepEqual(array.toJson(), ['a', 'b', 'c', 'd', 'e'])
  t.deepEqual(array.values(), ['a', 'b', 'c', 'd', 'e'])
  t.is(array.length(), 5)
  t.is(array.get(0), 'a')
  t.is(array.get(4), 'e')
  t.is(array.get(5), undefined)
  array.delete(0)
  t.is(array.get(0), 'b', 'one element by default')
  array.delete(1, 3)
  t.deepEqual(array.toJson(), ['b'])
  array.delete(1, 0)
  array.insert(1, [])
  t.deepEqual(array.toJson(), ['b'])
})

test('positions_outside_of_the_array_are_refused_and_change_nothing', (t) => {
  const doc = new YDoc()
  const array = doc.getArray('array')
  array.push([1, 2, 3])
  const before = encodeStateAsUpdate(doc)
  const cases: [string, () => void, string][] = [
    ['insert past the end', () => array.insert(4, ['x']), 'ERR_OUT_OF_RANGE'],
    ['insert nothing past the end', () => array.insert(4, []), 'ERR_OUT_OF_RANGE'],
    ['insert before the start', () => array.insert(-1, ['x']), 'ERR_OUT_OF_RANGE'],
    ['insert a type past the end', () => array.insert(4, [new YText('x')]), 'ERR_OUT_OF_RANGE'],
    ['delete past the end', () => array.delete(2, 2), 'ERR_OUT_OF_RANGE'],
    ['delete at the end', () => array.delete(3), 'ERR_OUT_OF_RANGE'],
    ['get before the start', () => array.get(-1), 'ERR_OUT_OF_RANGE']
  ]
  for (const [label, edit, code] of cases) throwsCode(t, edit, code, label)
  t.deepEqual(encodeStateAsUpdate(doc), before)
})

test('a_type_whose_insertion_failed_stays_preliminary', (t) => {
  const array = new YDoc().getArray('array')
  const text = new YText('x')
  throwsCode(t, () => array.insert(1, [text]), 'ERR_OUT_OF_RANGE')
  t.true(text.prelim)
  throwsCode(t, () => array.push([text, Symbol('no') as any]), 'ERR_UNSUPPORTED_VALUE')
  t.true(text.prelim)
  array.push([text])
  t.false(text.prelim)
})

test('preliminary_types_are_filled_at_all_depths', (t) => {
  const doc = new YDoc()
  const leaf = new YText('leaf')
  const inner = new YArray([1, leaf])
  const outer = new YMap({ inner, plain: { a: [1] } })
  t.deepEqual(inner.values(), [1, leaf])
  doc.getArray('array').insert(0, ['first', outer, 'last'])
  t.deepEqual(doc.getArray('array').toJson(), ['first', { inner: [1, 'leaf'], plain: { a: [1] } }, 'last'])
  for (const [label, type] of Object.entries({ leaf, inner, outer })) {
    t.false(type.prelim, label)
    t.is(type.doc, doc, label)
  }
  leaf.push('!')
  inner.push([2])
  t.deepEqual(doc.getArray('array').get(1).toJson(), { inner: [1, 'leaf!', 2], plain: { a: [1] } })
})

test('a_preliminary_array_is_edited_in_memory', (t) => {
  const array = new YArray(['a', 'c'])
  t.true(array.prelim)
  array.insert(1, ['b'])
  array.push(['d', 'e'])
  array.delete(0)
  array.delete(2, 2)
  t.deepEqual(array.toJson(), ['b', 'c'])
  t.is(array.length(), 2)
  t.is(array.get(1), 'c')
  t.is(array.get(2), undefined)
  throwsCode(t, () => array.insert(3, ['x']), 'ERR_OUT_OF_RANGE')
  throwsCode(t, () => array.delete(1, 2), 'ERR_OUT_OF_RANGE')
  throwsCode(t, () => array.observe(() => {}), 'ERR_PRELIMINARY_TYPE')
  t.deepEqual(new YArray().toJson(), [])
})

test('one_object_can_not_be_inserted_twice', (t) => {
  const array = new YDoc().getArray('array')
  const text = new YText('x')
  throwsCode(t, () => array.push([text, text]), 'ERR_INTEGRATED_TYPE', 'twice at once')
  t.is(array.length(), 0)
  array.push([text])
  throwsCode(t, () => array.push([text]), 'ERR_INTEGRATED_TYPE', 'again')
  const self = new YArray()
  self.push([self])
  throwsCode(t, () => array.push([self]), 'ERR_INTEGRATED_TYPE', 'into itself')
  t.is(array.length(), 1)
})

test('types_nested_without_end_are_refused', (t) => {
  const doc = new YDoc()
  let chain = new YArray()
  for (let depth = 0; depth < 20_000; depth++) chain = new YArray([chain])
  throwsCode(t, () => doc.getArray('array').push([chain]), 'ERR_UNSUPPORTED_VALUE')
  throwsCode(t, () => doc.getMap('map').set('key', chain), 'ERR_UNSUPPORTED_VALUE')
  t.is(doc.getArray('array').length(), 0)
})

test('deleting_an_element_kills_the_types_in_it', (t) => {
  const array = new YDoc().getArray('array')
  const inner = new YText('inner')
  const outer = new YArray([inner])
  array.push([outer])
  array.delete(0)
  t.false(outer.alive())
  t.false(inner.alive())
  throwsCode(t, () => outer.push([1]), 'ERR_DELETED_TYPE')
  throwsCode(t, () => outer.get(0), 'ERR_DELETED_TYPE')
  throwsCode(t, () => outer.toJson(), 'ERR_DELETED_TYPE')
  throwsCode(t, () => inner.toString(), 'ERR_DELETED_TYPE')
})

test('a_root_made_by_a_remote_update_is_an_array_once_asked_for', (t) => {
  const [doc, replica] = [new YDoc(), new YDoc()]
  doc.getArray('array').push([1, new YMap({ a: 1 })])
  applyUpdate(replica, encodeStateAsUpdate(doc))
  t.deepEqual(replica.getArray('array').toJson(), [1, { a: 1 }])
  t.is(replica.getArray('array').type, 0)
})
