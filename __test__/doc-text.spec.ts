import test from 'ava'

import { applyUpdate, encodeStateAsUpdate, YDoc, YText } from '../index.js'
import { throwsCode } from './helpers/errors.ts'

test('inserts_at_any_position_and_pushes_at_the_end', (t) => {
  const text = new YDoc().getText('text')
  text.insert(0, 'ad')
  text.insert(1, 'bc')
  text.push('e')
  t.is(text.toString(), 'abcde')
  t.is(text.toJson(), 'abcde')
  t.is(text.length(), 5)
})

test('deletes_ranges', (t) => {
  const text = new YDoc().getText('text')
  text.insert(0, 'abcdef')
  text.delete(1, 2)
  t.is(text.toString(), 'adef')
  text.delete(2, 0)
  t.is(text.toString(), 'adef')
  text.delete(0, 4)
  t.is(text.toString(), '')
})

test('counts_utf16_units_as_javascript_does', (t) => {
  const text = new YDoc().getText('text')
  const content = 'a😀é€👩‍👩‍👧漢'
  text.insert(0, content)
  t.is(text.length(), content.length)
  text.insert(content.indexOf('é'), '!')
  t.is(text.toString(), content.replace('é', '!é'))
  text.delete(1, 2)
  t.is(text.toString(), content.replace('é', '!é').replace('😀', ''))
})

test('cutting_a_surrogate_pair_leaves_replacement_characters_as_in_yjs', (t) => {
  const cases: [string, (text: YText) => void, string][] = [
    ['delete the first half', (text) => text.delete(1, 1), 'a\ufffdb'],
    ['delete the second half', (text) => text.delete(2, 1), 'a\ufffdb'],
    ['insert between', (text) => text.insert(2, 'x'), 'a\ufffdx\ufffdb']
  ]
  for (const [label, edit, expected] of cases) {
    const doc = new YDoc()
    const text = doc.getText('text')
    text.insert(0, 'a😀b')
    edit(text)
    t.is(text.toString(), expected, label)
    t.is(text.length(), expected.length, label)
    const replica = new YDoc()
    applyUpdate(replica, encodeStateAsUpdate(doc))
    t.is(replica.getText('text').toString(), expected, label)
  }
})

test('attributes_come_with_the_insertion_or_from_the_left', (t) => {
  const text = new YDoc().getText('text')
  text.insert(0, 'bold', { bold: true })
  text.insert(4, ' too')
  text.insert(8, ' plain', {})
  t.deepEqual(text.toDelta(), [{ insert: 'bold too', attributes: { bold: true } }, { insert: ' plain' }])
  text.push('!', { color: 'red' })
  t.deepEqual(text.toDelta().at(-1), { insert: '!', attributes: { color: 'red' } })
})

test('null_and_undefined_attributes_are_no_attributes', (t) => {
  const text = new YDoc().getText('text')
  text.insert(0, 'a', null)
  text.insert(1, 'b', undefined)
  text.push('c', null)
  t.deepEqual(text.toDelta(), [{ insert: 'abc' }])
})

test('formats_ranges_and_null_removes_a_format', (t) => {
  const text = new YDoc().getText('text')
  text.insert(0, 'abcdef')
  text.format(1, 4, { bold: true, size: 12 })
  text.format(2, 2, { bold: null })
  t.deepEqual(text.toDelta(), [
    { insert: 'a' },
    { insert: 'b', attributes: { bold: true, size: 12 } },
    { insert: 'cd', attributes: { size: 12 } },
    { insert: 'e', attributes: { bold: true, size: 12 } },
    { insert: 'f' }
  ])
  t.is(text.toString(), 'abcdef')
})

test('an_embed_counts_one_unit_and_is_no_text', (t) => {
  const text = new YDoc().getText('text')
  text.insert(0, 'ab')
  text.insertEmbed(1, { image: 'x.png' }, { width: 100 })
  t.is(text.length(), 3)
  t.is(text.toString(), 'ab')
  t.deepEqual(text.toDelta(), [
    { insert: 'a' },
    { insert: { image: 'x.png' }, attributes: { width: 100 } },
    { insert: 'b' }
  ])
  text.delete(1, 1)
  t.is(text.length(), 2)
  t.is(text.toString(), 'ab')
})

test('positions_outside_of_the_text_are_refused_and_change_nothing', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  text.insert(0, 'abc')
  const before = encodeStateAsUpdate(doc)
  const cases: [string, () => void, string][] = [
    ['insert past the end', () => text.insert(4, 'x'), 'ERR_OUT_OF_RANGE'],
    ['insert before the start', () => text.insert(-1, 'x'), 'ERR_OUT_OF_RANGE'],
    ['insert between units', () => text.insert(0.5, 'x'), 'ERR_OUT_OF_RANGE'],
    ['insert nowhere', () => text.insert(NaN, 'x'), 'ERR_INVALID_ARGUMENT'],
    ['insert past what can be counted', () => text.insert(2 ** 32, 'x'), 'ERR_OUT_OF_RANGE'],
    ['delete past the end', () => text.delete(1, 3), 'ERR_OUT_OF_RANGE'],
    ['delete a negative length', () => text.delete(1, -1), 'ERR_OUT_OF_RANGE'],
    ['delete more than can be counted', () => text.delete(1, 2 ** 32 - 1), 'ERR_OUT_OF_RANGE'],
    ['format past the end', () => text.format(3, 1, { bold: true }), 'ERR_OUT_OF_RANGE'],
    ['embed past the end', () => text.insertEmbed(4, {}), 'ERR_OUT_OF_RANGE']
  ]
  for (const [label, edit, code] of cases) throwsCode(t, edit, code, label)
  t.deepEqual(encodeStateAsUpdate(doc), before)
})

test('attributes_that_are_no_object_are_refused', (t) => {
  const text = new YDoc().getText('text')
  text.insert(0, 'abc')
  for (const attributes of ['bold', 1, true, ['bold']] as any[]) {
    throwsCode(t, () => text.insert(0, 'x', attributes), 'ERR_INVALID_ARGUMENT', JSON.stringify(attributes))
    throwsCode(t, () => text.format(0, 1, attributes), 'ERR_INVALID_ARGUMENT', JSON.stringify(attributes))
  }
  throwsCode(t, () => text.format(0, 1, null as any), 'ERR_INVALID_ARGUMENT', 'format needs them')
  throwsCode(t, () => text.insert(0, 'x', { bold: () => true } as any), 'ERR_UNSUPPORTED_VALUE')
  t.is(text.toString(), 'abc')
})

test('a_preliminary_text_is_edited_in_memory_and_inserted_once', (t) => {
  const doc = new YDoc()
  const text = new YText('bd')
  t.true(text.prelim)
  t.is(text.doc, undefined as any)
  t.false(text.alive())
  text.insert(1, 'c')
  text.insert(0, 'a')
  text.push('😀')
  text.delete(2, 1)
  t.is(text.toString(), 'abd😀')
  t.is(text.length(), 5)
  throwsCode(t, () => text.insert(9, 'x'), 'ERR_OUT_OF_RANGE')
  throwsCode(t, () => text.delete(4, 2), 'ERR_OUT_OF_RANGE')
  throwsCode(t, () => text.format(0, 1, { bold: true }), 'ERR_PRELIMINARY_TYPE')
  throwsCode(t, () => text.insert(0, 'x', { bold: true }), 'ERR_PRELIMINARY_TYPE')
  throwsCode(t, () => text.insertEmbed(0, {}), 'ERR_PRELIMINARY_TYPE')
  throwsCode(t, () => text.toDelta(), 'ERR_PRELIMINARY_TYPE')
  throwsCode(t, () => text.id, 'ERR_PRELIMINARY_TYPE')
  throwsCode(t, () => text.observe(() => {}), 'ERR_PRELIMINARY_TYPE')

  const map = doc.getMap('map')
  map.set('text', text)
  t.false(text.prelim)
  t.is(text.doc, doc)
  t.true(text.alive())
  t.is(text.toString(), 'abd😀')
  t.is(map.get('text').toString(), 'abd😀')
  text.push('!')
  t.is(map.get('text').toString(), 'abd😀!')
  throwsCode(t, () => map.set('again', text), 'ERR_INTEGRATED_TYPE')
})

test('a_deleted_text_is_not_alive_and_refuses_use', (t) => {
  const doc = new YDoc()
  const map = doc.getMap('map')
  const text = new YText('abc')
  map.set('text', text)
  map.delete('text')
  t.false(text.alive())
  for (const [label, use] of Object.entries({
    insert: () => text.insert(0, 'x'),
    delete: () => text.delete(0, 1),
    toString: () => text.toString(),
    length: () => text.length(),
    toDelta: () => text.toDelta()
  })) {
    throwsCode(t, use, 'ERR_DELETED_TYPE', label)
  }
  map.set('text', new YText('new'))
  t.is(map.get('text').toString(), 'new', 'the key can be used again')
})

test('root_and_nested_ids_are_the_same_on_all_replicas', (t) => {
  const [doc, replica] = [new YDoc({ clientID: 7 }), new YDoc()]
  doc.getMap('map').set('text', new YText('x'))
  applyUpdate(replica, encodeStateAsUpdate(doc))
  t.deepEqual(doc.getText('body').id, { type: 'body' })
  t.deepEqual(doc.getMap('map').get('text').id, { client: 7, clock: 0 })
  t.deepEqual(replica.getMap('map').get('text').id, { client: 7, clock: 0 })
})

test('two_objects_of_one_text_are_the_same_text', (t) => {
  const doc = new YDoc()
  doc.getText('text').insert(0, 'a')
  doc.getText('text').insert(1, 'b')
  t.is(doc.getText('text').toString(), 'ab')
  t.is(doc.getText('text').type, 2)
  t.is(doc.getText('text').doc, doc)
})

test('empty_edits_make_no_update', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  text.insert(0, 'abc')
  doc.on('update', () => t.fail('nothing changed'))
  text.insert(1, '')
  text.push('')
  text.delete(1, 0)
  text.format(1, 0, { bold: true })
  t.pass()
})
