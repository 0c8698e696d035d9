// Updates of Yjs.

import * as Y from 'yjs'
import { hex } from './bytes.mjs'
import { docWith, plainText, updatesOf } from './documents.mjs'

const EVERY_VALUE = [
  [undefined],
  { a: undefined },
  null,
  true,
  false,
  0,
  1,
  -1,
  63,
  64,
  -64,
  2 ** 31 - 1,
  -(2 ** 31),
  2 ** 31,
  2 ** 53 - 1,
  -0,
  0.5,
  0.1,
  NaN,
  Infinity,
  [9007199254740993n],
  '',
  'text',
  'grüße 🚀',
  'x'.repeat(200),
  new Uint8Array([0, 255]),
  [],
  [1, [2, [3]]],
  {},
  { a: { b: [null, { c: 'd' }] } }
]

const nested = (depth) => {
  let value = 1
  for (let i = 0; i < depth; i++) value = i % 2 ? { a: value } : [value]
  return value
}

function updateRows() {
  const state = (...args) => Y.encodeStateAsUpdate(docWith(...args))
  const text = (edit) => state(1, (doc) => edit(doc.getText('body')))
  const conflicting = () => {
    const [a, b] = [1, 2].map((id) => docWith(id, (doc) => doc.getText('body').insert(0, id === 1 ? 'left' : 'right')))
    Y.applyUpdate(a, Y.encodeStateAsUpdate(b))
    a.getText('body').insert(4, ' and ')
    return Y.encodeStateAsUpdate(a)
  }
  const typed = updatesOf(3, (doc) => [...'typed'].forEach((char, i) => doc.getText('body').insert(i, char)))
  const pending = () => docWith(4, (doc) => Y.applyUpdate(doc, typed[2]))
  return [
    ['empty document', state(1, () => {})],
    ['text', text((t) => t.insert(0, 'hello world'))],
    ['text, not ASCII', text((t) => t.insert(0, 'grüße 🚀 \u0000 中文'))],
    [
      'text, half a surrogate pair deleted',
      text((t) => {
        t.insert(0, 'a🚀b')
        t.delete(1, 1)
      })
    ],
    ['text, 1000 characters', text((t) => t.insert(0, 'x'.repeat(1000)))],
    [
      'text inserted in the middle',
      text((t) => {
        t.insert(0, 'ac')
        t.insert(1, 'b')
      })
    ],
    [
      'text deleted',
      text((t) => {
        t.insert(0, 'hello world')
        t.delete(2, 5)
      })
    ],
    [
      'text deleted without garbage collection',
      state(
        1,
        (d) => {
          d.getText('body').insert(0, 'hello')
          d.getText('body').delete(1, 2)
        },
        { gc: false }
      )
    ],
    [
      'all text deleted',
      text((t) => {
        t.insert(0, 'hello')
        t.delete(0, 5)
      })
    ],
    [
      'formats',
      text((t) => {
        t.insert(0, 'hello world')
        t.format(0, 5, { bold: true })
        t.format(3, 5, { link: { href: 'x', a: [1] }, bold: null })
      })
    ],
    ['formats and text in one insert', text((t) => t.insert(0, 'hi', { color: 'red', size: 1.5 }))],
    [
      'embeds',
      text((t) => {
        t.insert(0, 'ab')
        t.insertEmbed(1, { image: 'data:', nested: { deep: [[1], '"]}'] } })
        t.insertEmbed(0, { x: null }, { width: 3 })
      })
    ],
    ['embed, 100 levels', text((t) => t.insertEmbed(0, nested(100)))],
    ['embedded shared type', text((t) => t.insertEmbed(0, new Y.Map([['a', 1]])))],
    [
      'text attributes',
      text((t) => {
        t.insert(0, 'x')
        t.setAttribute('lang', 'de')
      })
    ],
    ['array with every kind of value', state(1, (d) => d.getArray('list').insert(0, EVERY_VALUE))],
    ['array with values 190 levels deep', state(1, (d) => d.getArray('list').insert(0, [nested(190)]))],
    [
      'array with shared types',
      state(1, (d) => d.getArray('list').insert(0, [new Y.Map(), new Y.Array(), new Y.Text('t'), 1]))
    ],
    [
      'array, elements deleted',
      state(1, (d) => {
        d.getArray('list').insert(0, [1, 2, 3, 4])
        d.getArray('list').delete(1, 2)
      })
    ],
    [
      'map with every kind of value',
      state(1, (d) => EVERY_VALUE.forEach((value, i) => d.getMap('map').set(`key ${i}`, value)))
    ],
    [
      'map, overwritten and deleted',
      state(1, (d) => {
        const m = d.getMap('map')
        m.set('a', 1)
        m.set('a', 2)
        m.set('b', 1)
        m.delete('b')
      })
    ],
    [
      'nested shared types',
      state(1, (d) => {
        const m = new Y.Map()
        d.getMap('map').set('child', m)
        m.set('list', Y.Array.from([1]))
        m.get('list').push([new Y.Text('x')])
      })
    ],
    [
      'shared types deleted and collected',
      state(1, (d) => {
        const m = new Y.Map()
        d.getMap('map').set('child', m)
        m.set('a', new Y.Text('gone'))
        d.getMap('map').delete('child')
      })
    ],
    [
      'XML',
      state(1, (d) => {
        const f = d.getXmlFragment('xml')
        const p = new Y.XmlElement('p')
        f.insert(0, [p, new Y.XmlText('tail')])
        p.setAttribute('class', 'a b')
        p.insert(0, [new Y.XmlText('bold'), new Y.XmlElement('br')])
        p.get(0).format(0, 2, { b: {} })
      })
    ],
    ['XML fragment in a map', state(1, (d) => d.getMap('map').set('x', new Y.XmlFragment()))],
    ['subdocument', state(1, (d) => d.getMap('map').set('sub', new Y.Doc({ guid: 'sub-guid' })))],
    [
      'subdocument with options',
      state(1, (d) =>
        d
          .getArray('list')
          .insert(0, [new Y.Doc({ guid: 'sub', autoLoad: true, gc: false, meta: { title: 'x', tags: ['a'] } })])
      )
    ],
    ['large client id', state(2 ** 53 - 1, (d) => d.getText('body').insert(0, 'x'))],
    ['concurrent edits of two clients', conflicting()],
    ['one typed character', typed[2]],
    [
      'deletes alone',
      updatesOf(5, (d) => {
        d.getText('body').insert(0, 'abc')
        d.getText('body').delete(0, 1)
      })[1]
    ],
    ['merged', Y.mergeUpdates(typed)],
    ['merged with a gap', Y.mergeUpdates([typed[0], typed[2], typed[4]])],
    ['pending in a document', Y.encodeStateAsUpdate(pending())],
    [
      'difference',
      Y.encodeStateAsUpdate(
        docWith(6, (d) => typed.forEach((u) => Y.applyUpdate(d, u))),
        Y.encodeStateVectorFromUpdate(typed[0])
      )
    ],
    [
      'converted from V2',
      Y.convertUpdateFormatV2ToV1(Y.encodeStateAsUpdateV2(docWith(1, (d) => d.getText('body').insert(0, 'v2'))))
    ]
  ]
}

export function updates() {
  return updateRows().map(([label, update]) => {
    const doc = new Y.Doc()
    Y.applyUpdate(doc, update)
    return { label, kind: 'update', hex: hex(update), stateVector: hex(Y.encodeStateVector(doc)), text: plainText(doc) }
  })
}
