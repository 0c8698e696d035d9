import test from 'ava'
import * as Y from 'yjs'

import {
  applyUpdate,
  applyUpdateV2,
  encodeStateAsUpdate,
  encodeStateAsUpdateV2,
  encodeStateVector,
  YArray,
  YDoc,
  YMap,
  YText,
  type YTransaction
} from '../index.js'
import { throwsCode } from './helpers/errors.ts'

/** A document as those who have something to look for in it. */
function populated(): YDoc {
  const doc = new YDoc({ clientID: 1 })
  const users = doc.getArray('users')
  users.push([new YMap({ name: 'Alice', tags: ['a', 'b'] }), new YMap({ name: 'Bob' }), { name: 'plain' }])
  doc.getMap('settings').set('theme', { dark: true })
  doc.getText('body').insert(0, 'hello')
  return doc
}

test('a_document_lists_its_roots', (t) => {
  const doc = populated()
  const roots = doc.roots()
  t.deepEqual(
    roots.map(([name, type]) => [name, type?.constructor]),
    [
      ['body', YText],
      ['settings', YMap],
      ['users', YArray]
    ]
  )
  const txn = doc.beginTransaction()
  t.is(doc.roots(txn).length, 3)
  txn.commit()
  const replica = new YDoc()
  applyUpdate(replica, encodeStateAsUpdate(doc))
  t.deepEqual(replica.roots()[0], ['body', undefined], 'nobody has said yet what it is')
  replica.getText('body')
  t.is(String(replica.roots()[0][1]), 'hello')
  const foreign = replica.beginTransaction()
  throwsCode(t, () => doc.roots(foreign), 'ERR_WRONG_DOCUMENT')
  foreign.commit()
})

test('a_document_knows_what_it_is', (t) => {
  const doc = new YDoc()
  t.is(doc.type, 9)
  t.is(doc.prelim, true)
  t.is(doc.parentDoc, null)
})

test('json_paths_select_values_and_types', (t) => {
  const doc = populated()
  const txn = doc.beginTransaction()
  for (const it of [doc, txn]) {
    t.deepEqual(it.selectAll('$.users[*].name'), ['Alice', 'Bob', 'plain'])
    t.deepEqual(it.selectAll('$.users[0].tags[*]'), ['a', 'b'])
    t.deepEqual(it.selectAll('$.nothing[*]'), [])
    t.is(it.selectOne('$.settings.theme.dark'), true)
    t.is(it.selectOne('$.users[-1].name'), 'plain')
    t.is(it.selectOne('$.nothing'), undefined)
    t.true(it.selectOne('$.users[0]') instanceof YMap)
    t.is(it.selectAll('$..name').length, 3)
    for (const path of ['$.users[', '$.users[0:2:0]', '$.users[2:1:1]']) {
      throwsCode(t, () => it.selectAll(path), 'ERR_INVALID_ARGUMENT', path)
    }
    throwsCode(t, () => it.selectOne('$['), 'ERR_INVALID_ARGUMENT')
  }
  txn.commit()
  t.deepEqual(txn.selectAll('$.users[0].name'), ['Alice'], 'reads work after it, too')
})

test('a_transaction_finds_types_by_their_ids', (t) => {
  const doc = populated()
  const user = doc.getArray('users').get(0) as YMap
  const txn = doc.beginTransaction()
  t.is((txn.get(user.id) as YMap).get('name'), 'Alice')
  t.is(String(txn.get({ type: 'body' })), 'hello')
  t.is(txn.get({ type: 'nothing' }), undefined)
  t.is(txn.get({ client: 7, clock: 7 }), undefined)
  doc.getArray('users').delete(0)
  t.is(txn.get(user.id), undefined, 'deleted')
  for (const id of [{}, { client: -1, clock: 0 }, { client: 1 }, { type: 7 }]) {
    throwsCode(t, () => txn.get(id as never), 'ERR_INVALID_ARGUMENT', JSON.stringify(id))
  }
  txn.commit()
})

test('a_transaction_tells_what_it_did', (t) => {
  const doc = new YDoc({ clientID: 1 })
  const text = doc.getText('text')
  text.insert(0, 'hello')
  const txn = doc.beginTransaction()
  t.deepEqual([...txn.beforeState], [[1, 5]])
  t.deepEqual([...txn.afterState], [[1, 5]], 'so far')
  text.insert(5, ' world', null, txn)
  text.delete(1, 2, txn)
  t.deepEqual([...txn.beforeState], [[1, 5]])
  t.deepEqual([...txn.afterState], [[1, 11]])
  t.deepEqual([...txn.deleteSet], [[1, [[1, 2]]]])
  txn.commit()
  for (const read of [() => txn.beforeState, () => txn.afterState, () => txn.deleteSet]) {
    throwsCode(t, read, 'ERR_TRANSACTION_CLOSED')
  }
})

test('every_listener_gets_a_view_that_tells_what_was_done', (t) => {
  const doc = new YDoc({ clientID: 1 })
  const text = doc.getText('text')
  text.insert(0, 'hello')
  const seen: Record<string, unknown[]> = {}
  const look = (name: string) => (txn: YTransaction) => {
    seen[name] = [[...txn.beforeState], [...txn.afterState], [...txn.deleteSet], txn.pendingStructs, text.toString(txn)]
    throwsCode(t, () => txn.gc(), 'ERR_TRANSACTION_CLOSED', name)
    throwsCode(t, () => txn.applyV2(encodeStateAsUpdateV2(doc)), 'ERR_TRANSACTION_CLOSED', name)
  }
  text.observe((_, txn) => look('observe')(txn))
  doc.on('update', (_, txn) => look('update')(txn))
  doc.on('updateV2', (_, txn) => look('updateV2')(txn))
  doc.on('afterTransaction', look('afterTransaction'))
  doc.on('cleanup', look('cleanup'))
  text.delete(1, 2)
  const expected = [[[1, 5]], [[1, 5]], [[1, [[1, 2]]]], null, 'hlo']
  t.deepEqual(Object.keys(seen), ['observe', 'afterTransaction', 'cleanup', 'update', 'updateV2'], 'in this order')
  for (const [name, view] of Object.entries(seen)) t.deepEqual(view, expected, name)
})

test('a_view_encodes_its_update_in_both_formats', (t) => {
  for (const event of ['update', 'updateV2', 'afterTransaction', 'cleanup'] as const) {
    const doc = new YDoc()
    const encoded: Uint8Array[][] = []
    const listen = (txn: YTransaction) =>
      encoded.push([txn.encodeUpdateV2(), event === 'updateV2' ? new Uint8Array() : txn.encodeUpdate()])
    if (event === 'update' || event === 'updateV2') doc.on(event, (_, txn) => listen(txn))
    else doc.on(event, listen)
    doc.getText('text').insert(0, 'hello')
    t.is(encoded.length >= 1, true, event)
    const [v2, v1] = encoded[encoded.length - 1]
    const yjs = new Y.Doc()
    Y.applyUpdateV2(yjs, v2)
    t.is(yjs.getText('text').toString(), 'hello', event)
    if (event === 'updateV2') continue
    const other = new Y.Doc()
    Y.applyUpdate(other, v1)
    t.is(other.getText('text').toString(), 'hello', event)
  }
})

test('a_view_of_a_type_observer_alone_has_no_update', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  let calls = 0
  text.observe((_, txn) => {
    calls++
    throwsCode(t, () => txn.encodeUpdate(), 'ERR_TRANSACTION_CLOSED')
    throwsCode(t, () => txn.encodeUpdateV2(), 'ERR_TRANSACTION_CLOSED')
  })
  text.insert(0, 'x')
  t.is(calls, 1)
})

test('a_transaction_applies_and_encodes_in_v2', (t) => {
  const [doc, yjs] = [populated(), new Y.Doc()]
  yjs.getText('body').insert(0, 'yjs ')
  const txn = doc.beginTransaction()
  txn.applyV2(Y.encodeStateAsUpdateV2(yjs))
  doc.getText('body').push('!', null, txn)
  const [update, difference] = [txn.encodeUpdateV2(), txn.diffV2(Y.encodeStateVector(yjs))]
  throwsCode(t, () => txn.applyV2(Uint8Array.of(1)), 'ERR_INVALID_UPDATE')
  throwsCode(t, () => txn.diffV2(Uint8Array.of(0xff)), 'ERR_INVALID_UPDATE')
  txn.commit()
  throwsCode(t, () => txn.encodeUpdateV2(), 'ERR_TRANSACTION_CLOSED')
  throwsCode(t, () => txn.applyV2(update), 'ERR_TRANSACTION_CLOSED')
  t.true(txn.diffV2(encodeStateVector(doc)).length < 20)
  Y.applyUpdateV2(yjs, difference)
  t.is(yjs.getText('body').toString(), doc.getText('body').toString())
  const other = new YDoc()
  applyUpdateV2(other, txn.diffV2())
  applyUpdateV2(other, update)
  t.deepEqual(other.getArray('users').toJson(), doc.getArray('users').toJson())
})

test('what_waits_for_other_updates_can_be_seen', (t) => {
  const yjs = new Y.Doc()
  yjs.clientID = 9
  const updates: Uint8Array[] = []
  yjs.on('update', (update: Uint8Array) => updates.push(update))
  yjs.getText('text').insert(0, 'a')
  yjs.getText('text').insert(1, 'b')
  yjs.getText('text').delete(0, 2)
  const doc = new YDoc()
  const before = doc.beginTransaction()
  t.is(before.pendingStructs, null)
  t.is(before.pendingDeleteSet, undefined)
  before.commit()
  applyUpdate(doc, updates[1])
  applyUpdate(doc, updates[2])
  const txn = doc.beginTransaction()
  t.deepEqual([...txn.pendingStructs!.missing], [[9, 0]])
  t.true(txn.pendingStructs!.update.length > 4)
  t.deepEqual([...txn.pendingDeleteSet!], [[9, [[0, 2]]]])
  const copy = new Y.Doc()
  Y.applyUpdateV2(copy, encodeStateAsUpdateV2(doc))
  txn.applyV1(updates[0])
  t.is(txn.pendingStructs, null)
  txn.commit()
  Y.applyUpdate(copy, updates[0])
  t.is(doc.getText('text').toString(), '')
  t.is(copy.getText('text').toString(), '', 'what waits is part of the state in V2')
})

test('gc_frees_what_was_deleted', (t) => {
  const doc = new YDoc({ gc: false })
  doc.getText('text').insert(0, 'secret')
  doc.getText('text').delete(0, 6)
  const hasSecret = () => Buffer.from(encodeStateAsUpdate(doc)).includes('secret')
  t.true(hasSecret())
  const txn = doc.beginTransaction()
  txn.gc()
  txn.commit()
  t.false(hasSecret())
  throwsCode(t, () => txn.gc(), 'ERR_TRANSACTION_CLOSED')
})

test('listeners_of_cleanup_are_removed_like_others', (t) => {
  const doc = new YDoc()
  let calls = 0
  const listener = () => calls++
  doc.on('cleanup', listener)
  doc.getText('text').insert(0, 'a')
  t.true(calls > 0)
  t.true(doc.off('cleanup', listener))
  t.false(doc.off('cleanup', listener))
  const before = calls
  doc.getText('text').insert(0, 'b')
  t.is(calls, before)
})

test('the_older_ways_to_listen_return_an_observer', (t) => {
  const doc = new YDoc()
  const calls: string[] = []
  const observers = [
    doc.onUpdate((update, txn) => calls.push(`update ${update instanceof Uint8Array} ${txn.origin}`)),
    doc.onUpdateV2((update) => calls.push(`updateV2 ${update instanceof Uint8Array}`)),
    doc.onAfterTransaction((txn) => calls.push(`afterTransaction ${txn.afterState.size}`))
  ]
  doc.getText('text')
  calls.length = 0
  doc.getText('text').insert(0, 'a')
  t.deepEqual(calls, ['afterTransaction 1', 'update true undefined', 'updateV2 true'])
  for (const observer of observers) observer.free()
  for (const observer of observers) observer.free()
  doc.getText('text').insert(0, 'b')
  t.is(calls.length, 3)
  let added: unknown[] = []
  const subdocs = doc.onSubdocs((event) => (added = event.added))
  const child = new YDoc()
  doc.getMap('map').set('child', child)
  t.deepEqual(added, [child])
  subdocs.free()
  let destroyed: unknown
  doc.onDestroy((it) => (destroyed = it))
  doc.destroy()
  t.is(destroyed, doc)
})

test('dates_and_bytes_are_stored_as_documented', (t) => {
  const map = new YDoc().getMap('map')
  map.set('date', new Date(5) as never)
  t.deepEqual(map.get('date'), {}, 'as in ywasm and Yjs')
  map.set('buffer', Buffer.from('ab'))
  t.deepEqual(map.get('buffer'), Uint8Array.of(97, 98))
  map.set('arrayBuffer', Uint8Array.of(1, 2).buffer as never)
  t.deepEqual(map.get('arrayBuffer'), Uint8Array.of(1, 2))
  for (const value of [
    new Uint16Array(1),
    new Float64Array(1),
    new DataView(new ArrayBuffer(1)),
    new Map(),
    new Set()
  ]) {
    throwsCode(t, () => map.set('other', value as never), 'ERR_UNSUPPORTED_VALUE', value.constructor.name)
  }
  map.set('small', 5n)
  t.is(map.get('small'), 5, 'a bigint that a number can hold is one')
  map.set('large', 2n ** 60n + 1n)
  t.is(map.get('large'), 2n ** 60n + 1n)
  throwsCode(t, () => map.set('larger', 2n ** 64n), 'ERR_UNSUPPORTED_VALUE')
})
