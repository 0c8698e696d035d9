import test from 'ava'

import {
  applyUpdate,
  encodeStateAsUpdate,
  YDoc,
  YMap,
  YXmlElement,
  YXmlEvent,
  YXmlFragment,
  YXmlText,
  YXmlTextEvent,
  type YEvent
} from '../index.js'

/** Every event in plain form, nodes as XML. */
function plain(event: YEvent) {
  const node = (it: unknown) => (typeof it === 'object' && it !== null && 'id' in it ? String(it) : it)
  const delta = (event as YXmlEvent).delta.map((step) =>
    'insert' in step ? { insert: Array.isArray(step.insert) ? step.insert.map(node) : node(step.insert) } : step
  )
  return { delta, keys: (event as YXmlEvent).keys, path: event.path(), origin: event.origin }
}

test('an_element_tells_of_its_children', (t) => {
  const doc = new YDoc()
  const element = new YXmlElement('p')
  doc.getXmlFragment('page').push(element)
  const events: ReturnType<typeof plain>[] = []
  const listener = (event: YXmlEvent) => {
    t.true(event instanceof YXmlEvent)
    t.true(event.target instanceof YXmlElement)
    t.deepEqual((event.target as YXmlElement).id, element.id)
    events.push(plain(event))
    event.free()
  }
  element.observe(listener)
  const txn = doc.beginTransaction('me')
  element.push(new YXmlElement('a'), txn)
  element.push(new YXmlText('b'), txn)
  txn.commit()
  element.delete(0)
  element.push(new YXmlElement('c', { k: 1 }))
  t.true(element.unobserve(listener))
  t.false(element.unobserve(listener))
  element.delete(0)
  t.deepEqual(events, [
    { delta: [{ insert: ['<a></a>', 'b'] }], keys: {}, path: [], origin: 'me' },
    { delta: [{ delete: 1 }], keys: {}, path: [], origin: undefined },
    { delta: [{ retain: 1 }, { insert: ['<c k="1"></c>'] }], keys: {}, path: [], origin: undefined }
  ])
})

test('an_element_tells_of_its_attributes', (t) => {
  const doc = new YDoc()
  const element = new YXmlElement('p')
  doc.getXmlFragment('page').push(element)
  const keys: unknown[] = []
  element.observe((event) => {
    keys.push(event.keys)
    t.deepEqual(event.delta, [])
  })
  const txn = doc.beginTransaction()
  element.setAttribute('a', 'one', txn)
  element.setAttribute('b', [1], txn)
  txn.commit()
  element.setAttribute('a', 2)
  element.removeAttribute('b')
  element.setAttribute('map', new YMap())
  t.deepEqual(keys.slice(0, 3), [
    { a: { action: 'add', newValue: 'one' }, b: { action: 'add', newValue: [1] } },
    { a: { action: 'update', oldValue: 'one', newValue: 2 } },
    { b: { action: 'delete', oldValue: [1] } }
  ])
  t.true((keys[3] as { map: { newValue: unknown } }).map.newValue instanceof YMap)
})

test('a_fragment_tells_of_its_children', (t) => {
  const root = new YDoc().getXmlFragment('page')
  const events: unknown[] = []
  root.observe((event, txn) => {
    t.true(event.target instanceof YXmlFragment)
    t.is(event.target.toString(txn), root.toString(txn))
    events.push(plain(event))
  })
  root.push(new YXmlText('a'))
  root.insert(0, new YXmlElement('b'))
  t.deepEqual(events, [
    { delta: [{ insert: ['a'] }], keys: {}, path: [], origin: undefined },
    { delta: [{ insert: ['<b></b>'] }], keys: {}, path: [], origin: undefined }
  ])
})

test('a_text_tells_of_its_text_and_its_attributes', (t) => {
  const doc = new YDoc()
  const text = new YXmlText()
  doc.getXmlFragment('page').push(text)
  const events: { delta: unknown; keys: unknown }[] = []
  const listener = (event: YXmlTextEvent) => {
    t.true(event instanceof YXmlTextEvent)
    t.true(event.target instanceof YXmlText)
    t.deepEqual(event.target.id, text.id)
    t.deepEqual(event.path(), [])
    events.push({ delta: event.delta, keys: event.keys })
    event.free()
  }
  text.observe(listener)
  text.setAttribute('k', 'v')
  text.insert(0, 'abcd')
  text.delete(1, 2)
  text.insert(1, 'e', { bold: true })
  text.insertEmbed(0, { image: 'x' })
  const txn = doc.beginTransaction('both')
  text.push('!', {}, txn)
  text.removeAttribute('k', txn)
  txn.commit()
  t.true(text.unobserve(listener))
  text.push('unheard')
  t.deepEqual(events, [
    { delta: [], keys: { k: { action: 'add', newValue: 'v' } } },
    { delta: [{ insert: 'abcd' }], keys: {} },
    { delta: [{ retain: 1 }, { delete: 2 }], keys: {} },
    { delta: [{ retain: 1 }, { insert: 'e', attributes: { bold: true } }], keys: {} },
    { delta: [{ insert: { image: 'x' } }], keys: {} },
    { delta: [{ retain: 4 }, { insert: '!' }], keys: { k: { action: 'delete', oldValue: 'v' } } }
  ])
})

test('deep_observers_hear_of_everything_below_with_its_path', (t) => {
  const doc = new YDoc()
  const root = doc.getXmlFragment('page')
  const paragraph = new YXmlElement('p', {}, [new YXmlElement('br'), new YXmlText('x')])
  root.push(new YXmlElement('first'))
  root.push(paragraph)
  const heard: [string, unknown][] = []
  const listener = (events: YEvent[]) => {
    for (const event of events) heard.push([event.constructor.name, event.path()])
  }
  root.observeDeep(listener)
  ;(paragraph.treeWalker()[1] as YXmlText).insert(0, 'y')
  paragraph.setAttribute('a', 1)
  root.delete(0)
  paragraph.push(new YXmlElement('q'))
  const txn = doc.beginTransaction()
  root.push(new YXmlText('t'), txn)
  ;(paragraph.treeWalker()[1] as YXmlText).insert(0, 'z', null, txn)
  txn.commit()
  t.true(root.unobserveDeep(listener))
  root.push(new YXmlText('unheard'))
  t.deepEqual(heard, [
    ['YXmlTextEvent', [1, 1]],
    ['YXmlEvent', [1]],
    ['YXmlEvent', []],
    ['YXmlEvent', [0]],
    ['YXmlEvent', []],
    ['YXmlTextEvent', [0, 1]]
  ])
})

test('deep_observers_of_elements_and_texts_see_paths_from_themselves', (t) => {
  const root = new YDoc().getXmlFragment('page')
  const element = new YXmlElement('p', {}, [new YXmlText('x')])
  root.push(element)
  const text = element.firstChild() as YXmlText
  text.insertEmbed(0, new YMap())
  const paths: unknown[] = []
  const listener = (events: YEvent[]) => paths.push(...events.map((it) => it.path()))
  element.observeDeep(listener)
  text.observeDeep(listener)
  text.push('y')
  ;(text.toDelta()[0].insert as YMap).set('k', 1)
  t.true(text.unobserveDeep(listener))
  t.true(element.unobserveDeep(listener))
  t.deepEqual(paths.map(String).sort(), ['', '0', '0', '0,0'].sort())
})

test('xml_inside_of_maps_and_arrays_is_heard_of_from_outside', (t) => {
  const doc = new YDoc()
  const map = doc.getMap('map')
  const heard: unknown[] = []
  map.observeDeep((events) => {
    for (const event of events) heard.push([event.constructor.name, event.target.constructor.name, event.path()])
  })
  map.observe((event) => {
    for (const change of Object.values(event.keys)) {
      if (change.action !== 'delete') heard.push(change.newValue.constructor.name)
    }
  })
  map.set('node', new YXmlElement('p'))
  map.get('node').push(new YXmlText('x'))
  map.get('node').firstChild().insert(0, 'y')
  t.deepEqual(heard, [
    'YXmlElement',
    ['YMapEvent', 'YMap', []],
    ['YXmlEvent', 'YXmlElement', ['node']],
    ['YXmlTextEvent', 'YXmlText', ['node', 0]]
  ])
})

test('remote_changes_are_heard_of_with_the_origin_of_the_update', (t) => {
  const [a, b] = [new YDoc(), new YDoc()]
  const heard: unknown[] = []
  b.getXmlFragment('page').observe((event) => heard.push(plain(event)))
  a.getXmlFragment('page').push(new YXmlElement('p', { k: 1 }, [new YXmlText('x')]))
  applyUpdate(b, encodeStateAsUpdate(a), 'remote')
  t.deepEqual(heard, [{ delta: [{ insert: ['<p k="1">x</p>'] }], keys: {}, path: [], origin: 'remote' }])
})

test('a_listener_may_edit_the_tree_and_its_edit_is_heard_of_behind', (t) => {
  const root = new YDoc().getXmlFragment('page')
  const lengths: number[] = []
  root.observe((event) => {
    lengths.push(event.target.length())
    if (root.length() < 3) root.push(new YXmlElement('more'))
  })
  root.push(new YXmlElement('first'))
  t.is(root.length(), 3)
  t.is(lengths.length, 3)
})
