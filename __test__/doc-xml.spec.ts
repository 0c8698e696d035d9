import test from 'ava'

import {
  applyUpdate,
  encodeStateAsUpdate,
  YArray,
  YDoc,
  YMap,
  YText,
  YUndoManager,
  YXmlElement,
  YXmlFragment,
  YXmlText
} from '../index.js'
import { throwsCode } from './helpers/errors.ts'

/** A fragment with `<p>` and, behind it, a text. */
function page() {
  const doc = new YDoc()
  const root = doc.getXmlFragment('page')
  const paragraph = new YXmlElement('p')
  const text = new YXmlText('world')
  root.push(paragraph)
  root.push(text)
  paragraph.push(new YXmlText('hello'))
  return { doc, root, paragraph, text }
}

test('a_root_fragment_holds_elements_and_texts', (t) => {
  const { doc, root, paragraph, text } = page()
  t.true(root instanceof YXmlFragment)
  t.is(root.length(), 2)
  t.is(paragraph.length(), 1)
  t.is(root.toString(), '<p>hello</p>world')
  root.insert(1, new YXmlElement('hr'))
  root.insert(0, new YXmlElement('h1', null, [new YXmlText('title')]))
  t.is(root.toString(), '<h1>title</h1><p>hello</p><hr></hr>world')
  root.delete(1, 2)
  t.is(root.toString(), '<h1>title</h1>world')
  root.delete(0)
  t.is(root.toString(), 'world')
  t.false(paragraph.alive())
  t.true(text.alive())
  t.is(doc.getXmlFragment('page').toString(), 'world')
})

test('types_have_the_numbers_of_yjs', (t) => {
  t.is(new YXmlElement('p').type, 3)
  t.is(new YXmlFragment().type, 4)
  t.is(new YXmlText().type, 6)
})

test('integrated_nodes_know_their_id_and_document', (t) => {
  const { doc, root, paragraph, text } = page()
  t.deepEqual(root.id, { type: 'page' })
  t.deepEqual(paragraph.id, { client: doc.id, clock: 0 })
  for (const node of [root, paragraph, text]) {
    t.false(node.prelim)
    t.true(node.alive())
    t.is(node.doc, doc)
    node.free()
    node.free()
    t.true(node.alive())
  }
})

test('an_element_has_a_name_of_any_characters', (t) => {
  const root = new YDoc().getXmlFragment('page')
  for (const name of ['p', 'UPPER', 'ns:name', '😀', '']) {
    const element = new YXmlElement(name)
    t.is(element.name(), name)
    root.push(element)
    t.is(element.name(), name)
    t.is(element.toString(), `<${name}></${name}>`)
  }
})

test('siblings_parents_and_children_are_found', (t) => {
  const { root, paragraph, text } = page()
  t.is(root.firstChild()?.toString(), '<p>hello</p>')
  t.true(root.firstChild() instanceof YXmlElement)
  t.true(paragraph.firstChild() instanceof YXmlText)
  t.is(paragraph.prevSibling(), undefined)
  t.true(paragraph.nextSibling() instanceof YXmlText)
  t.deepEqual((paragraph.nextSibling() as YXmlText).id, text.id)
  t.deepEqual((text.prevSibling() as YXmlElement).id, paragraph.id)
  t.is(text.nextSibling(), undefined)
  t.deepEqual(paragraph.parent()?.id, root.id)
  t.true(paragraph.parent() instanceof YXmlFragment)
  const inner = paragraph.firstChild() as YXmlText
  t.true(inner.parent() instanceof YXmlElement)
  t.deepEqual(inner.parent()?.id, paragraph.id)
  t.is(inner.nextSibling(), undefined)
  t.is(new YDoc().getXmlFragment('empty').firstChild(), undefined)
})

test('deleted_neighbours_are_passed_over', (t) => {
  const root = new YDoc().getXmlFragment('page')
  const nodes = ['a', 'b', 'c', 'd'].map((name) => new YXmlElement(name))
  for (const node of nodes) root.push(node)
  root.delete(1, 2)
  t.is((nodes[0].nextSibling() as YXmlElement).name(), 'd')
  t.is((nodes[3].prevSibling() as YXmlElement).name(), 'a')
  root.delete(0)
  t.is((root.firstChild() as YXmlElement).name(), 'd')
  t.is(nodes[3].prevSibling(), undefined)
})

test('a_node_inside_of_a_map_or_array_has_neither_parent_nor_siblings', (t) => {
  const doc = new YDoc()
  const [inMap, inArray, fragment] = [new YXmlElement('p'), new YXmlText('t'), new YXmlFragment([new YXmlElement('q')])]
  doc.getMap('map').set('node', inMap)
  doc.getMap('map').set('fragment', fragment)
  doc.getArray('array').push([inArray])
  t.is(inMap.parent(), undefined)
  t.is(inMap.nextSibling(), undefined)
  t.is(inMap.prevSibling(), undefined)
  t.is(inArray.parent(), undefined)
  t.true(doc.getMap('map').get('node') instanceof YXmlElement)
  t.true(doc.getMap('map').get('fragment') instanceof YXmlFragment)
  t.true(doc.getArray('array').get(0) instanceof YXmlText)
  t.deepEqual(doc.getMap('map').toJson(), { node: '<p></p>', fragment: '<q></q>' })
  t.deepEqual(doc.getArray('array').toJson(), ['t'])
})

test('the_tree_walker_goes_depth_first', (t) => {
  const { root, paragraph } = page()
  t.deepEqual(root.treeWalker().map(String), ['<p>hello</p>', 'hello', 'world'])
  t.deepEqual(paragraph.treeWalker().map(String), ['hello'])
  root.delete(0)
  t.deepEqual(root.treeWalker().map(String), ['world'])
  t.deepEqual(new YDoc().getXmlFragment('empty').treeWalker(), [])
})

test('attributes_hold_values_of_any_kind', (t) => {
  const doc = new YDoc()
  const [element, text] = [new YXmlElement('p'), new YXmlText('t')]
  doc.getXmlFragment('page').push(element)
  doc.getXmlFragment('page').push(text)
  const values: [string, unknown][] = [
    ['string', 'a "b" <c>'],
    ['empty', ''],
    ['number', 1.5],
    ['negative', -3],
    ['bool', false],
    ['null', null],
    ['bigint', 2n ** 60n + 1n],
    ['bytes', new Uint8Array([1, 2, 3])],
    ['array', [1, 'two', [null]]],
    ['object', { a: { b: 1 } }],
    ['__proto__', 'own']
  ]
  for (const node of [element, text]) {
    for (const [name, value] of values) {
      node.setAttribute(name, value as never)
      t.deepEqual(node.getAttribute(name), value, name)
    }
    node.setAttribute('number', 2)
    t.is(node.getAttribute('number'), 2)
    t.is(node.getAttribute('never there'), undefined)
    t.is(Object.keys(node.attributes()).length, values.length)
    t.deepEqual(node.attributes().object, { a: { b: 1 } })
    node.removeAttribute('object')
    node.removeAttribute('never there')
    t.is(node.getAttribute('object'), undefined)
    t.false('object' in node.attributes())
  }
  const replica = new YDoc()
  applyUpdate(replica, encodeStateAsUpdate(doc))
  const [there] = replica.getXmlFragment('page').treeWalker() as [YXmlElement]
  t.deepEqual(there.attributes(), element.attributes())
  t.is(there.toString(), element.toString())
})

test('an_attribute_may_be_a_shared_type', (t) => {
  const element = new YXmlElement('p', { map: new YMap({ a: 1 }) })
  new YDoc().getXmlFragment('page').push(element)
  element.setAttribute('array', new YArray([1]))
  t.true(element.getAttribute('map') instanceof YMap)
  element.getAttribute('map').set('b', 2)
  t.deepEqual(element.getAttribute('map').toJson(), { a: 1, b: 2 })
  t.deepEqual(element.attributes().array.toJson(), [1])
  t.is(element.toString(), '<p array="[1]" map="{a: 1, b: 2}"></p>')
})

test('to_string_puts_attributes_and_formats_in_order_and_escapes_nothing', (t) => {
  const element = new YXmlElement('p', { c: 3, a: '<&">', b: { y: 1, x: [true, null] } }, [new YXmlText('a<b')])
  const expected = '<p a="<&">" b="{x: [true, null], y: 1}" c="3">a<b</p>'
  t.is(element.toString(), expected)
  new YDoc().getXmlFragment('page').push(element)
  t.is(element.toString(), expected)
  const text = element.firstChild() as YXmlText
  text.format(0, 2, { strong: true, a: { href: 'u', class: 'c' } })
  t.is(text.toString(), '<a class="c" href="u"><strong>a<</strong></a>b')
})

test('a_very_deep_tree_is_written_and_walked_without_running_out_of_stack', (t) => {
  const root = new YDoc().getXmlFragment('page')
  const depth = 3000
  let parent: YXmlFragment | YXmlElement = root
  for (let level = 0; level < depth; level++) {
    const child: YXmlElement = new YXmlElement('d')
    parent.push(child)
    parent = child
  }
  t.is(root.toString(), '<d>'.repeat(depth) + '</d>'.repeat(depth))
  t.is(root.treeWalker().length, depth)
})

test('a_preliminary_element_is_edited_in_memory_and_inserted_once', (t) => {
  const element = new YXmlElement('p', { a: 1, b: 2 }, [new YXmlText('one')])
  t.true(element.prelim)
  t.false(element.alive())
  t.is(element.doc as YDoc | undefined, undefined)
  throwsCode(t, () => element.id, 'ERR_PRELIMINARY_TYPE')
  for (const [label, call] of [
    ['treeWalker', () => element.treeWalker()],
    ['nextSibling', () => element.nextSibling()],
    ['prevSibling', () => element.prevSibling()],
    ['parent', () => element.parent()],
    ['observe', () => element.observe(() => {})],
    ['observeDeep', () => element.observeDeep(() => {})],
    ['unobserve', () => element.unobserve(() => {})],
    ['unobserveDeep', () => element.unobserveDeep(() => {})]
  ] as const) {
    throwsCode(t, call, 'ERR_PRELIMINARY_TYPE', label)
  }
  element.setAttribute('c', [3])
  element.setAttribute('a', 4)
  element.removeAttribute('b')
  element.push(new YXmlElement('q'))
  element.insert(1, new YXmlText('two'))
  t.is(element.length(), 3)
  element.delete(2)
  t.is(element.getAttribute('a'), 4)
  t.is(element.getAttribute('b'), undefined)
  t.deepEqual(element.attributes(), { a: 4, c: [3] })
  t.is(element.firstChild()?.toString(), 'one')
  t.is(new YXmlElement('p').firstChild(), undefined)
  t.is(element.toString(), '<p a="4" c="[3]">onetwo</p>')
  const doc = new YDoc()
  const first = element.firstChild() as YXmlText
  doc.getXmlFragment('page').push(element)
  t.false(element.prelim)
  t.false(first.prelim)
  t.deepEqual((element.firstChild() as YXmlText).id, first.id)
  t.is(doc.getXmlFragment('page').toString(), '<p a="4" c="[3]">onetwo</p>')
  throwsCode(t, () => doc.getXmlFragment('page').push(element), 'ERR_INTEGRATED_TYPE')
  throwsCode(t, () => new YXmlElement('q').push(element), 'ERR_INTEGRATED_TYPE')
})

test('a_preliminary_fragment_is_edited_in_memory_and_inserted_once', (t) => {
  const fragment = new YXmlFragment([new YXmlElement('a')])
  t.true(fragment.prelim)
  fragment.push(new YXmlElement('c'))
  fragment.insert(1, new YXmlText('b'))
  fragment.delete(0, 1)
  t.is(fragment.length(), 2)
  t.is(fragment.toString(), 'b<c></c>')
  t.is(fragment.firstChild()?.toString(), 'b')
  throwsCode(t, () => fragment.treeWalker(), 'ERR_PRELIMINARY_TYPE')
  throwsCode(t, () => fragment.insert(3, new YXmlText()), 'ERR_OUT_OF_RANGE')
  throwsCode(t, () => fragment.delete(1, 2), 'ERR_OUT_OF_RANGE')
  const doc = new YDoc()
  doc.getMap('map').set('page', fragment)
  t.is(doc.getMap('map').get('page').toString(), 'b<c></c>')
  t.is(fragment.length(), 2)
  throwsCode(t, () => doc.getArray('array').push([fragment]), 'ERR_INTEGRATED_TYPE')
})

test('constructors_take_what_is_left_out_or_null', (t) => {
  for (const element of [new YXmlElement('p'), new YXmlElement('p', null, null), new YXmlElement('p', undefined, [])]) {
    t.is(element.toString(), '<p></p>')
  }
  for (const fragment of [new YXmlFragment(), new YXmlFragment(null), new YXmlFragment([])]) {
    t.is(fragment.toString(), '')
  }
  for (const text of [new YXmlText(), new YXmlText(null), new YXmlText('', {})]) t.is(text.toString(), '')
})

test('only_preliminary_elements_and_texts_become_children_and_nothing_changes_otherwise', (t) => {
  const { doc, root, paragraph, text } = page()
  const before = encodeStateAsUpdate(doc)
  const cases: [string, () => unknown, string][] = [
    ['a string', () => root.push('text' as never), 'ERR_UNSUPPORTED_VALUE'],
    ['nothing', () => root.push(undefined as never), 'ERR_UNSUPPORTED_VALUE'],
    ['an array of nodes', () => root.insert(0, [new YXmlText()] as never), 'ERR_UNSUPPORTED_VALUE'],
    ['a text of another kind', () => paragraph.push(new YText('t') as never), 'ERR_UNSUPPORTED_VALUE'],
    ['a fragment', () => paragraph.push(new YXmlFragment() as never), 'ERR_UNSUPPORTED_VALUE'],
    ['a node of the document', () => paragraph.push(text), 'ERR_INTEGRATED_TYPE'],
    ['a child that holds it', () => new YXmlElement('q', {}, [text]), 'ERR_INTEGRATED_TYPE'],
    ['past the end', () => root.insert(3, new YXmlText()), 'ERR_OUT_OF_RANGE'],
    ['before the start', () => root.insert(-1, new YXmlText()), 'ERR_OUT_OF_RANGE'],
    ['delete past the end', () => root.delete(1, 2), 'ERR_OUT_OF_RANGE'],
    ['a bad attribute', () => paragraph.setAttribute('a', (() => {}) as never), 'ERR_UNSUPPORTED_VALUE'],
    ['attributes that are none', () => new YXmlElement('p', 'a=b' as never), 'ERR_INVALID_ARGUMENT'],
    ['attributes as a list', () => new YXmlText('p', [1] as never), 'ERR_INVALID_ARGUMENT'],
    ['children that are none', () => new YXmlElement('p', {}, 'c' as never), 'ERR_INVALID_ARGUMENT'],
    ['bad children', () => new YXmlFragment([1 as never]), 'ERR_UNSUPPORTED_VALUE'],
    [
      'a bad attribute further in',
      () => root.push(new YXmlElement('p', {}, [new YXmlElement('q', { a: Symbol('s') as never })])),
      'ERR_UNSUPPORTED_VALUE'
    ]
  ]
  for (const [label, call, code] of cases) throwsCode(t, call, code, label)
  t.deepEqual(encodeStateAsUpdate(doc), before)
  t.is(root.toString(), '<p>hello</p>world')
})

test('a_node_given_twice_or_inside_of_itself_is_refused', (t) => {
  const doc = new YDoc()
  const root = doc.getXmlFragment('page')
  const before = encodeStateAsUpdate(doc)
  const text = new YXmlText('twice')
  throwsCode(t, () => root.push(new YXmlElement('p', {}, [text, text])), 'ERR_INTEGRATED_TYPE')
  const element = new YXmlElement('p')
  element.push(element)
  throwsCode(t, () => root.push(element), 'ERR_INTEGRATED_TYPE')
  throwsCode(t, () => element.toString(), 'ERR_INTEGRATED_TYPE')
  t.deepEqual(encodeStateAsUpdate(doc), before)
  root.push(text)
  t.is(root.toString(), 'twice')
})

test('using_a_deleted_node_is_an_error', (t) => {
  const { root, paragraph, text } = page()
  const inner = paragraph.firstChild() as YXmlText
  root.delete(0, 2)
  const cases: [string, () => unknown][] = [
    ['length', () => paragraph.length()],
    ['push', () => paragraph.push(new YXmlText())],
    ['setAttribute', () => paragraph.setAttribute('a', 1)],
    ['getAttribute', () => paragraph.getAttribute('a')],
    ['attributes', () => paragraph.attributes()],
    ['toString', () => paragraph.toString()],
    ['name', () => paragraph.name()],
    ['nextSibling', () => paragraph.nextSibling()],
    ['parent', () => paragraph.parent()],
    ['treeWalker', () => paragraph.treeWalker()],
    ['text insert', () => text.insert(0, 'x')],
    ['text applyDelta', () => text.applyDelta([{ insert: 'x' }])],
    ['text toDelta', () => text.toDelta()],
    ['below', () => inner.toString()]
  ]
  for (const [label, call] of cases) throwsCode(t, call, 'ERR_DELETED_TYPE', label)
  t.false(inner.alive())
})

test('edits_of_one_transaction_are_one_update', (t) => {
  const doc = new YDoc()
  const root = doc.getXmlFragment('page')
  const updates: Uint8Array[] = []
  doc.on('update', (update) => updates.push(update))
  const txn = doc.beginTransaction('me')
  const element = new YXmlElement('p')
  root.push(element, txn)
  t.false(element.prelim)
  element.setAttribute('a', 1, txn)
  element.push(new YXmlText('x'), txn)
  t.is(element.length(txn), 1)
  t.is(element.name(txn), 'p')
  t.is(element.getAttribute('a', txn), 1)
  t.deepEqual(element.attributes(txn), { a: 1 })
  t.is(element.toString(txn), '<p a="1">x</p>')
  t.is(element.firstChild(txn)?.toString(txn), 'x')
  t.deepEqual(element.parent(txn)?.id, root.id)
  t.is(element.nextSibling(txn), undefined)
  t.is(element.prevSibling(txn), undefined)
  t.is(root.treeWalker(txn).length, 2)
  t.true(element.alive(txn))
  element.removeAttribute('a', txn)
  element.delete(0, 1, txn)
  txn.commit()
  t.is(updates.length, 1)
  t.is(root.toString(), '<p></p>')
  throwsCode(t, () => root.push(new YXmlElement('q'), txn), 'ERR_TRANSACTION_CLOSED')
  throwsCode(t, () => root.push(new YXmlElement('q'), new YDoc().beginTransaction()), 'ERR_WRONG_DOCUMENT')
})

test('concurrent_edits_of_a_tree_converge', (t) => {
  const [a, b] = [new YDoc({ clientID: 1 }), new YDoc({ clientID: 2 })]
  a.getXmlFragment('page').push(new YXmlElement('p', { k: 'old' }, [new YXmlText('text')]))
  applyUpdate(b, encodeStateAsUpdate(a))
  const [ofA, ofB] = [a, b].map((doc) => doc.getXmlFragment('page').firstChild() as YXmlElement)
  ofA.setAttribute('k', 'a')
  ofB.setAttribute('k', 'b')
  ofA.insert(0, new YXmlElement('a'))
  ofB.insert(0, new YXmlElement('b'))
  ;(ofB.treeWalker()[1] as YXmlText).insert(4, '!')
  const [updateA, updateB] = [encodeStateAsUpdate(a), encodeStateAsUpdate(b)]
  applyUpdate(a, updateB)
  applyUpdate(b, updateA)
  t.is(ofA.toString(), ofB.toString())
  t.is(ofA.length(), 3)
  t.true(ofA.toString().endsWith('text!</p>'))
})

test('a_range_of_an_xml_text_is_quoted', (t) => {
  const doc = new YDoc()
  const text = new YXmlText('hello world')
  doc.getXmlFragment('page').push(text)
  const link = text.quote(0, 4)
  doc.getArray('array').push([link])
  t.is(link.toString(), 'hello')
  text.insert(2, '!')
  t.is(link.toString(), 'he!llo')
  throwsCode(t, () => text.quote(3, 99), 'ERR_OUT_OF_RANGE')
  throwsCode(t, () => new YXmlText('abc').quote(0, 1), 'ERR_PRELIMINARY_TYPE')
})

test('edits_of_a_tree_are_undone_and_redone', (t) => {
  const doc = new YDoc()
  const root = doc.getXmlFragment('page')
  const undo = new YUndoManager({ doc })
  undo.addToScope([root])
  const element = new YXmlElement('p', { a: 1 }, [new YXmlText('x')])
  root.push(element)
  undo.stopCapturing()
  element.setAttribute('a', 2)
  element.removeAttribute('never there')
  undo.undo()
  t.is(root.toString(), '<p a="1">x</p>')
  undo.undo()
  t.is(root.toString(), '')
  undo.redo()
  undo.redo()
  t.is(root.toString(), '<p a="2">x</p>')
})

test('a_document_and_a_weak_link_may_be_attributes', (t) => {
  const doc = new YDoc()
  doc.getMap('map').set('k', 'v')
  const element = new YXmlElement('p')
  doc.getXmlFragment('page').push(element)
  element.setAttribute('doc', new YDoc({ guid: 'inner' }))
  element.setAttribute('link', doc.getMap('map').link('k'))
  t.is(element.getAttribute('doc').guid, 'inner')
  t.is(element.getAttribute('link').deref(), 'v')
})
