import test from 'ava'

import {
  applyUpdate,
  encodeStateAsUpdate,
  snapshot,
  YArray,
  YDoc,
  YMap,
  YText,
  YXmlElement,
  YXmlText
} from '../index.js'
import { throwsCode } from './helpers/errors.ts'

type AnyText = YText | YXmlText

/** Both kinds of text behave alike. */
const kinds: [string, (doc: YDoc, name: string) => AnyText][] = [
  ['YText', (doc, name) => doc.getText(name)],
  [
    'YXmlText',
    (doc, name) => {
      const text = new YXmlText()
      doc.getXmlFragment(name).push(text)
      return text
    }
  ]
]

for (const [kind, make] of kinds) {
  const text = () => make(new YDoc(), 'text')

  test(`${kind}_takes_inserts_retains_and_deletes_from_left_to_right`, (t) => {
    const it = text()
    it.applyDelta([{ insert: 'hello world' }])
    it.applyDelta([{ retain: 5 }, { delete: 6 }, { insert: ', you' }, { insert: '!', attributes: { bold: true } }])
    t.deepEqual(it.toDelta(), [{ insert: 'hello, you' }, { insert: '!', attributes: { bold: true } }])
    t.is(it.length(), 11)
  })

  test(`${kind}_formats_what_a_delta_retains`, (t) => {
    const it = text()
    it.insert(0, 'Test\nMulti-line\nFormatting')
    it.applyDelta([
      { retain: 4, attributes: { bold: true } },
      { retain: 1 },
      { retain: 10, attributes: { bold: true, size: 2 } },
      { retain: 1, attributes: null },
      { retain: 10, attributes: { bold: true } }
    ])
    it.applyDelta([{ retain: 5 }, { retain: 10, attributes: { size: null } }])
    t.deepEqual(it.toDelta(), [
      { insert: 'Test', attributes: { bold: true } },
      { insert: '\n' },
      { insert: 'Multi-line', attributes: { bold: true } },
      { insert: '\n' },
      { insert: 'Formatting', attributes: { bold: true } }
    ])
  })

  test(`${kind}_does_not_inherit_attributes_in_a_delta`, (t) => {
    const it = text()
    it.insert(0, 'ab', { bold: true })
    it.applyDelta([{ retain: 1 }, { insert: 'x' }])
    t.deepEqual(it.toDelta(), [
      { insert: 'a', attributes: { bold: true } },
      { insert: 'x' },
      { insert: 'b', attributes: { bold: true } }
    ])
  })

  test(`${kind}_gives_a_replacement_none_of_the_formats_it_replaces`, (t) => {
    const it = text()
    it.insert(0, 'abcd', { bold: true })
    it.applyDelta([{ retain: 1 }, { delete: 2 }, { insert: 'x' }, { delete: 1 }, { insert: 'y' }])
    const [kept, ...replaced] = it.toDelta()
    t.deepEqual(kept, { insert: 'a', attributes: { bold: true } })
    t.is(replaced.map((run) => run.insert).join(''), 'xy')
    t.true(replaced.every((run) => run.attributes === undefined))
  })

  test(`${kind}_keeps_the_format_of_line_ends_apart`, (t) => {
    const it = text()
    const delta = [
      { insert: 'Text' },
      { insert: '\n', attributes: { title: true } },
      { insert: '\nText' },
      { insert: '\n', attributes: { title: true } }
    ]
    it.applyDelta(delta)
    t.deepEqual(it.toDelta(), delta)
  })

  test(`${kind}_embeds_objects_and_shared_types`, (t) => {
    const doc = new YDoc()
    const it = make(doc, 'text')
    const [map, array, inner] = [new YMap({ key: 'val' }), new YArray([1, new YMap({ a: 1 })]), new YText('inner')]
    it.applyDelta([
      { insert: 'a' },
      { insert: { image: 'x.png' }, attributes: { width: 100 } },
      { insert: map },
      { insert: array, attributes: { bold: true } },
      { insert: new YXmlElement('p', { k: 1 }) }
    ])
    it.insertEmbed(1, inner)
    t.is(it.length(), 6)
    t.false(map.prelim)
    t.false(inner.prelim)
    t.is(map.doc, doc)
    map.set('more', 1)
    const delta = it.toDelta()
    t.deepEqual(delta.slice(0, 1), [{ insert: 'a' }])
    t.is(delta[1].insert.toString(), 'inner')
    t.deepEqual(delta[2], { insert: { image: 'x.png' }, attributes: { width: 100 } })
    t.true(delta[3].insert instanceof YMap)
    t.deepEqual(delta[3].insert.toJson(), { key: 'val', more: 1 })
    t.deepEqual(delta[4].insert.toJson(), [1, { a: 1 }])
    t.deepEqual(delta[4].attributes, { bold: true })
    t.is(delta[5].insert.toString(), '<p k="1"></p>')
    throwsCode(t, () => it.applyDelta([{ insert: map }]), 'ERR_INTEGRATED_TYPE')
    it.delete(3, 1)
    t.false(map.alive())
  })

  test(`${kind}_tells_of_a_delta_in_one_event`, (t) => {
    const it = text()
    it.insert(0, 'abcd')
    const events: unknown[] = []
    it.observe((event) => events.push(event.delta))
    it.applyDelta([{ retain: 1 }, { insert: 'x' }, { delete: 1 }, { retain: 1, attributes: { bold: true } }])
    t.is(events.length, 1)
    const replica = text()
    replica.insert(0, 'abcd')
    replica.applyDelta(events[0] as never)
    t.deepEqual(replica.toDelta(), it.toDelta())
  })

  test(`${kind}_counts_utf16_units_in_deltas`, (t) => {
    const it = text()
    it.applyDelta([{ insert: 'a😀b' }])
    it.applyDelta([{ retain: 3, attributes: { bold: true } }, { insert: '€' }, { delete: 1 }])
    t.deepEqual(it.toDelta(), [{ insert: 'a😀', attributes: { bold: true } }, { insert: '€' }])
    it.applyDelta([{ retain: 2 }, { delete: 1 }])
    t.is(it.length(), 3)
    t.is(
      it
        .toDelta()
        .map((run) => run.insert)
        .join(''),
      'a\ufffd€'
    )
  })

  test(`${kind}_ignores_steps_of_no_length`, (t) => {
    const doc = new YDoc()
    const it = make(doc, 'text')
    it.insert(0, 'ab')
    const before = encodeStateAsUpdate(doc)
    it.applyDelta([])
    it.applyDelta([{ insert: '' }, { retain: 0, attributes: { bold: true } }, { delete: 0 }, { retain: 2 }])
    t.deepEqual(encodeStateAsUpdate(doc), before)
  })

  test(`${kind}_checks_the_whole_delta_before_anything_changes`, (t) => {
    const doc = new YDoc()
    const it = make(doc, 'text')
    it.insert(0, 'abc')
    const before = encodeStateAsUpdate(doc)
    const map = new YMap()
    const cases: [string, unknown, string][] = [
      ['retain past the end', [{ insert: 'x' }, { retain: 4 }], 'ERR_OUT_OF_RANGE'],
      ['delete past the end', [{ retain: 2 }, { insert: 'xyz' }, { delete: 2 }], 'ERR_OUT_OF_RANGE'],
      ['sum past what can be counted', [{ retain: 1 }, { delete: 2 ** 32 - 1 }], 'ERR_OUT_OF_RANGE'],
      ['a negative length', [{ insert: 'x' }, { delete: -1 }], 'ERR_OUT_OF_RANGE'],
      ['a broken length', [{ insert: 'x' }, { retain: 0.5 }], 'ERR_OUT_OF_RANGE'],
      ['no length', [{ insert: 'x' }, { retain: NaN }], 'ERR_INVALID_ARGUMENT'],
      ['a length that is no number', [{ retain: '1' }], 'ERR_INVALID_ARGUMENT'],
      ['a step of nothing', [{ insert: 'x' }, {}], 'ERR_INVALID_ARGUMENT'],
      ['a step of two', [{ insert: 'x', delete: 1 }], 'ERR_INVALID_ARGUMENT'],
      ['a step that is none', [{ insert: 'x' }, 'y'], 'ERR_INVALID_ARGUMENT'],
      ['null', [null], 'ERR_INVALID_ARGUMENT'],
      ['attributes that are none', [{ insert: 'x', attributes: 1 }], 'ERR_INVALID_ARGUMENT'],
      ['attributes as a list', [{ insert: 'x', attributes: [1] }], 'ERR_INVALID_ARGUMENT'],
      ['an embed that can not be stored', [{ insert: 'x' }, { insert: () => {} }], 'ERR_UNSUPPORTED_VALUE'],
      ['a document', [{ insert: 'x' }, { insert: new YDoc() }], 'ERR_UNSUPPORTED_VALUE'],
      ['an attribute that can not be', [{ insert: 'x', attributes: { a: Symbol('s') } }], 'ERR_UNSUPPORTED_VALUE'],
      ['a shared type as an attribute', [{ insert: 'x', attributes: { a: new YMap() } }], 'ERR_UNSUPPORTED_VALUE'],
      ['a type twice', [{ insert: map }, { insert: map }], 'ERR_INTEGRATED_TYPE']
    ]
    for (const [label, delta, code] of cases) {
      throwsCode(t, () => it.applyDelta(delta as never), code, label)
      t.deepEqual(encodeStateAsUpdate(doc), before, label)
    }
    t.true(map.prelim)
  })

  test(`${kind}_applies_deltas_in_a_transaction`, (t) => {
    const doc = new YDoc()
    const it = make(doc, 'text')
    const updates: Uint8Array[] = []
    doc.on('update', (update) => updates.push(update))
    const txn = doc.beginTransaction()
    it.applyDelta([{ insert: 'ab' }], txn)
    it.applyDelta([{ retain: 1 }, { insert: 'x' }], txn)
    t.deepEqual(it.toDelta(undefined, undefined, undefined, txn), [{ insert: 'axb' }])
    txn.commit()
    t.is(updates.length, 1)
    throwsCode(t, () => it.applyDelta([{ insert: 'y' }], txn), 'ERR_TRANSACTION_CLOSED')
    throwsCode(t, () => it.toDelta(null, null, null, new YDoc().beginTransaction()), 'ERR_WRONG_DOCUMENT')
  })
}

for (const [kind, make] of kinds) {
  test(`${kind}_shows_what_it_was_at_a_snapshot`, (t) => {
    const doc = new YDoc({ clientID: 1, gc: false })
    const it = make(doc, 'text')
    it.applyDelta([{ insert: 'abcd' }])
    const first = snapshot(doc)
    it.applyDelta([{ retain: 1 }, { insert: 'x' }, { delete: 1 }])
    const second = snapshot(doc)
    it.applyDelta([{ retain: 2 }, { delete: 1 }, { insert: 'y', attributes: { bold: true } }, { delete: 1 }])
    const update = encodeStateAsUpdate(doc)
    t.deepEqual(it.toDelta(first), [{ insert: 'abcd' }])
    t.deepEqual(it.toDelta(second), [{ insert: 'axcd' }])
    t.deepEqual(it.toDelta(second, first), [
      { insert: 'a' },
      { insert: 'x', attributes: { ychange: { type: 'added' } } },
      { insert: 'b', attributes: { ychange: { type: 'removed' } } },
      { insert: 'cd' }
    ])
    t.deepEqual(it.toDelta(), [{ insert: 'ax' }, { insert: 'y', attributes: { bold: true } }])
    t.deepEqual(encodeStateAsUpdate(doc), update)
  })

  test(`${kind}_names_changes_between_snapshots_as_asked`, (t) => {
    const doc = new YDoc({ clientID: 7, gc: false })
    const it = make(doc, 'text')
    const first = snapshot(doc)
    it.insert(0, 'a', { bold: true })
    const second = snapshot(doc)
    const asked: unknown[] = []
    const compute = (action: string, id: { client: number; clock: number }) => {
      asked.push([action, id.client, typeof id.clock])
      return it.toString()
    }
    t.deepEqual(it.toDelta(second, first, compute), [
      { insert: 'a', attributes: { bold: true, ychange: it.toString() } }
    ])
    t.deepEqual(asked, [['added', 7, 'number']])
    const error = new Error('no name')
    const thrown = t.throws(() =>
      it.toDelta(second, first, () => {
        throw error
      })
    )
    t.is(thrown, error)
    t.is(it.length(), 1)
  })

  test(`${kind}_takes_only_snapshots_for_snapshots`, (t) => {
    const doc = new YDoc({ gc: false })
    const it = make(doc, 'text')
    it.insert(0, 'a')
    throwsCode(t, () => it.toDelta({} as never), 'ERR_INVALID_ARGUMENT')
    throwsCode(t, () => it.toDelta('bad'), 'ERR_INVALID_ARGUMENT')
    throwsCode(t, () => it.toDelta(snapshot(doc), 1 as never), 'ERR_INVALID_ARGUMENT')
    const other = new YDoc()
    throwsCode(t, () => it.toDelta(snapshot(doc), null, null, other.beginTransaction()), 'ERR_WRONG_DOCUMENT')
    t.deepEqual(it.toDelta(null, undefined, null), [{ insert: 'a' }])
    t.deepEqual(it.toDelta(snapshot(other)), [])
  })
}

test('preliminary_texts_take_no_deltas', (t) => {
  for (const it of [new YText('abc'), new YXmlText('abc')]) {
    throwsCode(t, () => it.applyDelta([{ insert: 'x' }]), 'ERR_PRELIMINARY_TYPE')
    throwsCode(t, () => it.toDelta(), 'ERR_PRELIMINARY_TYPE')
    throwsCode(t, () => it.insertEmbed(0, {}), 'ERR_PRELIMINARY_TYPE')
  }
})

test('concurrent_deltas_converge', (t) => {
  const [a, b] = [new YDoc({ clientID: 1 }), new YDoc({ clientID: 2 })]
  a.getText('text').insert(0, 'abcdef')
  applyUpdate(b, encodeStateAsUpdate(a))
  a.getText('text').applyDelta([{ retain: 4, attributes: { bold: true } }, { insert: 'A' }])
  b.getText('text').applyDelta([{ retain: 2 }, { delete: 3 }, { insert: 'B', attributes: { em: true } }])
  const [ofA, ofB] = [encodeStateAsUpdate(a), encodeStateAsUpdate(b)]
  applyUpdate(a, ofB)
  applyUpdate(b, ofA)
  t.deepEqual(a.getText('text').toDelta(), b.getText('text').toDelta())
})

test('an_xml_text_is_edited_as_a_text_is', (t) => {
  const text = new YXmlText('ab', { k: 1 })
  t.is(text.length(), 2)
  text.insert(1, 'x')
  text.push('y')
  text.delete(0, 1)
  throwsCode(t, () => text.insert(0, 'x', { bold: true }), 'ERR_PRELIMINARY_TYPE')
  throwsCode(t, () => text.push('x', { bold: true }), 'ERR_PRELIMINARY_TYPE')
  throwsCode(t, () => text.format(0, 1, { bold: true }), 'ERR_PRELIMINARY_TYPE')
  throwsCode(t, () => text.insert(9, 'x'), 'ERR_OUT_OF_RANGE')
  throwsCode(t, () => text.delete(2, 2), 'ERR_OUT_OF_RANGE')
  t.is(text.toString(), 'xby')
  text.setAttribute('l', 2)
  text.removeAttribute('k')
  t.deepEqual(text.attributes(), { l: 2 })
  t.is(text.getAttribute('l'), 2)
  const doc = new YDoc()
  doc.getXmlFragment('page').push(text)
  t.deepEqual(text.attributes(), { l: 2 })
  text.insert(1, 'é😀', { em: true })
  text.push('!', { em: {} })
  text.format(0, 1, { strong: true })
  text.delete(1, 1)
  t.is(text.toString(), '<strong>x</strong><em>😀</em>by<em>!</em>')
  t.is(text.length(), 6)
  throwsCode(t, () => text.insert(7, 'x'), 'ERR_OUT_OF_RANGE')
  throwsCode(t, () => text.delete(5, 2), 'ERR_OUT_OF_RANGE')
  throwsCode(t, () => text.format(0, 1, null as never), 'ERR_INVALID_ARGUMENT')
})
