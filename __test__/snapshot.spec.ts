import test from 'ava'
import * as ywasm from 'ywasm'
import * as Y from 'yjs'

import {
  applyUpdate,
  applyUpdateV2,
  decodeSnapshotV1,
  decodeSnapshotV2,
  encodeSnapshotV1,
  encodeSnapshotV2,
  encodeStateAsUpdate,
  encodeStateFromSnapshotV1,
  encodeStateFromSnapshotV2,
  equalSnapshots,
  snapshot,
  YDoc
} from '../index.js'
import { throwsCode } from './helpers/errors.ts'
import { Random } from './helpers/random.ts'

/** A document with some history. */
function edited(random: Random): YDoc {
  const doc = new YDoc({ gc: false })
  const text = doc.getText('text')
  for (let step = 0; step < 60; step++) {
    if (text.length() > 4 && random.chance(40)) text.delete(random.below(text.length() - 3), 1 + random.below(3))
    else text.insert(random.below(text.length() + 1), 'abc')
  }
  return doc
}

test('a_snapshot_brings_back_what_was_deleted_later', (t) => {
  const random = new Random()
  t.log(`SEED=${random.seed}`)
  for (let run = 0; run < 20; run++) {
    const doc = edited(random)
    const [before, content] = [snapshot(doc), doc.getText('text').toString()]
    doc.getText('text').delete(0, doc.getText('text').length())
    doc.getText('text').insert(0, 'something else')
    const [one, other] = [new YDoc(), new YDoc()]
    applyUpdate(one, encodeStateFromSnapshotV1(doc, before))
    applyUpdateV2(other, encodeStateFromSnapshotV2(doc, before))
    t.is(one.getText('text').toString(), content)
    t.is(other.getText('text').toString(), content)
    t.false(equalSnapshots(before, snapshot(doc)))
    t.true(equalSnapshots(before, structuredClone(before)))
  }
})

test('snapshots_have_the_bytes_of_yjs', (t) => {
  const random = new Random()
  t.log(`SEED=${random.seed}`)
  for (let run = 0; run < 20; run++) {
    const doc = edited(random)
    const yjs = new Y.Doc({ gc: false })
    Y.applyUpdate(yjs, encodeStateAsUpdate(doc))
    const [ours, theirs] = [snapshot(doc), Y.snapshot(yjs)]
    t.deepEqual(Buffer.from(encodeSnapshotV1(ours)), Buffer.from(Y.encodeSnapshot(theirs)))
    t.deepEqual(Buffer.from(encodeSnapshotV2(ours)), Buffer.from(Y.encodeSnapshotV2(theirs)))
    t.true(equalSnapshots(decodeSnapshotV1(Y.encodeSnapshot(theirs)), ours))
    t.true(equalSnapshots(decodeSnapshotV2(Y.encodeSnapshotV2(theirs)), ours))
    t.true(Y.equalSnapshots(Y.decodeSnapshot(encodeSnapshotV1(ours)), theirs))
    t.true(Y.equalSnapshots(Y.decodeSnapshotV2(encodeSnapshotV2(ours)), theirs))
  }
})

test('snapshots_of_ywasm_are_read_in_both_formats', (t) => {
  // ywasm 0.18 knows client ids of 32 bits only.
  const doc = new YDoc({ gc: false, clientID: 5 })
  doc.getText('text').insert(0, 'abcdefgh')
  doc.getText('text').delete(2, 2)
  const theirs = new ywasm.YDoc({ gc: false })
  ywasm.applyUpdate(theirs, encodeStateAsUpdate(doc), undefined)
  const taken = ywasm.snapshot(theirs)
  t.true(equalSnapshots(decodeSnapshotV1(ywasm.encodeSnapshotV1(taken)), snapshot(doc)))
  t.true(equalSnapshots(decodeSnapshotV2(ywasm.encodeSnapshotV2(taken)), snapshot(doc)))
})

test('what_is_no_snapshot_is_refused', (t) => {
  const doc = new YDoc({ gc: false })
  const taken = snapshot(doc)
  t.deepEqual([...encodeSnapshotV1(taken)], [0, 0], 'an empty one')
  for (const [label, value] of [
    ['undefined', undefined],
    ['a number', 7],
    ['an object', {}],
    ['another string', 'not base64!'],
    ['cut', taken.slice(1)]
  ] as const) {
    throwsCode(t, () => equalSnapshots(taken, value as string), 'ERR_INVALID_ARGUMENT', label)
    throwsCode(t, () => encodeSnapshotV1(value as string), 'ERR_INVALID_ARGUMENT', label)
    throwsCode(t, () => encodeSnapshotV2(value as string), 'ERR_INVALID_ARGUMENT', label)
    throwsCode(t, () => encodeStateFromSnapshotV1(doc, value as string), 'ERR_INVALID_ARGUMENT', label)
  }
  for (const decode of [decodeSnapshotV1, decodeSnapshotV2]) {
    throwsCode(t, () => decode(Uint8Array.of(0xff, 0xff, 0xff, 0x7f)), 'ERR_INVALID_UPDATE', 'garbage')
    throwsCode(t, () => decode(new Uint8Array()), 'ERR_INVALID_UPDATE', 'nothing')
  }
  const collected = new YDoc()
  throwsCode(t, () => encodeStateFromSnapshotV1(collected, snapshot(collected)), 'ERR_INVALID_ARGUMENT', 'gc')
})

test('a_snapshot_of_another_document_breaks_nothing', (t) => {
  const [doc, other] = [edited(new Random(2)), edited(new Random(3))]
  // A client without content, and a clock far beyond what there is.
  const strange = decodeSnapshotV1(Uint8Array.of(0, 2, 7, 0, 8, 0x80, 0x80, 0x04))
  for (const taken of [snapshot(other), strange]) {
    const replica = new YDoc()
    applyUpdate(replica, encodeStateFromSnapshotV1(doc, taken))
    t.is(replica.getText('text').toString(), '')
  }
  t.true(doc.getText('text').length() > 0, 'it is not poisoned')
})
