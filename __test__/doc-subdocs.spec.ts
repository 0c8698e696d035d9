import test from 'ava'
import * as Y from 'yjs'

import {
  applyUpdate,
  encodeStateAsUpdate,
  encodeStateVector,
  YArray,
  YDoc,
  YMap,
  YSubdocsEvent,
  YUndoManager
} from '../index.js'
import { throwsCode } from './helpers/errors.ts'
import { Random } from './helpers/random.ts'

interface Seen {
  added: YDoc[]
  removed: YDoc[]
  loaded: YDoc[]
}

function watch(doc: YDoc): Seen[] {
  const seen: Seen[] = []
  doc.on('subdocs', ({ added, removed, loaded }) => void seen.push({ added, removed, loaded }))
  return seen
}

function guids(seen: Seen[]): Array<[added: string[], removed: string[], loaded: string[]]> {
  const of = (docs: YDoc[]) => docs.map((doc) => doc.guid)
  return seen.splice(0).map(({ added, removed, loaded }) => [of(added), of(removed), of(loaded)])
}

test('a_document_is_a_value_of_maps_and_arrays', (t) => {
  const parent = new YDoc()
  const [a, b, c] = ['a', 'b', 'c'].map((guid) => new YDoc({ guid }))
  t.is(a.type, 9)
  t.true(a.prelim)
  t.is(a.parentDoc, null)
  const [map, array] = [parent.getMap('map'), parent.getArray('array')]
  map.set('a', a)
  array.insert(0, [1, b, new YMap({ c })])
  for (const child of [a, b, c]) {
    t.false(child.prelim)
    t.is(child.parentDoc, parent)
  }
  t.is(map.get('a'), a)
  t.is(map.entries().a, a)
  t.is(array.get(1), b)
  t.is(array.values()[1], b)
  t.is(array.get(2).get('c'), c)
  t.deepEqual(parent.getSubdocs(), [a, b, c])
  t.deepEqual(parent.getSubdocGuids(), new Set(['a', 'b', 'c']))
  t.deepEqual(a.getSubdocs(), [])
  t.deepEqual(map.toJson(), { a: { guid: 'a' } })
})

test('a_subdocument_is_edited_on_its_own', (t) => {
  const parent = new YDoc()
  const child = new YDoc()
  const updates: string[] = []
  parent.on('update', () => updates.push('parent'))
  child.on('update', () => updates.push('child'))
  parent.getMap('map').set('child', child)
  child.getText('text').insert(0, 'a😀b')
  t.is(child.getText('text').length(), 4)
  t.deepEqual(updates, ['parent', 'child'])
  const txn = parent.beginTransaction()
  const childTxn = child.beginTransaction()
  child.getText('text').push('c', undefined, childTxn)
  parent.getMap('map').set('other', 1, txn)
  parent.getMap('map').set('second', new YDoc(), txn)
  t.is(parent.getSubdocs(txn).length, 1, 'the list is that of the last commit')
  txn.commit()
  childTxn.commit()
  t.is(child.getText('text').toString(), 'a😀bc')
  t.is(parent.getSubdocs().length, 2)
})

test('events_tell_what_came_went_and_should_be_loaded', (t) => {
  const parent = new YDoc()
  const seen = watch(parent)
  const map = parent.getMap('map')
  const a = new YDoc({ guid: 'a' })
  parent.on('subdocs', (event, txn) => {
    t.true(event instanceof YSubdocsEvent)
    t.is(txn.origin, undefined)
    event.free()
  })
  map.set('a', a)
  t.is(seen[0].added[0], a)
  t.is(seen[0].loaded[0], a)
  t.deepEqual(guids(seen), [[['a'], [], ['a']]])
  a.load()
  t.deepEqual(guids(seen), [], 'it was loaded before')
  map.set('b', new YDoc({ guid: 'b', shouldLoad: false }))
  t.deepEqual(guids(seen), [[['b'], [], []]])
  map.get('b').load()
  map.get('b').load()
  t.true(map.get('b').shouldLoad)
  t.deepEqual(guids(seen), [[[], [], ['b']]])
  map.delete('a')
  t.deepEqual(seen[0].removed, [a])
  t.deepEqual(guids(seen), [[[], ['a'], []]])
  t.is(a.parentDoc, null)
  t.true(a.prelim)
  map.set('again', a)
  t.is(map.get('again'), a)
  t.deepEqual(guids(seen), [[['a'], [], ['a']]])
})

test('a_removed_subdocument_is_destroyed', (t) => {
  const parent = new YDoc()
  const array = parent.getArray('array')
  const children = ['a', 'b', 'c'].map((guid) => new YDoc({ guid }))
  array.insert(0, [...children, new YArray([new YDoc({ guid: 'nested' })])])
  const destroyed: YDoc[] = []
  for (const child of children) child.on('destroy', (doc) => void destroyed.push(doc))
  const seen = watch(parent)
  children[0].getText('text').insert(0, 'kept')
  array.delete(0, 4)
  t.deepEqual(guids(seen), [[[], ['a', 'b', 'c', 'nested'], []]])
  t.deepEqual(destroyed, children)
  t.deepEqual(parent.getSubdocs(), [])
  t.is(children[0].getText('text').toString(), 'kept', 'the content stays readable')
})

test('destroying_a_subdocument_leaves_a_new_one_in_its_place', (t) => {
  const parent = new YDoc()
  const map = parent.getMap('map')
  const child = new YDoc({ guid: 'child' })
  map.set('child', child)
  child.getText('text').insert(0, 'content')
  const seen = watch(parent)
  let destroyed = 0
  child.on('destroy', () => destroyed++)
  child.destroy()
  child.destroy()
  t.is(destroyed, 1)
  t.is(seen.length, 1)
  const [{ added, removed, loaded }] = seen
  t.deepEqual(removed, [child])
  t.deepEqual(loaded, [])
  t.is(added.length, 1)
  const fresh = map.get('child')
  t.is(fresh, added[0])
  t.not(fresh, child)
  t.is(fresh.guid, 'child')
  t.is(fresh.getText('text').toString(), '')
  t.false(fresh.shouldLoad)
  t.is(fresh.parentDoc, parent)
  t.is(child.parentDoc, null)
})

test('destroying_a_document_destroys_its_subdocuments', (t) => {
  const parent = new YDoc()
  const child = new YDoc({ guid: 'a\0b' })
  const grandchild = new YDoc()
  parent.getMap('map').set('child', child)
  child.getMap('map').set('grandchild', grandchild)
  const destroyed: YDoc[] = []
  for (const doc of [parent, child, grandchild]) doc.on('destroy', (it) => void destroyed.push(it))
  parent.destroy()
  t.deepEqual(destroyed, [grandchild, child, parent])
})

test('arrives_on_other_replicas_without_its_content', (t) => {
  const [doc, other] = [new YDoc({ clientID: 1 }), new YDoc({ clientID: 2 })]
  const seen = watch(other)
  const child = new YDoc({ guid: 'a' })
  child.getText('text').insert(0, 'a😀b')
  doc.getMap('map').set('a', child)
  doc.getMap('map').set('auto', new YDoc({ guid: 'auto', autoLoad: true }))
  applyUpdate(other, encodeStateAsUpdate(doc))
  t.deepEqual(guids(seen), [[['a', 'auto'], [], ['auto']]])
  const replica: YDoc = other.getMap('map').get('a')
  t.is(replica, other.getMap('map').get('a'), 'one guid, one object')
  t.not(replica, child)
  t.is(replica.parentDoc, other)
  t.false(replica.shouldLoad)
  t.false(replica.autoLoad)
  t.true(other.getMap('map').get('auto').shouldLoad)
  t.true(other.getMap('map').get('auto').autoLoad)
  replica.load()
  t.deepEqual(guids(seen), [[[], [], ['a']]])
  applyUpdate(replica, encodeStateAsUpdate(child))
  t.is(replica.getText('text').toString(), 'a😀b')
  t.is(replica.getText('text').length(), 4)
  doc.getMap('map').delete('a')
  applyUpdate(other, encodeStateAsUpdate(doc))
  t.deepEqual(guids(seen), [[[], ['a'], []]])
  t.is(replica.parentDoc, null)
})

test('goes_to_yjs_and_comes_from_yjs', (t) => {
  const doc = new YDoc({ clientID: 1 })
  doc.getMap('map').set('native', new YDoc({ guid: 'native' }))
  doc.getArray('array').insert(0, [new YDoc({ guid: 'auto', autoLoad: true, gc: false, collectionid: 'c' })])
  const ydoc = new Y.Doc()
  ydoc.getMap('map').set('yjs', new Y.Doc({ guid: 'yjs', autoLoad: true }))
  const yseen: string[][] = []
  ydoc.on('subdocs', ({ added, loaded }) => {
    yseen.push(
      [...added].map((it) => it.guid),
      [...loaded].map((it) => it.guid)
    )
  })
  Y.applyUpdate(ydoc, encodeStateAsUpdate(doc))
  t.deepEqual(
    yseen.map((it) => it.sort()),
    [['auto', 'native'], ['auto']]
  )
  const auto = ydoc.getArray<Y.Doc>('array').get(0)
  t.true(auto.autoLoad)
  t.false(auto.gc)
  t.false((ydoc.getMap('map').get('native') as Y.Doc).shouldLoad)
  const seen = watch(doc)
  applyUpdate(doc, Y.encodeStateAsUpdate(ydoc))
  t.deepEqual(guids(seen), [[['yjs'], [], ['yjs']]])
  const child: YDoc = doc.getMap('map').get('yjs')
  ;(ydoc.getMap('map').get('yjs') as Y.Doc).getText('text').insert(0, '😀é')
  applyUpdate(child, Y.encodeStateAsUpdate(ydoc.getMap('map').get('yjs') as Y.Doc))
  child.getText('text').insert(2, 'x')
  t.is(child.getText('text').toString(), '😀xé')
  t.deepEqual(Y.decodeStateVector(encodeStateVector(doc)), Y.decodeStateVector(Y.encodeStateVector(ydoc)))
  const back = new YDoc()
  applyUpdate(back, Y.encodeStateAsUpdate(ydoc))
  t.deepEqual(back.getSubdocGuids(), doc.getSubdocGuids())
})

test('is_inserted_only_once', (t) => {
  const parent = new YDoc()
  const map = parent.getMap('map')
  const child = new YDoc()
  throwsCode(t, () => parent.getArray('array').insert(0, [child, child]), 'ERR_INTEGRATED_TYPE')
  throwsCode(t, () => map.set('a', { child }), 'ERR_UNSUPPORTED_VALUE')
  map.set('a', child)
  throwsCode(t, () => map.set('b', child), 'ERR_INTEGRATED_TYPE')
  throwsCode(t, () => new YDoc().getMap('map').set('b', child), 'ERR_INTEGRATED_TYPE')
  throwsCode(t, () => child.load(new YDoc().beginTransaction()), 'ERR_WRONG_DOCUMENT')
  throwsCode(t, () => child.destroy(new YDoc().beginTransaction()), 'ERR_WRONG_DOCUMENT')
  t.deepEqual(Object.keys(map.entries()), ['a'])
})

test('a_guid_is_there_until_its_last_copy_goes', (t) => {
  const parent = new YDoc()
  const map = parent.getMap('map')
  const child = new YDoc({ guid: '__proto__' })
  map.set('a', child)
  const second = new YDoc({ guid: '__proto__' })
  map.set('b', second)
  t.is(map.get('a'), second)
  t.deepEqual(parent.getSubdocs(), [second])
  const seen = watch(parent)
  map.delete('a')
  t.is(map.get('b'), second)
  map.delete('b')
  t.deepEqual(
    guids(seen).filter(([, removed]) => removed.length > 0),
    [[[], ['__proto__'], []]]
  )
})

test('what_comes_and_goes_in_one_transaction_is_no_event', (t) => {
  const parent = new YDoc()
  const map = parent.getMap('map')
  const seen = watch(parent)
  const txn = parent.beginTransaction()
  map.set('a', new YDoc({ guid: 'a' }), txn)
  map.delete('a', txn)
  map.set('b', new YDoc({ guid: 'b' }), txn)
  txn.commit()
  t.deepEqual(guids(seen), [[['b'], [], ['b']]])
})

test('listeners_may_edit_parent_and_child', (t) => {
  const parent = new YDoc()
  const map = parent.getMap('map')
  parent.on('subdocs', ({ added }) => {
    for (const doc of added) {
      doc.getText('text').insert(0, 'from a listener')
      map.set(doc.guid, 'seen')
    }
  })
  const child = new YDoc({ guid: 'child' })
  map.set('value', child)
  t.is(child.getText('text').toString(), 'from a listener')
  t.is(map.get('child'), 'seen')
})

test('removing_is_undone', (t) => {
  const parent = new YDoc()
  const map = parent.getMap('map')
  map.set('a', new YDoc({ guid: 'a' }))
  const manager = new YUndoManager(parent, map, { captureTimeout: 0 })
  const seen = watch(parent)
  map.delete('a')
  manager.undo()
  t.deepEqual(
    guids(seen).map(([added, removed]) => [added, removed]),
    [
      [[], ['a']],
      [['a'], []]
    ]
  )
  t.is(map.get('a').guid, 'a')
  manager.redo()
  t.deepEqual(parent.getSubdocs(), [])
})

test('parents_and_children_are_collected_together', async (t) => {
  const alive = new Set<string>()
  const registry = new FinalizationRegistry<string>((name) => alive.delete(name))
  for (let index = 0; index < 100; index++) {
    const [parent, child] = [new YDoc(), new YDoc()]
    parent.getMap('map').set('child', child)
    child.on('update', () => parent.guid)
    parent.on('subdocs', () => child.guid)
    for (const [name, doc] of Object.entries({ parent, child })) {
      alive.add(name + index)
      registry.register(doc, name + index)
    }
  }
  for (let round = 0; round < 50 && alive.size > 2; round++) {
    await new Promise((done) => setImmediate(done))
    global.gc?.()
  }
  t.true(alive.size <= 2, `${alive.size} left`)
})

test('a_child_lives_as_long_as_its_parent', async (t) => {
  const parent = new YDoc()
  parent.getMap('map').set('child', new YDoc())
  parent.getMap('map').get('child').getText('text').insert(0, 'content')
  for (let round = 0; round < 5; round++) {
    await new Promise((done) => setImmediate(done))
    global.gc?.()
  }
  t.is(parent.getMap('map').get('child').getText('text').toString(), 'content')
})

test('replicas_agree_on_subdocuments_under_random_edits', (t) => {
  const random = new Random()
  t.log(`SEED=${random.seed}`)
  for (let run = 0; run < 15; run++) {
    const docs = [1, 2, 3].map((clientID) => new YDoc({ clientID }))
    const ydoc = new Y.Doc()
    const known = docs.map((doc) => {
      const present = new Set<YDoc>()
      doc.on('subdocs', ({ added, removed }) => {
        for (const it of removed) t.true(present.delete(it))
        for (const it of added) present.add(it)
      })
      return present
    })
    const send = (from: YDoc, to: YDoc) => applyUpdate(to, encodeStateAsUpdate(from, encodeStateVector(to)))
    for (let step = 0; step < 60; step++) {
      const doc = random.pick(docs)
      const [array, map] = [doc.getArray('array'), doc.getMap('map')]
      const length = array.length()
      const fresh = () => new YDoc({ guid: `${run}/${step}/${random.below(1e9)}` })
      switch (random.below(6)) {
        case 0:
          if (length > 0) array.delete(random.below(length), 1)
          break
        case 1:
          map.set(random.pick(['a', 'b']), random.chance(70) ? fresh() : 1)
          break
        case 2:
          map.delete(random.pick(['a', 'b']))
          break
        case 3:
          send(doc, random.pick(docs))
          break
        case 4:
          array.insert(random.below(length + 1), [new YMap({ child: fresh() })])
          break
        default:
          array.insert(random.below(length + 1), [fresh(), fresh()])
      }
      for (const it of doc.getSubdocs()) it.getText('text').insert(0, '😀')
    }
    for (const from of docs) for (const to of docs) send(from, to)
    for (const from of docs) for (const to of docs) send(from, to)
    Y.applyUpdate(ydoc, encodeStateAsUpdate(docs[0]))
    const expected = [...ydoc.getSubdocGuids()].sort()
    for (const [index, doc] of docs.entries()) {
      t.deepEqual([...doc.getSubdocGuids()].sort(), expected, `run ${run}, document ${index}`)
      t.deepEqual(new Set(doc.getSubdocs()), known[index], `run ${run}, events of document ${index}`)
      t.true(doc.getSubdocs().every((it) => it.parentDoc === doc))
    }
  }
})
