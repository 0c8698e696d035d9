import test from 'ava'

import { applyUpdate, encodeStateAsUpdate, YDoc, YText, YTransaction } from '../index.js'
import { throwsCode } from './helpers/errors.ts'

const gc = globalThis.gc as unknown as () => void
/** Finalizers run between turns of the event loop. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Collects until a condition holds. Ends at once if it does, in vain after many collections if it never does. */
async function collectUntil(condition: () => boolean): Promise<boolean> {
  for (let round = 0; round < 200 && !condition(); round++) {
    gc()
    await turn()
  }
  return condition()
}

test.serial('documents_with_listeners_that_refer_to_them_are_collected', async (t) => {
  const COUNT = 100_000
  let collected = 0
  const registry = new FinalizationRegistry(() => collected++)
  const make = (count: number) => {
    for (let index = 0; index < count; index++) {
      const doc = new YDoc({ clientID: 1, guid: 'x' })
      const text = doc.getText('text')
      // Each of these refers to its own document: a strong reference in native code would keep them all.
      doc.on('update', () => doc.getText('text'))
      text.observe(() => doc.guid)
      registry.register(doc, undefined)
    }
  }
  let peak = 0
  let base = 0
  for (let made = 0; made < COUNT; made += 5_000) {
    make(5_000)
    await turn()
    gc()
    await turn()
    peak = Math.max(peak, process.memoryUsage.rss())
    base ||= peak
  }
  t.true(await collectUntil(() => collected === COUNT), `${collected} of ${COUNT} documents were collected`)
  // 100,000 documents that leak would take far more than what the first 5,000 took at once.
  t.true(peak - base < 400 * 2 ** 20, `grew by ${Math.round((peak - base) / 2 ** 20)} MiB`)
})

test.serial('a_text_that_outlives_the_variable_of_its_document_still_fires', async (t) => {
  let isOtherCollected = false
  const registry = new FinalizationRegistry(() => (isOtherCollected = true))
  const calls: string[] = []
  const make = (): YText => {
    const doc = new YDoc()
    doc.on('update', () => calls.push('update'))
    const text = doc.getText('text')
    text.observe(() => calls.push('observer'))
    registry.register(new YDoc(), undefined)
    return text
  }
  const text = make()
  t.true(await collectUntil(() => isOtherCollected), 'the collector did its work')
  text.insert(0, 'a')
  t.deepEqual(calls, ['observer', 'update'])
  t.true(text.doc instanceof YDoc)
})

test.serial('a_nested_text_that_was_inserted_keeps_its_document', async (t) => {
  let isOtherCollected = false
  const registry = new FinalizationRegistry(() => (isOtherCollected = true))
  const calls: string[] = []
  const make = (): YText => {
    const doc = new YDoc()
    doc.on('update', () => calls.push('update'))
    const text = new YText('a')
    doc.getArray('array').push([text])
    registry.register(new YDoc(), undefined)
    return text
  }
  const text = make()
  calls.length = 0
  t.true(await collectUntil(() => isOtherCollected), 'the collector did its work')
  text.push('b')
  t.is(text.toString(), 'ab')
  t.deepEqual(calls, ['update'])
})

test.serial('a_transaction_that_was_left_open_and_collected_is_committed', async (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  const origins: unknown[] = []
  const update = new Promise<Uint8Array>((resolve) =>
    doc.on('update', (bytes, txn) => {
      origins.push(txn.origin)
      resolve(bytes)
    })
  )
  const open = () => {
    text.insert(0, 'left open', undefined, doc.beginTransaction('lost'))
  }
  open()
  throwsCode(t, () => doc.beginTransaction(), 'ERR_TRANSACTION_OPEN')
  t.true(await collectUntil(() => origins.length > 0), 'its listeners ran')
  const replica = new YDoc()
  applyUpdate(replica, await update)
  t.is(replica.getText('text').toString(), 'left open')
  doc.beginTransaction().commit()
  text.push('!')
  t.is(text.toString(), 'left open!')
})

test.serial('a_document_that_is_collected_with_an_open_transaction_takes_nothing_down', async (t) => {
  let collected = 0
  const registry = new FinalizationRegistry(() => collected++)
  const make = () => {
    for (let index = 0; index < 200; index++) {
      const doc = new YDoc()
      doc.on('update', () => doc.guid)
      doc.getText('text').insert(0, 'a', undefined, doc.beginTransaction())
      registry.register(doc, undefined)
    }
  }
  make()
  t.true(await collectUntil(() => collected === 200), `${collected} were collected`)
})

test.serial('events_and_views_keep_what_they_show', async (t) => {
  let isOtherCollected = false
  const registry = new FinalizationRegistry(() => (isOtherCollected = true))
  const kept: { event?: any; txn?: YTransaction } = {}
  const make = () => {
    const doc = new YDoc()
    const text = doc.getText('text')
    text.observe((event, txn) => Object.assign(kept, { event, txn }))
    text.insert(0, 'abc')
    registry.register(new YDoc(), undefined)
  }
  make()
  t.true(await collectUntil(() => isOtherCollected), 'the collector did its work')
  t.deepEqual(kept.event.delta, [{ insert: 'abc' }])
  t.is(kept.event.target.toString(), 'abc')
  t.deepEqual(kept.txn!.diffV1(), encodeStateAsUpdate(kept.event.target.doc))
})

/** Opens documents one after the other, and forgets them. Returns how many were collected, by pressure of memory alone. */
async function collectedOf(count: number, fill: (doc: YDoc) => void): Promise<number> {
  let collected = 0
  const registry = new FinalizationRegistry(() => collected++)
  for (let index = 0; index < count; index++) {
    const doc = new YDoc()
    fill(doc)
    registry.register(doc, undefined)
    await turn()
  }
  return collected
}

const LARGE = 'x'.repeat(1 << 20)

test.serial('large_documents_that_nobody_holds_are_collected_unasked', async (t) => {
  const large = new YDoc()
  large.getText('text').insert(0, LARGE)
  const update = encodeStateAsUpdate(large)
  gc()
  await turn()
  t.true((await collectedOf(300, (doc) => applyUpdate(doc, update))) > 50, 'filled by an update')
  t.true((await collectedOf(300, (doc) => doc.getText('text').insert(0, LARGE))) > 50, 'filled by edits')
})
