import test from 'ava'

import { applyUpdate, encodeStateAsUpdate, YArray, YDoc, YMap, YText, type YEvent } from '../index.js'
import { throwsCode } from './helpers/errors.ts'

test('a_text_event_tells_what_changed', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  text.insert(0, '😀bcd')
  const deltas: unknown[] = []
  text.observe((event) => {
    deltas.push(event.delta)
    t.is(event.target.toString(), text.toString())
    t.deepEqual(event.path(), [])
  })
  text.insert(2, 'x', { bold: true })
  text.delete(0, 2)
  text.format(1, 2, { bold: true })
  text.format(0, 1, { bold: null })
  text.insertEmbed(1, { image: 1 }, {})
  t.deepEqual(deltas, [
    [{ retain: 2 }, { insert: 'x', attributes: { bold: true } }],
    [{ delete: 2 }],
    [{ retain: 1 }, { retain: 2, attributes: { bold: true } }],
    [{ retain: 1, attributes: { bold: null } }],
    [{ retain: 1 }, { insert: { image: 1 } }]
  ])
})

test('an_array_event_tells_what_changed', (t) => {
  const array = new YDoc().getArray('array')
  array.push([1, 2, 3])
  const deltas: any[] = []
  array.observe((event) => deltas.push(event.delta))
  array.insert(1, ['a', 'b'])
  array.delete(0)
  array.push([new YText('text')])
  t.deepEqual(deltas.slice(0, 2), [[{ retain: 1 }, { insert: ['a', 'b'] }], [{ delete: 1 }]])
  t.deepEqual(deltas[2][0], { retain: 4 })
  t.true(deltas[2][1].insert[0] instanceof YText)
  t.is(deltas[2][1].insert[0].toString(), 'text')
})

test('a_map_event_tells_what_changed', (t) => {
  const doc = new YDoc()
  const map = doc.getMap('map')
  map.set('kept', 0)
  map.set('old', 1)
  const keys: unknown[] = []
  map.observe((event) => keys.push(event.keys))
  const txn = doc.beginTransaction()
  map.set('new', 2, txn)
  map.set('old', 3, txn)
  map.delete('kept', txn)
  txn.commit()
  t.deepEqual(keys, [
    {
      new: { action: 'add', newValue: 2 },
      old: { action: 'update', oldValue: 1, newValue: 3 },
      kept: { action: 'delete', oldValue: 0 }
    }
  ])
})

test('deep_observers_see_changes_below_with_their_paths', (t) => {
  const doc = new YDoc()
  const map = doc.getMap('map')
  const text = new YText('')
  map.set('list', new YArray([0, new YMap({ text })]))
  const seen: [string, (string | number)[], unknown][] = []
  map.observeDeep((events) => {
    for (const event of events as YEvent[]) {
      seen.push([event.constructor.name, event.path(), 'keys' in event ? event.keys : event.delta])
    }
  })
  text.insert(0, 'a')
  map.get('list').push([1])
  map.get('list').get(1).set('key', 2)
  map.set('key', 3)
  t.deepEqual(seen, [
    ['YTextEvent', ['list', 1, 'text'], [{ insert: 'a' }]],
    ['YArrayEvent', ['list'], [{ retain: 2 }, { insert: [1] }]],
    ['YMapEvent', ['list', 1], { key: { action: 'add', newValue: 2 } }],
    ['YMapEvent', [], { key: { action: 'add', newValue: 3 } }]
  ])
})

test('a_listener_is_called_once_however_often_it_was_added', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  let calls = 0
  const listener = () => calls++
  text.observe(listener)
  text.observe(listener)
  doc.getText('text').observe(listener)
  text.insert(0, 'a')
  t.is(calls, 1)
  t.true(doc.getText('text').unobserve(listener), 'any object of the text will do')
  t.false(text.unobserve(listener))
  text.insert(0, 'a')
  t.is(calls, 1)
})

test('direct_and_deep_observers_are_lists_of_their_own', (t) => {
  const text = new YDoc().getText('text')
  const calls: string[] = []
  const listener = (event: unknown) => calls.push(Array.isArray(event) ? 'deep' : 'direct')
  text.observe(listener)
  text.observeDeep(listener)
  text.insert(0, 'a')
  t.deepEqual(calls, ['direct', 'deep'])
  t.false(text.unobserveDeep(() => {}))
  t.true(text.unobserveDeep(listener))
  text.insert(0, 'a')
  t.deepEqual(calls, ['direct', 'deep', 'direct'])
})

test('events_come_in_the_order_of_yjs', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  const calls: string[] = []
  doc.on('updateV2', () => calls.push('updateV2'))
  doc.on('update', () => calls.push('update'))
  doc.on('afterTransaction', () => calls.push('afterTransaction'))
  text.observeDeep(() => calls.push('deep'))
  text.observe(() => calls.push('first'))
  text.observe(() => calls.push('second'))
  text.insert(0, 'a')
  t.deepEqual(calls, ['first', 'second', 'deep', 'afterTransaction', 'update', 'updateV2'])
})

test('document_listeners_are_removed_and_deduplicated', (t) => {
  const doc = new YDoc()
  let calls = 0
  const listener = () => calls++
  doc.on('update', listener)
  doc.on('update', listener)
  doc.on('afterTransaction', listener)
  doc.getText('text').insert(0, 'a')
  t.is(calls, 2 + 1, 'making the root is a transaction, too')
  t.true(doc.off('update', listener))
  t.false(doc.off('update', listener))
  t.true(doc.off('afterTransaction', listener))
  doc.getText('text').insert(0, 'a')
  t.is(calls, 3)
})

test('a_listener_that_throws_on_a_local_edit_throws_to_the_caller_and_the_others_run', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  const calls: string[] = []
  const [first, second] = [new Error('first'), { not: 'an error' }]
  text.observe(() => {
    throw first
  })
  text.observe(() => calls.push('observer'))
  doc.on('update', () => {
    throw second
  })
  doc.on('update', () => calls.push('update'))
  const caught = (edit: () => void) => {
    try {
      edit()
    } catch (error) {
      return error
    }
    return undefined
  }
  t.is(
    caught(() => text.insert(0, 'a')),
    first
  )
  t.deepEqual(calls, ['observer', 'update'])
  const txn = doc.beginTransaction()
  text.insert(0, 'b', undefined, txn)
  t.is(
    caught(() => txn.commit()),
    first
  )
  t.is(
    caught(() => applyUpdate(doc, encodeStateAsUpdate(new YDoc()))),
    undefined,
    'nothing happened'
  )
  t.is(
    caught(() => doc.getArray('other').push([1])),
    second,
    'whatever was thrown'
  )
  t.is(text.toString(), 'ba', 'the edits count')
  doc.beginTransaction().commit()
})

test('types_are_part_of_the_document_when_listeners_hear_of_them_even_if_one_throws', (t) => {
  const doc = new YDoc()
  const array = doc.getArray('array')
  const [text, map] = [new YText('text'), new YMap({ key: new YArray([1]) })]
  const seen: boolean[] = []
  array.observe(() => {
    seen.push(text.prelim, map.prelim)
    throw new Error('listener')
  })
  t.throws(() => array.push([text, map]), { message: 'listener' })
  t.deepEqual(seen, [false, false])
  t.is(text.doc, doc)
  t.is(map.doc, doc)
  t.throws(() => doc.getMap('map').set('ok', 1) ?? array.delete(0), { message: 'listener' })
  t.false(text.alive())
})

test('edits_in_a_listener_queue_their_events_behind', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  const calls: string[] = []
  let depth = 0
  const entered = (label: string, work: () => void = () => {}) => {
    t.is(depth++, 0, 'never inside of another listener')
    calls.push(label)
    work()
    depth--
  }
  text.observe(() =>
    entered(`first ${text.toString()}`, () => {
      if (text.length() < 3) text.push('x')
    })
  )
  text.observe(() => entered(`second ${text.toString()}`))
  doc.on('update', () => entered('update'))
  text.insert(0, 'a')
  t.deepEqual(calls, [
    'first a',
    'second ax',
    'update',
    'first ax',
    'second axx',
    'update',
    'first axx',
    'second axx',
    'update'
  ])
})

test('what_a_listener_of_a_nested_edit_throws_reaches_the_outer_caller', (t) => {
  const doc = new YDoc()
  const [text, map] = [doc.getText('text'), doc.getMap('map')]
  let inner: unknown = 'nothing'
  text.observe(() => {
    try {
      map.set('key', 1)
    } catch (error) {
      inner = error
    }
  })
  map.observe(() => {
    throw new Error('nested')
  })
  t.throws(() => text.insert(0, 'a'), { message: 'nested' })
  t.is(inner, 'nothing')
})

test('a_dispatch_goes_through_the_listeners_it_began_with', (t) => {
  const text = new YDoc().getText('text')
  const calls: string[] = []
  const late = () => calls.push('late')
  const second = () => calls.push('second')
  const first = () => {
    calls.push('first')
    text.observe(late)
    text.unobserve(second)
    text.unobserve(first)
  }
  text.observe(first)
  text.observe(second)
  text.insert(0, 'a')
  t.deepEqual(calls, ['first', 'second'])
  text.insert(0, 'b')
  t.deepEqual(calls, ['first', 'second', 'late'])
})

test('the_transaction_of_a_listener_is_a_closed_view', (t) => {
  const doc = new YDoc()
  const [text, map] = [doc.getText('text'), doc.getMap('map')]
  const views = new Set<unknown>()
  let calls = 0
  const check = (txn: Parameters<Parameters<YText['observe']>[0]>[1]) => {
    calls++
    views.add(txn)
    t.is(text.toString(txn), 'a')
    throwsCode(t, () => text.insert(0, 'x', undefined, txn), 'ERR_TRANSACTION_CLOSED')
    throwsCode(t, () => map.set('key', 1, txn), 'ERR_TRANSACTION_CLOSED')
    throwsCode(t, () => txn.applyV1(encodeStateAsUpdate(doc)), 'ERR_TRANSACTION_CLOSED')
    txn.commit()
  }
  text.observe((_, txn) => check(txn))
  text.observeDeep((_, txn) => check(txn))
  doc.on('afterTransaction', check)
  doc.on('update', (update, txn) => {
    check(txn)
    t.deepEqual(txn.encodeUpdate(), update)
  })
  text.insert(0, 'a')
  t.is(calls, 4)
  t.is(views.size, 1, 'all get the same')
  t.is(text.toString(), 'a')
})

test('events_stay_what_they_were_after_the_listener', (t) => {
  const array = new YDoc().getArray('array')
  let kept: any
  array.observe((event) => (kept ??= event))
  array.push([1])
  array.insert(0, [2, 3])
  t.deepEqual(kept.delta, [{ insert: [1] }])
  t.deepEqual(kept.target.toJson(), [2, 3, 1])
  kept.free()
})

test('a_transaction_opened_in_a_listener_works', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  text.observe(() => {
    if (text.length() > 2) return
    const txn = doc.beginTransaction('listener')
    text.push('b', undefined, txn)
    text.push('c', undefined, txn)
    txn.commit()
  })
  const origins: unknown[] = []
  doc.on('update', (_, txn) => origins.push(txn.origin))
  text.insert(0, 'a')
  t.is(text.toString(), 'abc')
  t.deepEqual(origins, [undefined, 'listener'])
})

test('observers_of_a_remote_type_work_and_survive_its_deletion', (t) => {
  const [doc, remote] = [new YDoc(), new YDoc()]
  remote.getMap('map').set('text', new YText('a'))
  applyUpdate(doc, encodeStateAsUpdate(remote))
  const text: YText = doc.getMap('map').get('text')
  const deltas: unknown[] = []
  const listener = (event: any) => deltas.push(event.delta)
  text.observe(listener)
  remote.getMap('map').get('text').push('b')
  applyUpdate(doc, encodeStateAsUpdate(remote))
  t.deepEqual(deltas, [[{ retain: 1 }, { insert: 'b' }]])
  remote.getMap('map').delete('text')
  applyUpdate(doc, encodeStateAsUpdate(remote))
  t.false(text.alive())
  t.true(text.unobserve(listener))
})

test('destroy_calls_its_listeners_and_forgets_all', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  const calls: unknown[] = []
  doc.on('destroy', (it) => calls.push(it))
  doc.on('update', () => calls.push('update'))
  text.observe(() => calls.push('observer'))
  doc.destroy()
  doc.destroy()
  t.deepEqual(calls, [doc])
  text.insert(0, 'a')
  t.is(text.toString(), 'a', 'the content stays')
  t.deepEqual(calls, [doc])
  text.observe(() => calls.push('new'))
  text.insert(0, 'b')
  t.deepEqual(calls, [doc, 'new'])
})

test('listeners_that_are_no_functions_and_unknown_events_are_refused', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  for (const callback of [undefined, null, 5, 'x', {}] as any[]) {
    throwsCode(t, () => doc.on('update', callback), 'ERR_INVALID_ARGUMENT', String(callback))
    throwsCode(t, () => text.observe(callback), 'ERR_INVALID_ARGUMENT', String(callback))
    throwsCode(t, () => text.observeDeep(callback), 'ERR_INVALID_ARGUMENT', String(callback))
    t.false(text.unobserve(callback), String(callback))
  }
  throwsCode(t, () => doc.on('nonsense' as any, () => {}), 'ERR_INVALID_ARGUMENT')
  throwsCode(t, () => doc.off('nonsense' as any, () => {}), 'ERR_INVALID_ARGUMENT')
  text.insert(0, 'a')
  t.is(text.toString(), 'a')
})
