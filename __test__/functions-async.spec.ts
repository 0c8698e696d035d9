import test from 'ava'
import * as Y from 'yjs'

import {
  applyUpdateAsync,
  encodeStateAsUpdate,
  encodeStateAsUpdateAsync,
  encodeStateVector,
  mergeUpdatesAsync,
  mergeUpdatesV1,
  YDoc
} from '../index.js'

const garbage = Uint8Array.of(0xff, 0xff, 0xff)

/** A yjs document and the update of every edit. */
function typed(count: number): { yjs: Y.Doc; updates: Uint8Array[] } {
  const yjs = new Y.Doc()
  const updates: Uint8Array[] = []
  yjs.on('update', (update: Uint8Array) => updates.push(update))
  for (let index = 0; index < count; index++) yjs.getText('text').insert(index, String(index % 10))
  return { yjs, updates }
}

test('an_update_is_applied_on_another_thread', async (t) => {
  const { yjs } = typed(1000)
  const text = new YDoc().getText('text')
  const promise = applyUpdateAsync(text.doc, Y.encodeStateAsUpdate(yjs))
  t.is(text.toString(), '', 'not in a tick that has looked at the document before')
  t.is(await promise, undefined)
  t.is(text.toString(), yjs.getText('text').toString())
})

test('listeners_hear_of_it_in_order_with_the_origin_and_before_the_promise', async (t) => {
  const { yjs, updates } = typed(50)
  const doc = new YDoc()
  const text = doc.getText('text')
  const origin = { by: 'importer' }
  const log: unknown[] = []
  let mirror = ''
  text.observe((event) => {
    for (const step of event.delta) if ('insert' in step) mirror += step.insert
    t.is(mirror, text.toString(), 'the state that belongs to it')
  })
  doc.on('update', (_, txn) => log.push(txn.origin))
  const promises = updates.map((update, index) =>
    applyUpdateAsync(doc, update, index === 0 ? 'text' : origin).then(() => log.push(index))
  )
  await Promise.all(promises)
  t.is(mirror, yjs.getText('text').toString())
  t.deepEqual(log.slice(0, 1), ['text'])
  t.is(log.filter((it) => it === origin).length, updates.length - 1)
  t.deepEqual(
    log.filter((it) => typeof it === 'number'),
    updates.map((_, index) => index)
  )
  t.true(log.indexOf(0) > log.indexOf('text'))
})

test('it_waits_for_an_open_transaction', async (t) => {
  const { yjs } = typed(10)
  const doc = new YDoc()
  const txn = doc.beginTransaction()
  const promise = applyUpdateAsync(doc, Y.encodeStateAsUpdate(yjs))
  await new Promise(setImmediate)
  t.is(doc.getText('text').length(), 0)
  txn.commit()
  await promise
  t.is(doc.getText('text').length(), 10)
})

test('bad_bytes_reject_and_change_nothing', async (t) => {
  const doc = new YDoc()
  doc.getText('text').insert(0, 'content')
  const good = encodeStateAsUpdate(doc)
  for (const [label, promise] of [
    ['apply', applyUpdateAsync(doc, garbage)],
    ['apply, cut', applyUpdateAsync(doc, good.subarray(0, good.length - 1))],
    ['encode', encodeStateAsUpdateAsync(doc, garbage)],
    ['merge one', mergeUpdatesAsync([garbage])],
    ['merge several', mergeUpdatesAsync([good, garbage])]
  ] as const) {
    const error = (await t.throwsAsync(promise as Promise<unknown>, undefined, label)) as Error & { code: string }
    t.is(error.code, 'ERR_INVALID_UPDATE', label)
  }
  t.is(doc.getText('text').toString(), 'content')
})

test('the_state_is_encoded_with_the_edits_of_this_tick', async (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  text.insert(0, 'hello')
  const vector = encodeStateVector(doc)
  const [before] = await Promise.all([encodeStateAsUpdateAsync(doc), text.insert(5, ' world')])
  t.deepEqual(before, encodeStateAsUpdate(doc))
  const difference = await encodeStateAsUpdateAsync(doc, vector)
  t.deepEqual(difference, encodeStateAsUpdate(doc, vector))
  t.true(difference.length < before.length)
})

test('updates_are_merged_on_another_thread', async (t) => {
  const { updates } = typed(300)
  t.deepEqual(await mergeUpdatesAsync(updates), mergeUpdatesV1(updates))
  t.deepEqual(await mergeUpdatesAsync([]), mergeUpdatesV1([]))
})

test('many_requests_of_many_documents_are_all_answered', async (t) => {
  const { yjs } = typed(100)
  const state = Y.encodeStateAsUpdate(yjs)
  const lengths = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const doc = new YDoc()
      await applyUpdateAsync(doc, state)
      return (await encodeStateAsUpdateAsync(doc)).length
    })
  )
  t.deepEqual(lengths, Array(200).fill(state.length))
})
