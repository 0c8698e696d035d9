import test from 'ava'
import * as Y from 'yjs'

import {
  applyUpdate,
  encodeStateAsUpdate,
  encodeStateVector,
  YArray,
  YDoc,
  YMap,
  YUndoEvent,
  YUndoManager,
  type YSharedType,
  type YTransaction,
  type YUndoManagerEvent
} from '../index.js'
import { throwsCode } from './helpers/errors.ts'
import { Random } from './helpers/random.ts'

/** Every edit is undone on its own. */
const apart = { captureTimeout: 0 }

function exchange(...docs: YDoc[]): void {
  for (const from of docs) {
    for (const to of docs) if (from !== to) applyUpdate(to, encodeStateAsUpdate(from, encodeStateVector(to)), 'peer')
  }
}

function edit(doc: YDoc, origin: unknown, work: (txn: YTransaction) => void): void {
  const txn = doc.beginTransaction(origin)
  work(txn)
  txn.commit()
}

function log(manager: YUndoManager): string[] {
  const seen: string[] = []
  const events: YUndoManagerEvent[] = ['stack-item-added', 'stack-item-updated', 'stack-item-popped']
  for (const event of events) manager.on(event, ({ kind }) => void seen.push(`${event.slice(11)} ${kind}`))
  return seen
}

test('undoes_and_redoes_edits_of_a_text', (t) => {
  const doc = new YDoc({ clientID: 1 })
  const text = doc.getText('text')
  text.insert(0, 'old ')
  const manager = new YUndoManager(doc, text, apart)
  t.false(manager.canUndo)
  t.false(manager.undo())
  text.insert(4, 'new')
  text.format(0, 3, { bold: true })
  text.delete(0, 1)
  t.is(text.toString(), 'ld new')
  t.true(manager.canUndo)
  t.true(manager.undo())
  t.is(text.toString(), 'old new')
  t.true(manager.undo())
  t.deepEqual(text.toDelta(), [{ insert: 'old new' }])
  t.true(manager.undo())
  t.is(text.toString(), 'old ')
  t.false(manager.undo(), 'edits from before the manager stay')
  t.true(manager.canRedo)
  while (manager.redo());
  t.deepEqual(text.toDelta(), [{ insert: 'ld', attributes: { bold: true } }, { insert: ' new' }])
  t.false(manager.canRedo)
})

test('undoes_nested_types_of_maps_and_arrays', (t) => {
  const doc = new YDoc({ clientID: 1 })
  const map = doc.getMap('map')
  map.set('a', 0)
  const manager = new YUndoManager(doc, map, apart)
  map.set('a', 1)
  manager.undo()
  t.is(map.get('a'), 0)
  manager.redo()
  t.is(map.get('a'), 1)
  map.set('a', new YArray([1, new YMap({ x: 42 })]))
  manager.undo()
  t.is(map.get('a'), 1)
  manager.redo()
  t.deepEqual(map.toJson(), { a: [1, { x: 42 }] })
  map.delete('a')
  manager.undo()
  t.deepEqual(map.toJson(), { a: [1, { x: 42 }] })
})

test('leaves_the_edits_of_others_alone', (t) => {
  const [mine, other] = [new YDoc({ clientID: 1 }), new YDoc({ clientID: 2 })]
  const [text, peer] = [mine.getText('text'), other.getText('text')]
  const manager = new YUndoManager(mine, text, apart)
  text.insert(0, 'abc')
  peer.insert(0, 'xyz')
  exchange(mine, other)
  manager.undo()
  t.is(text.toString(), 'xyz')
  manager.redo()
  t.is(text.toString(), 'abcxyz')
  exchange(mine, other)
  peer.delete(0, 1)
  exchange(mine, other)
  manager.undo()
  t.is(text.toString(), 'xyz')
  manager.redo()
  t.is(text.toString(), 'bcxyz', 'what the other deleted stays deleted')
})

test('undoes_together_what_follows_quickly', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  const manager = new YUndoManager(doc, text, { captureTimeout: Infinity })
  const seen = log(manager)
  text.insert(0, 'a')
  text.insert(1, 'b')
  manager.stopCapturing()
  text.insert(2, 'c')
  t.deepEqual(seen, ['added undo', 'updated undo', 'added undo'])
  manager.undo()
  t.is(text.toString(), 'ab')
  manager.undo()
  t.is(text.toString(), '')
  t.deepEqual(seen.slice(3), ['added redo', 'popped undo', 'added redo', 'popped undo'])
  manager.redo()
  t.is(text.toString(), 'ab')
  t.deepEqual(seen.slice(7), ['added undo', 'popped redo'])
})

const origins: Array<[label: string, tracked: unknown, same: unknown, other: unknown]> = [
  ['string', 'user', 'user', 'user2'],
  ['string or number', '1', '1', 1],
  ['number', 1, 1, 2],
  ['zero', 0, -0, false],
  ['NaN', NaN, NaN, 0],
  ['bigint', 1n, 1n, 1],
  ['boolean', true, true, 'true'],
  ['symbol', Symbol.iterator, Symbol.iterator, Symbol('other')],
  ['registered symbol', Symbol.for('a'), Symbol.for('a'), Symbol.for('b')],
  ['undefined', undefined, undefined, 'undefined'],
  ['null', null, undefined, 'null'],
  ...Object.entries({ object: {}, frozen: Object.freeze({}), function: () => {}, array: [1] }).map(
    ([label, it]): [string, unknown, unknown, unknown] => [label, it, it, typeof it === 'function' ? () => {} : [it]]
  )
]

for (const [label, tracked, same, other] of origins) {
  test(`tracks_an_origin: ${label}`, (t) => {
    const doc = new YDoc()
    const text = doc.getText('text')
    for (const trackedOrigins of [[tracked], new Set([tracked])]) {
      const manager = new YUndoManager(doc, text, { ...apart, trackedOrigins })
      edit(doc, other, (txn) => text.push('other', undefined, txn))
      t.false(manager.canUndo)
      edit(doc, same, (txn) => text.push('same', undefined, txn))
      t.true(manager.canUndo)
      manager.clear()
      applyUpdate(doc, encodeStateAsUpdate(replicaWith('text', text.toString())), same)
      t.true(manager.canUndo, 'updates have origins, too')
      manager.clear()
      manager.removeTrackedOrigin(tracked)
      edit(doc, { nobody: true }, (txn) => text.push('other', undefined, txn))
      t.false(manager.canUndo)
      text.push('without')
      t.true(manager.canUndo, 'without origins, those without one')
      manager.clear()
      manager.addTrackedOrigin(tracked)
      edit(doc, same, (txn) => text.push('same', undefined, txn))
      t.true(manager.canUndo)
      if (same !== undefined && same !== null) {
        manager.clear()
        text.push('without')
        t.false(manager.canUndo)
      }
    }
  })
}

function replicaWith(name: string, content: string): YDoc {
  const doc = new YDoc()
  doc.getText(name).insert(0, content)
  return doc
}

test('events_tell_the_origin_and_keep_what_listeners_attach', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  const origin = { user: 1 }
  const manager = new YUndoManager(doc, text, { ...apart, trackedOrigins: [origin] })
  const seen: Array<[string, string, unknown, unknown, unknown]> = []
  let count = 0
  manager.on('stack-item-added', (event, txn) => {
    t.true(event instanceof YUndoEvent)
    t.is(event.meta, undefined)
    event.meta = { cursor: ++count }
    seen.push(['added', event.kind, event.origin, event.meta, txn.origin])
  })
  manager.on('stack-item-popped', (event, txn) => {
    seen.push(['popped', event.kind, event.origin, event.meta, txn.origin])
  })
  edit(doc, origin, (txn) => text.insert(0, 'a', undefined, txn))
  t.deepEqual(seen, [['added', 'undo', origin, { cursor: 1 }, origin]])
  manager.undo()
  t.deepEqual(seen.slice(1), [
    ['added', 'redo', manager, { cursor: 2 }, manager],
    ['popped', 'undo', manager, { cursor: 1 }, manager]
  ])
  manager.redo()
  t.deepEqual(seen.slice(3), [
    ['added', 'undo', manager, { cursor: 3 }, manager],
    ['popped', 'redo', manager, { cursor: 2 }, manager]
  ])
})

test('what_is_attached_outlives_updates_of_the_item', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  const manager = new YUndoManager(doc, text, { captureTimeout: Infinity })
  const metas: unknown[] = []
  manager.on('stack-item-added', (event) => {
    event.meta = 'first'
  })
  manager.on('stack-item-updated', (event) => {
    metas.push(event.meta)
    event.meta = 'second'
  })
  manager.on('stack-item-popped', (event) => void metas.push(event.meta))
  text.insert(0, 'a')
  text.insert(1, 'b')
  manager.undo()
  t.deepEqual(metas, ['first', 'second'])
})

test('listeners_are_removed_by_identity_and_may_throw', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  const manager = new YUndoManager(doc, text, apart)
  let count = 0
  const listener = () => void count++
  manager.on('stack-item-added', listener)
  manager.on('stack-item-added', listener)
  text.insert(0, 'a')
  t.is(count, 1)
  t.true(manager.off('stack-item-added', listener))
  t.false(manager.off('stack-item-added', listener))
  text.insert(0, 'b')
  t.is(count, 1)
  const failure = new Error('from a listener')
  manager.on('stack-item-popped', () => {
    throw failure
  })
  t.is(
    t.throws(() => manager.undo()),
    failure
  )
  t.is(text.toString(), 'a', 'undone all the same')
  throwsCode(t, () => manager.on('stack-item' as YUndoManagerEvent, listener), 'ERR_INVALID_ARGUMENT')
  throwsCode(t, () => manager.off('stack-item' as YUndoManagerEvent, listener), 'ERR_INVALID_ARGUMENT')
})

test('a_listener_may_edit_and_undo', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  const notes = doc.getArray('notes')
  const manager = new YUndoManager(doc, text, apart)
  manager.on('stack-item-added', ({ kind }) => {
    notes.push([`added ${kind}`])
    if (text.toString() === 'bad') manager.undo()
  })
  manager.on('stack-item-popped', ({ kind }) => notes.push([`popped ${kind}`]))
  text.insert(0, 'bad')
  t.is(text.toString(), '')
  t.deepEqual(notes.toJson(), ['added undo', 'added redo', 'popped undo'])
})

test('undo_tells_listeners_and_providers_like_any_edit', (t) => {
  const doc = new YDoc({ clientID: 1 })
  const text = doc.getText('text')
  const peer = new Y.Doc()
  doc.on('update', (update) => Y.applyUpdate(peer, update))
  const deltas: unknown[] = []
  text.observe((event) => deltas.push(event.delta))
  let transactions = 0
  doc.on('afterTransaction', () => transactions++)
  const manager = new YUndoManager(doc, text, apart)
  text.insert(0, 'a 😀')
  manager.undo()
  t.is(peer.getText('text').toString(), '')
  manager.redo()
  t.is(peer.getText('text').toString(), 'a 😀')
  t.deepEqual(deltas, [[{ insert: 'a 😀' }], [{ delete: 4 }], [{ insert: 'a 😀' }]])
  t.is(transactions, 3)
})

test('scope_grows_and_is_checked', (t) => {
  const doc = new YDoc()
  const [text, map] = [doc.getText('text'), doc.getMap('map')]
  const manager = new YUndoManager(doc, text, apart)
  map.set('a', 1)
  t.false(manager.canUndo)
  manager.addToScope([map])
  map.set('a', 2)
  t.true(manager.canUndo)
  const wrong: Array<[code: string, type: unknown]> = [
    ['ERR_WRONG_DOCUMENT', new YDoc().getMap('map')],
    ['ERR_PRELIMINARY_TYPE', new YMap()],
    ['ERR_INVALID_ARGUMENT', {}],
    ['ERR_INVALID_ARGUMENT', [undefined]]
  ]
  for (const [code, type] of wrong) throwsCode(t, () => manager.addToScope(type as YSharedType), code)
  const nested = new YMap()
  map.set('nested', nested)
  map.delete('nested')
  throwsCode(t, () => manager.addToScope(nested), 'ERR_DELETED_TYPE')
  throwsCode(t, () => new YUndoManager(doc, nested), 'ERR_DELETED_TYPE')
})

test('takes_its_options_in_every_form', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  const forms: Array<[label: string, make: () => YUndoManager]> = [
    ['scope', () => new YUndoManager(doc, text)],
    ['scopes', () => new YUndoManager(doc, [text, doc.getMap('map')], null)],
    ['options with document', () => new YUndoManager({ doc })],
    ['options', () => new YUndoManager({ captureTimeout: 1 })],
    ['nothing', () => new YUndoManager()],
    ['document', () => new YUndoManager(doc)]
  ]
  for (const [label, make] of forms) {
    const manager = make()
    const seen = log(manager)
    t.false(manager.canUndo, label)
    t.false(manager.canRedo, label)
    t.false(manager.undo(), label)
    t.false(manager.redo(), label)
    manager.clear()
    manager.stopCapturing()
    manager.addTrackedOrigin('user')
    manager.addToScope(text)
    edit(doc, 'user', (txn) => text.insert(0, label, undefined, txn))
    t.deepEqual(seen, ['added undo'], label)
    t.true(manager.undo(), label)
    t.is(text.toString(), '', label)
    manager.free()
  }
  const wrong: Array<[options: unknown, code: string]> = [
    ['options', 'ERR_INVALID_OPTION'],
    [{ captureTimeout: -1 }, 'ERR_INVALID_OPTION'],
    [{ captureTimeout: '1' }, 'ERR_INVALID_OPTION'],
    [{ trackedOrigins: 'user' }, 'ERR_INVALID_OPTION'],
    [{ doc: new Y.Doc() }, 'ERR_INVALID_ARGUMENT']
  ]
  for (const [options, code] of wrong) throwsCode(t, () => new YUndoManager(options as object), code)
})

test('clears_one_stack_or_both', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  const manager = new YUndoManager(doc, text, apart)
  const fill = () => {
    text.push('a')
    text.push('b')
    manager.undo()
  }
  const rows: Array<[undo: boolean | undefined, redo: boolean | undefined, canUndo: boolean, canRedo: boolean]> = [
    [undefined, undefined, false, false],
    [false, true, true, false],
    [true, false, false, true],
    [false, false, true, true]
  ]
  for (const [undo, redo, canUndo, canRedo] of rows) {
    fill()
    manager.clear(undo, redo)
    t.deepEqual([manager.canUndo, manager.canRedo], [canUndo, canRedo])
    manager.clear()
  }
})

test('refuses_to_undo_inside_of_a_transaction', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  const manager = new YUndoManager(doc, text, apart)
  text.insert(0, 'a')
  edit(doc, null, (txn) => {
    throwsCode(t, () => manager.undo(), 'ERR_TRANSACTION_OPEN')
    throwsCode(t, () => manager.redo(), 'ERR_TRANSACTION_OPEN')
    throwsCode(t, () => manager.clear(), 'ERR_TRANSACTION_OPEN')
    throwsCode(t, () => manager.addToScope(doc.getText('text')), 'ERR_TRANSACTION_OPEN')
    throwsCode(t, () => new YUndoManager(doc, text), 'ERR_TRANSACTION_OPEN')
    t.true(manager.canUndo)
    text.insert(1, 'b', undefined, txn)
  })
  manager.undo()
  t.is(text.toString(), 'a')
})

test('a_scope_that_was_freed_is_forgotten', (t) => {
  const doc = new YDoc()
  const map = doc.getMap('map')
  const nested = new YMap()
  map.set('nested', nested)
  const manager = new YUndoManager(doc, [nested, map], { ...apart, trackedOrigins: ['user'] })
  edit(doc, 'user', (txn) => nested.set('a', 1, txn))
  edit(doc, 'user', (txn) => map.set('b', 1, txn))
  // Not tracked, so nothing keeps it from being freed.
  map.delete('nested')
  edit(doc, 'user', (txn) => map.set('b', 2, txn))
  manager.undo()
  t.deepEqual(map.toJson(), { b: 1 })
  manager.undo()
  t.deepEqual(map.toJson(), {})
  t.false(manager.undo())
})

test('managers_are_collected_unless_somebody_listens', async (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  let seen = 0
  const silent = new WeakRef(new YUndoManager(doc, text, apart))
  const heard = (() => {
    const manager = new YUndoManager(doc, text, apart)
    manager.on('stack-item-added', () => void seen++)
    return new WeakRef(manager)
  })()
  for (let round = 0; round < 20 && silent.deref(); round++) {
    await new Promise((done) => setImmediate(done))
    global.gc?.()
  }
  t.is(silent.deref(), undefined)
  text.insert(0, 'a')
  t.is(seen, 1)
  t.truthy(heard.deref())
})

test('documents_are_collected_with_their_managers', async (t) => {
  const alive = new Set<number>()
  const registry = new FinalizationRegistry<number>((index) => alive.delete(index))
  for (let index = 0; index < 200; index++) {
    const doc = new YDoc()
    const text = doc.getText('text')
    const manager = new YUndoManager(doc, text, { ...apart, trackedOrigins: [doc] })
    manager.on('stack-item-added', (event) => {
      event.meta = { manager, doc }
    })
    edit(doc, doc, (txn) => text.insert(0, 'a', undefined, txn))
    alive.add(index)
    registry.register(manager, index)
  }
  for (let round = 0; round < 50 && alive.size > 1; round++) {
    await new Promise((done) => setImmediate(done))
    global.gc?.()
  }
  t.true(alive.size <= 1, `${alive.size} left`)
})

test('undoes_and_redoes_as_yjs_does', (t) => {
  const random = new Random()
  t.log(`SEED=${random.seed}`)
  for (let run = 0; run < 20; run++) {
    const doc = new YDoc({ clientID: 1 })
    const text = doc.getText('text')
    const manager = new YUndoManager(doc, text, apart)
    const ydoc = new Y.Doc()
    ydoc.clientID = 1
    const ytext = ydoc.getText('text')
    const ymanager = new Y.UndoManager(ytext, apart)
    const [peer, ypeer] = [new YDoc({ clientID: 2 }), new Y.Doc()]
    ypeer.clientID = 2
    for (let step = 0; step < 60; step++) {
      const length = ytext.length
      switch (random.below(7)) {
        case 0:
          t.is(manager.undo(), ymanager.undo() !== null)
          break
        case 1:
          t.is(manager.redo(), ymanager.redo() !== null)
          break
        case 2: {
          if (length === 0) break
          const at = random.below(length)
          const count = 1 + random.below(Math.min(3, length - at))
          text.delete(at, count)
          ytext.delete(at, count)
          break
        }
        case 3: {
          applyUpdate(peer, encodeStateAsUpdate(doc))
          Y.applyUpdate(ypeer, Y.encodeStateAsUpdate(ydoc))
          const at = random.below(ypeer.getText('text').length + 1)
          peer.getText('text').insert(at, 'P')
          ypeer.getText('text').insert(at, 'P')
          applyUpdate(doc, encodeStateAsUpdate(peer), 'peer')
          Y.applyUpdate(ydoc, Y.encodeStateAsUpdate(ypeer), 'peer')
          break
        }
        default: {
          const at = random.below(length + 1)
          const chunk = random.pick(['a', 'bc', 'é', 'def'])
          text.insert(at, chunk)
          ytext.insert(at, chunk)
        }
      }
      t.is(text.toString(), ytext.toString(), `run ${run}, step ${step}`)
    }
    const replica = new Y.Doc()
    Y.applyUpdate(replica, encodeStateAsUpdate(doc))
    t.is(replica.getText('text').toString(), text.toString())
  }
})
