import test from 'ava'

import {
  applyUpdate,
  encodeStateAsUpdate,
  encodeStateVector,
  mergeUpdatesV1,
  YArray,
  YDoc,
  YMap,
  YText
} from '../index.js'
import { throwsCode } from './helpers/errors.ts'
import { Random } from './helpers/random.ts'

/** An update whose second block names the first one, a string, as its parent. */
const STRING_AS_PARENT = new Uint8Array([1, 2, 7, 0, 4, 1, 4, 116, 101, 120, 116, 1, 33, 4, 0, 7, 0, 1, 63, 0])

function sample(): YDoc {
  const doc = new YDoc({ clientID: 5 })
  doc.getText('text').insert(0, 'héllo 😀', { bold: true })
  doc.getText('text').insertEmbed(2, { image: [1, null] })
  doc.getMap('map').set('key', new YMap({ a: [1, 2n ** 60n, new Uint8Array(3)], b: new YArray(['x']) }))
  doc.getArray('array').push([1, 'two', { three: 3 }])
  doc.getArray('array').delete(1)
  return doc
}

test('bytes_that_are_no_update_are_refused_and_change_nothing', (t) => {
  const update = encodeStateAsUpdate(sample())
  const cases: [string, Uint8Array][] = [
    ['nothing', new Uint8Array()],
    ['one byte', new Uint8Array([1])],
    ['endless number', new Uint8Array(20).fill(0xff)],
    ['a claim of many blocks', new Uint8Array([1, 0xff, 0xff, 0xff, 0x7f, 1, 0])],
    ['bytes after the end', new Uint8Array([...update, 0])]
  ]
  for (let length = 1; length < update.length; length++) cases.push([`cut to ${length}`, update.subarray(0, length)])
  const doc = sample()
  const before = encodeStateAsUpdate(doc)
  doc.on('update', () => t.fail('an update was made'))
  for (const [label, bytes] of cases) {
    throwsCode(t, () => applyUpdate(doc, bytes), 'ERR_INVALID_UPDATE', label)
    throwsCode(t, () => mergeUpdatesV1([update, bytes]), 'ERR_INVALID_UPDATE', label)
  }
  const txn = doc.beginTransaction()
  throwsCode(t, () => txn.applyV1(cases[0][1]), 'ERR_INVALID_UPDATE')
  txn.commit()
  t.deepEqual(encodeStateAsUpdate(doc), before)
})

test('changed_bytes_never_end_the_process_or_spoil_another_document', (t) => {
  const random = new Random()
  const update = encodeStateAsUpdate(sample())
  const codes = new Map<string, number>()
  for (let round = 0; round < 3_000; round++) {
    const bytes = update.slice()
    for (let count = random.below(3) + 1; count > 0; count--) bytes[random.below(bytes.length)] = random.below(256)
    const doc = new YDoc()
    try {
      applyUpdate(doc, bytes)
      doc.getText('text').toDelta()
      doc.getMap('map').toJson()
      encodeStateAsUpdate(doc)
    } catch (error: any) {
      codes.set(error.code, (codes.get(error.code) ?? 0) + 1)
    }
  }
  const known = new Set(['ERR_INVALID_UPDATE', 'ERR_DOC_POISONED'])
  t.deepEqual(
    [...codes.keys()].filter((code) => !known.has(code)),
    [],
    `seed ${random.seed}, ${JSON.stringify([...codes])}`
  )
  t.true((codes.get('ERR_INVALID_UPDATE') ?? 0) > 100, `seed ${random.seed}`)
  t.is(sample().getText('text').length(), 9)
})

test('an_update_that_decodes_but_makes_no_sense_is_refused', (t) => {
  const doc = new YDoc()
  throwsCode(t, () => applyUpdate(doc, STRING_AS_PARENT), 'ERR_INVALID_UPDATE')
  doc.getMap('map').set('key', 1)
  t.deepEqual(doc.getMap('map').toJson(), { key: 1 }, 'the document goes on')
})

test('a_state_vector_must_be_one', (t) => {
  const doc = sample()
  for (const [label, bytes] of Object.entries({
    nothing: new Uint8Array(),
    'cut off': encodeStateVector(doc).subarray(0, 1),
    'too many claimed': new Uint8Array([200, 1, 1])
  })) {
    throwsCode(t, () => encodeStateAsUpdate(doc, bytes), 'ERR_INVALID_UPDATE', label)
  }
})

test('merging_gives_one_update_with_the_content_of_all', (t) => {
  const doc = new YDoc()
  const updates: Uint8Array[] = []
  doc.on('update', (update) => updates.push(update))
  for (let index = 0; index < 200; index++) doc.getText('text').insert(index, String(index % 10))
  const expected = doc.getText('text').toString()
  for (const [label, parts] of Object.entries({
    'in order': updates,
    reversed: updates.toReversed?.() ?? [...updates].reverse(),
    'with duplicates': [...updates, ...updates]
  })) {
    const replica = new YDoc()
    applyUpdate(replica, mergeUpdatesV1(parts))
    t.is(replica.getText('text').toString(), expected, label)
  }
  t.deepEqual(mergeUpdatesV1([]), new Uint8Array([0, 0]))
  t.deepEqual(mergeUpdatesV1([updates[0]]), updates[0])
})

test('updates_that_come_early_wait_for_the_missing_ones', (t) => {
  const doc = new YDoc()
  const updates: Uint8Array[] = []
  doc.on('update', (update) => updates.push(update))
  doc.getText('text').insert(0, 'a')
  doc.getText('text').insert(1, 'b')
  const replica = new YDoc()
  applyUpdate(replica, updates[1])
  t.is(replica.getText('text').toString(), '')
  applyUpdate(replica, updates[0])
  t.is(replica.getText('text').toString(), 'ab')
})

test('an_update_applied_again_makes_no_event', (t) => {
  const doc = sample()
  const replica = new YDoc()
  applyUpdate(replica, encodeStateAsUpdate(doc))
  replica.on('update', () => t.fail('nothing is new'))
  replica.getText('text').observe(() => t.fail('nothing is new'))
  applyUpdate(replica, encodeStateAsUpdate(doc))
  applyUpdate(replica, new Uint8Array([0, 0]))
  t.is(replica.getText('text').toString(), doc.getText('text').toString())
})

test('a_diff_holds_what_a_peer_lacks_and_no_more', (t) => {
  const doc = sample()
  const replica = new YDoc()
  applyUpdate(replica, encodeStateAsUpdate(doc))
  doc.getText('text').insert(0, 'new')
  const diff = encodeStateAsUpdate(doc, encodeStateVector(replica))
  t.true(diff.length < encodeStateAsUpdate(doc).length)
  applyUpdate(replica, diff)
  t.is(replica.getText('text').toString(), doc.getText('text').toString())
  t.deepEqual(encodeStateAsUpdate(doc, null), encodeStateAsUpdate(doc))
})

test('options_of_a_document_are_checked', (t) => {
  const cases: [string, any, RegExp][] = [
    ['no object', 5, /options/],
    ['clientID as a string', { clientID: '5' }, /clientID/],
    ['a negative clientID', { clientID: -1 }, /clientID/],
    ['a fraction', { clientID: 1.5 }, /clientID/],
    ['not a number', { clientID: NaN }, /clientID/],
    ['more than 53 bits', { clientID: 2 ** 53 }, /clientID/],
    ['guid as a number', { guid: 5 }, /guid/],
    ['gc as a string', { gc: 'yes' }, /gc/],
    ['autoLoad as a number', { autoLoad: 1 }, /autoLoad/]
  ]
  for (const [label, options, message] of cases) {
    throwsCode(t, () => new YDoc(options), 'ERR_INVALID_OPTION', label)
    t.throws(() => new YDoc(options), { message }, label)
  }
})

test('options_of_a_document_are_kept', (t) => {
  const doc = new YDoc({ clientID: 2 ** 53 - 1, guid: 'my guid', autoLoad: true, shouldLoad: false, gc: false })
  t.is(doc.id, 2 ** 53 - 1)
  t.is(doc.guid, 'my guid')
  t.true(doc.autoLoad)
  t.false(doc.shouldLoad)
  for (const options of [undefined, null, {}, { guid: undefined }] as any[]) {
    const plain = new YDoc(options)
    t.true(Number.isSafeInteger(plain.id))
    t.regex(plain.guid, /^[0-9a-f-]{36}$/)
    t.false(plain.autoLoad)
    t.true(plain.shouldLoad)
  }
  t.not(new YDoc().id, new YDoc().id)
  t.not(new YDoc().guid, new YDoc().guid)
})

test('without_gc_deleted_content_stays_in_the_state', (t) => {
  const size = (gc: boolean) => {
    const doc = new YDoc({ gc })
    doc.getText('text').insert(0, 'x'.repeat(10_000))
    doc.getText('text').delete(0, 10_000)
    return encodeStateAsUpdate(doc).length
  }
  t.true(size(true) < 100)
  t.true(size(false) > 10_000)
})

test('arguments_of_the_wrong_kind_throw_at_once', (t) => {
  const doc = new YDoc()
  const anything: any[] = [undefined, null, 5, 'x', {}, [], Symbol('s'), () => {}]
  for (const it of anything) {
    const label = typeof it === 'object' ? JSON.stringify(it) : String(it)
    t.throws(() => applyUpdate(it, new Uint8Array([0, 0])), undefined, label)
    t.throws(() => applyUpdate(doc, it), undefined, label)
    t.throws(() => encodeStateAsUpdate(it), undefined, label)
    if (it != null) t.throws(() => encodeStateAsUpdate(doc, it), undefined, label)
    if (typeof it !== 'string') t.throws(() => doc.getText(it), undefined, label)
    if (typeof it !== 'string') t.throws(() => doc.getMap('map').set(it, 1), undefined, label)
    if (!Array.isArray(it)) t.throws(() => doc.getArray('array').push(it), undefined, label)
    if (typeof it !== 'number') t.throws(() => doc.getText('text').insert(it, 'x'), undefined, label)
  }
  t.throws(() => applyUpdate(doc.getText('text') as any, new Uint8Array([0, 0])), undefined, 'a text for a document')
  t.throws(() => applyUpdate(Object.create(YDoc.prototype), new Uint8Array([0, 0])), undefined, 'a fake')
  t.throws(() => YText.prototype.toString.call(new YArray()), undefined, 'a method of another class')
  t.is(doc.getText('text').length(), 0)
})

test('a_root_has_the_kind_it_is_asked_for_and_never_fails', (t) => {
  const doc = new YDoc()
  doc.getText('x').insert(0, 'abc')
  t.deepEqual(doc.getArray('x').toJson(), ['a', 'b', 'c'])
  doc.getMap('x').set('key', 1)
  t.deepEqual(doc.getMap('x').toJson(), { key: 1 })
  t.is(doc.getText('x').toString(), 'abc')
})
