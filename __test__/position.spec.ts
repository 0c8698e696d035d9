import test from 'ava'
import * as Y from 'yjs'

import * as native from '../index.js'
import {
  applyUpdate,
  compareRelativePositions,
  createAbsolutePositionFromRelativePosition,
  createRelativePositionFromTypeIndex,
  decodeRelativePosition,
  encodeRelativePosition,
  encodeStateAsUpdate,
  YDoc,
  YText,
  YXmlElement,
  YXmlText
} from '../index.js'
import { throwsCode } from './helpers/errors.ts'
import { Random } from './helpers/random.ts'

test('a_position_moves_with_its_neighbour', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  text.insert(0, 'abc')
  const right = createRelativePositionFromTypeIndex(text, 1)
  const left = createRelativePositionFromTypeIndex(text, 1, -1)
  text.insert(1, '--')
  t.deepEqual(createAbsolutePositionFromRelativePosition(right, doc), { index: 3, assoc: 0 })
  t.deepEqual(createAbsolutePositionFromRelativePosition(left, doc), { index: 1, assoc: -1 })
  const end = createRelativePositionFromTypeIndex(text, 5, 0)
  text.push('def')
  t.is(createAbsolutePositionFromRelativePosition(end, doc)?.index, 8, 'the end stays the end')
})

test('positions_are_those_of_yjs', (t) => {
  const random = new Random()
  t.log(`SEED=${random.seed}`)
  for (let run = 0; run < 20; run++) {
    const doc = new YDoc()
    const [text, array] = [doc.getText('text'), doc.getArray('array')]
    for (let step = 0; step < 30; step++) {
      if (text.length() > 3 && random.chance(30)) text.delete(random.below(text.length() - 2), 2)
      else text.insert(random.below(text.length() + 1), 'aé🙂')
      array.insert(random.below(array.length() + 1), [step])
    }
    const yjs = new Y.Doc()
    Y.applyUpdate(yjs, encodeStateAsUpdate(doc))
    for (const [ours, theirs] of [
      [text, yjs.getText('text')],
      [array, yjs.getArray('array')]
    ] as const) {
      for (let index = 0; index <= ours.length(); index++) {
        for (const assoc of [0, -1]) {
          const label = `${index} ${assoc}`
          const [mine, yours] = [
            createRelativePositionFromTypeIndex(ours, index, assoc),
            Y.createRelativePositionFromTypeIndex(theirs, index, assoc)
          ]
          const bytes = encodeRelativePosition(mine)
          t.deepEqual(Buffer.from(bytes), Buffer.from(Y.encodeRelativePosition(yours)), label)
          t.deepEqual(decodeRelativePosition(Y.encodeRelativePosition(yours)), mine, label)
          t.is(createAbsolutePositionFromRelativePosition(mine, doc)?.index, index, label)
          t.is(Y.createAbsolutePositionFromRelativePosition(Y.decodeRelativePosition(bytes), yjs)?.index, index, label)
          const json = JSON.parse(JSON.stringify(Y.relativePositionToJSON(yours)))
          t.is(createAbsolutePositionFromRelativePosition(json, doc)?.index, index, `${label} as JSON of yjs`)
        }
      }
    }
  }
})

test('a_position_in_an_empty_nested_type_names_the_type', (t) => {
  const doc = new YDoc()
  const nested = new YText()
  doc.getMap('map').set('text', nested)
  const position = createRelativePositionFromTypeIndex(nested, 0)
  t.deepEqual(position, { type: nested.id, assoc: 0 } as typeof position)
  nested.insert(0, 'abc')
  t.is(
    createAbsolutePositionFromRelativePosition(decodeRelativePosition(encodeRelativePosition(position)), doc)?.index,
    3
  )
})

test('positions_are_read_in_transactions_and_on_other_replicas', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  const txn = doc.beginTransaction()
  text.insert(0, 'abc', null, txn)
  const position = createRelativePositionFromTypeIndex(text, 2, 0, txn)
  txn.commit()
  const replica = new YDoc()
  t.is(createAbsolutePositionFromRelativePosition(position, replica), null, 'not known yet')
  applyUpdate(replica, encodeStateAsUpdate(doc))
  t.is(createAbsolutePositionFromRelativePosition(position, replica)?.index, 2)
})

test('positions_are_compared_by_what_they_mean', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  text.insert(0, 'abc')
  const position = createRelativePositionFromTypeIndex(text, 1)
  t.true(compareRelativePositions(position, structuredClone(position)))
  t.false(compareRelativePositions(position, createRelativePositionFromTypeIndex(text, 2)))
  t.false(compareRelativePositions(position, createRelativePositionFromTypeIndex(text, 2, -1)))
  t.false(compareRelativePositions(position, null))
  t.true(compareRelativePositions(null, null))
})

test('bad_positions_are_refused', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  text.insert(0, 'abc')
  throwsCode(t, () => createRelativePositionFromTypeIndex(text, 4), 'ERR_OUT_OF_RANGE', 'past the end')
  throwsCode(t, () => createRelativePositionFromTypeIndex(text, -1), 'ERR_OUT_OF_RANGE', 'negative')
  throwsCode(t, () => createRelativePositionFromTypeIndex(new YText(), 0), 'ERR_PRELIMINARY_TYPE', 'preliminary')
  throwsCode(
    t,
    () => createRelativePositionFromTypeIndex(doc.getMap('map') as never, 0),
    'ERR_INVALID_ARGUMENT',
    'a map'
  )
  for (const value of [undefined, null, 'x', {}, { item: {} }, { item: { client: -1, clock: 0 } }, { tname: 7 }]) {
    const label = JSON.stringify(value)
    throwsCode(t, () => encodeRelativePosition(value as never), 'ERR_INVALID_ARGUMENT', label)
    throwsCode(t, () => createAbsolutePositionFromRelativePosition(value as never, doc), 'ERR_INVALID_ARGUMENT', label)
  }
  for (const bytes of [[], [9], [0, 1], [1, 200, 1]]) {
    throwsCode(t, () => decodeRelativePosition(Uint8Array.from(bytes)), 'ERR_INVALID_UPDATE', String(bytes))
  }
})

test('the_older_names_are_the_same_functions', (t) => {
  t.is(native.createStickyIndexFromType, createRelativePositionFromTypeIndex)
  t.is(native.createOffsetFromStickyIndex, createAbsolutePositionFromRelativePosition)
  t.is(native.encodeStickyIndex, encodeRelativePosition)
  t.is(native.decodeStickyIndex, decodeRelativePosition)
})

test('positions_in_xml_are_those_of_yjs', (t) => {
  const doc = new YDoc()
  const fragment = doc.getXmlFragment('fragment')
  const [element, text] = [new YXmlElement('p'), new YXmlText('hi')]
  fragment.push(element)
  fragment.push(new YXmlElement('q'))
  element.push(text)
  const reference = new Y.Doc()
  Y.applyUpdate(reference, encodeStateAsUpdate(doc))
  const theirFragment = reference.getXmlFragment('fragment')
  const theirElement = theirFragment.get(0) as Y.XmlElement
  const rows = [
    ['between two elements', fragment, theirFragment, 1],
    ['at the end of a fragment', fragment, theirFragment, 2],
    ['in front of a text', element, theirElement, 0],
    ['in a text', text, theirElement.get(0) as Y.XmlText, 1]
  ] as const
  for (const [label, ours, theirs, index] of rows) {
    const position = createRelativePositionFromTypeIndex(ours, index)
    const expected = Y.encodeRelativePosition(Y.createRelativePositionFromTypeIndex(theirs, index))
    t.deepEqual(encodeRelativePosition(position), expected, label)
    t.is(createAbsolutePositionFromRelativePosition(position, doc)?.index, index, label)
  }
  throwsCode(t, () => createRelativePositionFromTypeIndex(doc.getMap('map') as never, 0), 'ERR_INVALID_ARGUMENT')
})
