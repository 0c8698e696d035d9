import test from 'ava'

import { applyUpdate, encodeStateAsUpdate, encodeStateVector, YDoc, YText, YTransaction } from '../index.js'
import { throwsCode } from './helpers/errors.ts'

test('edits_of_an_explicit_transaction_are_one_update_and_one_event', (t) => {
  const doc = new YDoc()
  const [text, map] = [doc.getText('text'), doc.getMap('map')]
  const updates: Uint8Array[] = []
  let events = 0
  doc.on('update', (update) => updates.push(update))
  text.observe(() => events++)
  const txn = doc.beginTransaction()
  text.insert(0, 'a', undefined, txn)
  text.push('b', null, txn)
  map.set('key', 1, txn)
  t.is(updates.length, 0)
  t.is(events, 0)
  t.is(text.toString(txn), 'ab', 'reads see it')
  t.is(text.toString(), 'ab', 'reads without it, too')
  txn.commit()
  t.is(updates.length, 1)
  t.is(events, 1)
  const replica = new YDoc()
  applyUpdate(replica, updates[0])
  t.is(replica.getText('text').toString(), 'ab')
  t.deepEqual(replica.getMap('map').toJson(), { key: 1 })
})

test('edits_without_the_open_transaction_join_it', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  let updates = 0
  doc.on('update', () => updates++)
  const txn = doc.beginTransaction()
  text.insert(0, 'a')
  applyUpdate(doc, encodeStateAsUpdate(new YDoc()))
  doc.getArray('array').push([1])
  t.is(updates, 0)
  txn.commit()
  t.is(updates, 1)
})

test('one_transaction_is_open_at_a_time', (t) => {
  const doc = new YDoc()
  const txn = doc.beginTransaction()
  throwsCode(t, () => doc.beginTransaction(), 'ERR_TRANSACTION_OPEN')
  new YDoc().beginTransaction().commit()
  txn.commit()
  doc.beginTransaction().commit()
})

test('a_committed_transaction_is_closed_for_edits_but_not_for_reads', (t) => {
  const doc = new YDoc()
  const [text, array, map] = [doc.getText('text'), doc.getArray('array'), doc.getMap('map')]
  text.insert(0, 'abc')
  const update = encodeStateAsUpdate(doc)
  const txn = doc.beginTransaction()
  txn.commit()
  txn.commit()
  txn.free()
  const edits: Record<string, () => void> = {
    'text.insert': () => text.insert(0, 'x', undefined, txn),
    'text.push': () => text.push('x', undefined, txn),
    'text.insertEmbed': () => text.insertEmbed(0, {}, undefined, txn),
    'text.delete': () => text.delete(0, 1, txn),
    'text.format': () => text.format(0, 1, { bold: true }, txn),
    'array.insert': () => array.insert(0, [1], txn),
    'array.push': () => array.push([new YText('x')], txn),
    'array.delete': () => array.delete(0, 0, txn),
    'map.set': () => map.set('key', 1, txn),
    'map.delete': () => map.delete('key', txn),
    applyV1: () => txn.applyV1(update),
    encodeUpdate: () => txn.encodeUpdate()
  }
  for (const [label, edit] of Object.entries(edits)) throwsCode(t, edit, 'ERR_TRANSACTION_CLOSED', label)
  t.is(text.toString(txn), 'abc')
  t.is(array.length(txn), 0)
  t.is(map.get('key', txn), undefined)
  t.deepEqual(txn.stateVectorV1(), encodeStateVector(doc))
})

test('a_transaction_of_another_document_is_refused', (t) => {
  const [doc, other] = [new YDoc(), new YDoc()]
  const txn = other.beginTransaction()
  throwsCode(t, () => doc.getText('text').insert(0, 'x', undefined, txn), 'ERR_WRONG_DOCUMENT')
  throwsCode(t, () => doc.getText('text').toString(txn), 'ERR_WRONG_DOCUMENT')
  throwsCode(t, () => doc.getMap('map').set('key', 1, txn), 'ERR_WRONG_DOCUMENT')
  txn.commit()
  throwsCode(t, () => doc.getText('text').insert(0, 'x', undefined, txn), 'ERR_WRONG_DOCUMENT', 'closed too')
})

test('encode_update_is_what_was_edited_so_far', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  text.insert(0, 'before')
  const replica = new YDoc()
  applyUpdate(replica, encodeStateAsUpdate(doc))
  const txn = doc.beginTransaction()
  text.delete(0, 3, txn)
  text.push('!', undefined, txn)
  applyUpdate(replica, txn.encodeUpdate())
  t.is(replica.getText('text').toString(), 'ore!')
  text.insert(0, '¡', undefined, txn)
  const all = txn.encodeUpdate()
  txn.commit()
  applyUpdate(replica, all)
  t.is(replica.getText('text').toString(), '¡ore!')
  t.deepEqual(encodeStateVector(replica), encodeStateVector(doc))
})

test('diffs_and_applies_within_a_transaction', (t) => {
  const [doc, other] = [new YDoc(), new YDoc()]
  other.getText('text').insert(0, 'abc')
  const txn = doc.beginTransaction()
  txn.applyV1(encodeStateAsUpdate(other))
  doc.getText('text').push('d', undefined, txn)
  t.is(doc.getText('text').toString(txn), 'abcd')
  applyUpdate(other, txn.diffV1(encodeStateVector(other)))
  t.is(other.getText('text').toString(), 'abcd')
  txn.commit()
  t.deepEqual(encodeStateVector(doc), encodeStateVector(other))
  throwsCode(t, () => doc.beginTransaction().diffV1(new Uint8Array([9, 9])), 'ERR_INVALID_UPDATE')
})

test('the_origin_reaches_every_listener_by_identity', (t) => {
  const origin = { name: 'me' }
  for (const [label, value] of [
    ['object', origin],
    ['string', 'me'],
    ['zero', 0],
    ['symbol', Symbol('me')]
  ] as const) {
    const doc = new YDoc()
    const text = doc.getText('text')
    const seen: unknown[] = []
    doc.on('update', (_, txn) => seen.push(txn.origin))
    doc.on('afterTransaction', (txn) => seen.push(txn.origin))
    text.observe((event, txn) => seen.push(event.origin, txn.origin))
    text.observeDeep(([event], txn) => seen.push(event.origin, txn.origin))
    const txn = doc.beginTransaction(value)
    t.is(txn.origin, value, label)
    text.insert(0, 'a', undefined, txn)
    txn.commit()
    t.is(seen.length, 6, label)
    t.true(
      seen.every((it) => it === value),
      label
    )
    const update = encodeStateAsUpdate(doc)
    const replica = new YDoc()
    let remote: unknown
    replica.on('update', (_, txn) => (remote = txn.origin))
    applyUpdate(replica, update, value)
    t.is(remote, value, label)
  }
})

test('without_an_origin_there_is_none', (t) => {
  const doc = new YDoc()
  const seen: unknown[] = []
  doc.on('update', (_, txn) => seen.push(txn.origin))
  doc.getText('text').insert(0, 'a')
  const txn = doc.beginTransaction()
  doc.getText('text').insert(0, 'a', undefined, txn)
  txn.commit()
  t.deepEqual(seen, [undefined, undefined])
})

test('an_empty_transaction_makes_no_update', (t) => {
  const doc = new YDoc()
  let finished = 0
  doc.on('update', () => t.fail('nothing changed'))
  doc.on('afterTransaction', () => finished++)
  doc.beginTransaction().commit()
  t.is(finished, 1)
})

test('symbol_dispose_commits', (t) => {
  const doc = new YDoc()
  const txn = doc.beginTransaction()
  doc.getText('text').insert(0, 'a', undefined, txn)
  txn[Symbol.dispose]()
  throwsCode(t, () => doc.getText('text').insert(0, 'b', undefined, txn), 'ERR_TRANSACTION_CLOSED')
  doc.beginTransaction().free()
  doc.beginTransaction().commit()
})

test('something_that_is_no_transaction_is_refused', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  for (const [label, txn] of Object.entries({ object: {}, document: doc, text, number: 5, string: 'x' })) {
    t.throws(() => text.insert(0, 'a', undefined, txn as any), undefined, label)
  }
  const fake = Object.create(YTransaction.prototype)
  t.throws(() => text.insert(0, 'a', undefined, fake))
  t.throws(() => fake.commit())
  t.is(text.toString(), '')
})

test.serial('a_transaction_left_open_over_a_tick_is_warned_about_once', async (t) => {
  const doc = new YDoc()
  const warnings: Error[] = []
  const onWarning = (warning: Error) => void (warning.name === 'YTransactionWarning' && warnings.push(warning))
  process.on('warning', onWarning)
  const first = new Promise<void>((resolve) => process.once('warning', () => resolve()))
  let txn = doc.beginTransaction()
  await first
  doc.getText('text').insert(0, 'a', undefined, txn)
  txn.commit()
  txn = doc.beginTransaction()
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
  txn.commit()
  process.off('warning', onWarning)
  t.is(warnings.length, 1)
  t.is(doc.getText('text').toString(), 'a')
})

test.serial('a_stack_overflow_does_not_stop_ticks_from_ending', async (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
  // The end of a tick is asked for with a call into JavaScript. It fails where the stack ends: the first touch of this
  // tick is tried there, and again with a little more stack each time.
  let failures = 0
  const dive = (): void => {
    try {
      dive()
    } catch {
      if (text.length() > 0) return
      failures++
    }
    text.push('a')
  }
  try {
    dive()
  } catch {
    failures++
  }
  t.true(failures > 0)
  text.push('b')
  t.regex(text.toString(), /b$/)
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
  const txn = doc.beginTransaction()
  t.is((await warned).name, 'YTransactionWarning', 'the tick ended')
  txn.commit()
})
