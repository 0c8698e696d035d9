import test, { type ExecutionContext } from 'ava'
import * as Y from 'yjs'

import { applyUpdate, encodeStateAsUpdate, encodeStateVector, YDoc, YMap, YText, YUndoManager } from '../index.js'
import { Random } from './helpers/random.ts'

/*
 * Plain edits of a text wait until somebody looks. Nobody must be able to tell: a document whose listener hears of every
 * edit, which therefore never waits, and yjs do the same all the time.
 */

const CHUNKS = ['a', 'bc', 'déf', '😀', 'x😀y', 'a longer piece of text ']
const NAMES = ['one', 'two']
const nextTick = () => new Promise((done) => setImmediate(done))

/** Runs of one format as one run: where replicas cut them is no difference. */
function runs(delta: any[]): [unknown, string][] {
  const merged: [unknown, string][] = []
  for (const { insert, attributes = {} } of delta) {
    const key = JSON.stringify(Object.entries(attributes).sort())
    const last = merged.at(-1)
    if (typeof insert === 'string' && last && typeof last[0] === 'string' && last[1] === key) last[0] += insert
    else merged.push([insert, key])
  }
  return merged
}

/** Where a pair would be split is left out: what comes and goes there leaves no trace when it waits. */
function isInsideOfPair(text: string, index: number) {
  return /[\uD800-\uDBFF]/.test(text[index - 1] ?? '') && /[\uDC00-\uDFFF]/.test(text[index] ?? '')
}

/** The same random edits on a document that holds them back, one that does not, and one of yjs. */
class Trio {
  readonly held = new YDoc()
  readonly told = new YDoc()
  readonly yjs = new Y.Doc()
  #count = 0

  constructor(
    readonly t: ExecutionContext,
    readonly random: Random
  ) {
    this.told.on('update', () => this.#count++)
  }

  get count() {
    return this.#count
  }

  each(edit: (text: YText) => void, other: (text: Y.Text) => void, name: string) {
    edit(this.held.getText(name))
    edit(this.told.getText(name))
    other(this.yjs.getText(name))
  }

  type(near?: number) {
    const { random } = this
    const name = random.chance(85) ? NAMES[0] : NAMES[1]
    const text = this.yjs.getText(name)
    const content = text.toJSON()
    let at = near === undefined ? random.below(text.length + 1) : Math.min(text.length, near + random.below(6))
    if (content.length === text.length && isInsideOfPair(content, at)) at--
    if (random.chance(65) || text.length === 0) {
      const chunk = random.pick(CHUNKS)
      if (random.chance(10))
        this.each(
          (it) => it.push(chunk),
          (it) => it.insert(it.length, chunk),
          name
        )
      else
        this.each(
          (it) => it.insert(at, chunk),
          (it) => it.insert(at, chunk),
          name
        )
    } else {
      let length = random.below(Math.min(7, text.length - at + 1))
      if (isInsideOfPair(content, at + length)) length++
      this.each(
        (it) => it.delete(at, length),
        (it) => it.delete(at, length),
        name
      )
    }
    this.t.is(this.held.getText(name).length(), this.yjs.getText(name).length, `seed ${random.seed}`)
  }

  compare(label: string) {
    const message = `${label}, seed ${this.random.seed}`
    for (const name of NAMES) {
      this.t.is(this.held.getText(name).toString(), this.yjs.getText(name).toJSON(), message)
      const [held, told] = [this.held, this.told].map((doc) => runs(doc.getText(name).toDelta()))
      this.t.deepEqual(held, told, message)
    }
  }
}

test('plain_edits_are_those_of_yjs_however_they_are_cut_into_ticks_and_transactions', async (t) => {
  const random = new Random()
  t.log(`SEED=${random.seed}`)
  for (let run = 0; run < 12; run++) {
    const trio = new Trio(t, random)
    for (let tick = 0; tick < 8; tick++) {
      const near = random.chance(50) ? random.below(50) : undefined
      const count = random.below(run % 3 === 0 ? 120 : 25)
      const transactions = random.chance(40) ? [trio.held, trio.told].map((doc) => doc.beginTransaction()) : []
      for (let edit = 0; edit < count; edit++) {
        trio.type(near)
        if (random.chance(3)) trio.compare(`run ${run}, inside of tick ${tick}`)
      }
      transactions.forEach((txn) => txn.commit())
      if (random.chance(50)) await nextTick()
      trio.compare(`run ${run}, tick ${tick}`)
    }
    t.true(trio.count > 0)
    const replica = new Y.Doc()
    Y.applyUpdate(replica, encodeStateAsUpdate(trio.held))
    for (const name of NAMES) t.is(replica.getText(name).toJSON(), trio.held.getText(name).toString())
  }
})

test('plain_edits_among_formats_embeds_and_listeners_are_those_made_at_once', async (t) => {
  const random = new Random()
  t.log(`SEED=${random.seed}`)
  for (let run = 0; run < 12; run++) {
    const trio = new Trio(t, random)
    const listener = () => {}
    for (let step = 0; step < 250; step++) {
      const length = trio.yjs.getText('one').length
      const at = random.below(length + 1)
      const size = random.below(length - at + 1)
      const attributes = random.pick([{ bold: true }, { bold: null }, { color: 'red' }, { color: 'blue', bold: true }])
      switch (random.below(40)) {
        case 0:
          trio.each(
            (it) => it.format(at, size, attributes),
            (it) => it.format(at, size, attributes),
            'one'
          )
          break
        case 1:
          trio.each(
            (it) => it.insert(at, 'formatted', attributes),
            (it) => it.insert(at, 'formatted', attributes),
            'one'
          )
          break
        case 2:
          trio.each(
            (it) => it.insertEmbed(at, { image: step }),
            (it) => it.insertEmbed(at, { image: step }),
            'one'
          )
          break
        case 3: {
          const delta = [{ retain: at }, { insert: 'delta' }, { delete: Math.min(size, 3) }]
          for (const doc of [trio.held, trio.told]) doc.getText('one').applyDelta(delta)
          trio.each(
            () => {},
            (it) => it.applyDelta(delta.filter((it) => it.delete !== 0)),
            'one'
          )
          break
        }
        case 4:
          trio.held.getText('one').observe(listener)
          break
        case 5:
          trio.held.getText('one').unobserve(listener)
          break
        case 6:
          trio.compare(`run ${run}, step ${step}`)
          break
        case 7:
          trio.held.getMap('map').set('text', new YText(`step ${step}`))
          break
        case 8:
          await nextTick()
          break
        default:
          trio.type()
      }
    }
    trio.compare(`run ${run}`)
  }
})

test('replicas_that_hold_edits_back_converge_with_yjs', async (t) => {
  const random = new Random()
  t.log(`SEED=${random.seed}`)
  for (let run = 0; run < 15; run++) {
    const [ours, yjs] = [new YDoc(), new Y.Doc()]
    const sent: Uint8Array[] = []
    const [text, ytext] = [ours.getText('text'), yjs.getText('text')]
    for (let tick = 0; tick < 12; tick++) {
      // As a provider does: an update of all that the tick did.
      const before = encodeStateVector(ours)
      const txn = random.chance(30) ? ours.beginTransaction() : undefined
      for (let edit = random.below(40); edit > 0; edit--) {
        const at = random.below(text.length() + 1)
        if (random.chance(60)) text.insert(at, random.pick(CHUNKS))
        else text.delete(at, Math.min(random.below(5), text.length() - at))
      }
      txn?.commit()
      for (let edit = random.below(20); edit > 0; edit--) {
        const at = random.below(ytext.length + 1)
        if (random.chance(60)) ytext.insert(at, random.pick(CHUNKS))
        else ytext.delete(at, Math.min(random.below(5), ytext.length - at))
      }
      if (random.chance(50)) await nextTick()
      sent.push(encodeStateAsUpdate(ours, before))
      if (random.chance(40)) {
        applyUpdate(ours, Y.encodeStateAsUpdate(yjs, encodeStateVector(ours)))
        for (const update of sent.splice(0)) Y.applyUpdate(yjs, update)
        t.is(text.toString(), ytext.toJSON(), `run ${run}, tick ${tick}, seed ${random.seed}`)
      }
    }
    applyUpdate(ours, Y.encodeStateAsUpdate(yjs, encodeStateVector(ours)))
    Y.applyUpdate(yjs, encodeStateAsUpdate(ours, Y.encodeStateVector(yjs)))
    t.is(text.toString(), ytext.toJSON(), `run ${run}, seed ${random.seed}`)
    const [vector, yvector] = [encodeStateVector(ours), Y.encodeStateVector(yjs)].map((it) =>
      [...Y.decodeStateVector(it)].sort()
    )
    t.deepEqual(vector, yvector, `run ${run}, seed ${random.seed}`)
  }
})

test('an_index_is_checked_when_the_edit_is_made', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  for (const txn of [undefined, doc.beginTransaction()]) {
    text.insert(0, 'hello', undefined, txn)
    const end = text.length(txn)
    t.throws(() => text.insert(end + 1, 'x', undefined, txn), { code: 'ERR_OUT_OF_RANGE' })
    t.throws(() => text.delete(end - 1, 2, txn), { code: 'ERR_OUT_OF_RANGE' })
    t.throws(() => text.insert(-1, 'x', undefined, txn), { code: 'ERR_OUT_OF_RANGE' })
    t.is(text.length(txn), end)
    text.delete(1, 3, txn)
    t.throws(() => text.insert(end - 2, 'x', undefined, txn), { code: 'ERR_OUT_OF_RANGE' })
    t.is(text.length(txn), end - 3)
    txn?.commit()
  }
  t.is(text.toString(), 'hoho')
})

test('who_comes_later_hears_of_later_edits_only', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  text.insert(0, 'before')
  const updates: Uint8Array[] = []
  const deltas: unknown[] = []
  doc.on('update', (update) => updates.push(update))
  text.observe((event) => deltas.push(event.delta))
  t.deepEqual([updates.length, deltas.length], [0, 0])
  text.insert(6, '!')
  text.delete(0, 1)
  t.is(updates.length, 2, 'one for every edit')
  t.deepEqual(deltas, [[{ retain: 6 }, { insert: '!' }], [{ delete: 1 }]])
})

test('an_undo_manager_undoes_what_was_edited_after_it_was_made', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  text.insert(0, 'before')
  const manager = new YUndoManager(doc, text, { captureTimeout: 0 })
  text.insert(6, ' one')
  text.insert(10, ' two')
  const txn = doc.beginTransaction()
  text.insert(14, ' three', undefined, txn)
  text.delete(14, 3, txn)
  txn.commit()
  const seen = [text.toString()]
  while (manager.undo()) seen.push(text.toString())
  t.deepEqual(seen, ['before one tworee', 'before one two', 'before one', 'before'])
})

test('edits_of_a_type_that_an_edit_held_back_deletes_fail', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  const inner = new YText('inner')
  text.insertEmbed(0, inner)
  text.insert(1, 'abc')
  inner.insert(5, '!')
  text.delete(0, 2)
  t.throws(() => inner.insert(0, 'x'), { code: 'ERR_DELETED_TYPE' })
  t.throws(() => inner.length(), { code: 'ERR_DELETED_TYPE' })
  t.false(inner.alive())
  t.is(text.toString(), 'bc')
})

test('an_edit_that_would_split_a_pair_does_what_it_does_by_itself', (t) => {
  const [held, told] = [new YDoc(), new YDoc()]
  told.on('update', () => {})
  for (const doc of [held, told]) {
    const text = doc.getText('text')
    text.insert(0, 'a😀b')
    text.insert(2, '-')
    text.push('😀😀')
    text.delete(6, 2)
  }
  t.is(held.getText('text').toString(), told.getText('text').toString())
  t.is(held.getText('text').length(), told.getText('text').length())
})

test('what_comes_and_goes_in_a_tick_stays_in_a_document_that_is_not_collected', (t) => {
  for (const gc of [true, false]) {
    const doc = new YDoc({ gc })
    const text = doc.getText('text')
    text.insert(0, 'secret')
    text.delete(0, 6)
    doc.getMap('map').set('done', true)
    t.is(Buffer.from(encodeStateAsUpdate(doc)).includes('secret'), !gc)
  }
})

test('a_map_and_a_text_edited_in_turns_keep_their_order', (t) => {
  const doc = new YDoc()
  const map = doc.getMap('map')
  const text = doc.getText('text')
  for (let count = 0; count < 20; count++) {
    text.push(`${count} `)
    map.set('length', text.length())
    map.set(`nested ${count % 2}`, new YMap())
  }
  const other = new Y.Doc()
  Y.applyUpdate(other, encodeStateAsUpdate(doc))
  t.is(other.getMap('map').get('length'), other.getText('text').length)
})

test('the_update_of_every_edit_is_that_edit_and_its_transaction_knows_the_states_around_it', async (t) => {
  const random = new Random()
  t.log(`SEED=${random.seed}`)
  for (let run = 0; run < 8; run++) {
    const [ours, copy, other] = [new YDoc(), new Y.Doc(), new Y.Doc()]
    const text = ours.getText('text')
    const vector = () => [...Y.decodeStateVector(encodeStateVector(ours))].sort()
    let before = vector()
    ours.on('update', (update, txn) => {
      Y.applyUpdate(copy, update)
      t.deepEqual([...txn.beforeState].sort(), before, `seed ${random.seed}`)
      before = vector()
      t.deepEqual([...txn.afterState].sort(), before, `seed ${random.seed}`)
      const deleted = [...Y.decodeUpdate(update).ds.clients].map(([client, ranges]) => [
        client,
        ranges.map(({ clock, len }: { clock: number; len: number }) => [clock, len])
      ])
      t.deepEqual([...txn.deleteSet], deleted as [number, [number, number][]][], `seed ${random.seed}`)
    })
    for (let step = 0; step < 300; step++) {
      const length = text.length()
      const at = random.chance(70) ? Math.min(length, 20 + random.below(8)) : random.below(length + 1)
      if (random.chance(4)) {
        // Somebody else's edit: what was known about the text is known no longer.
        Y.applyUpdate(other, encodeStateAsUpdate(ours, Y.encodeStateVector(other)))
        other.getText('text').insert(Math.min(at, other.getText('text').length), 'theirs')
        other.getText('text').delete(0, 1)
        applyUpdate(ours, Y.encodeStateAsUpdate(other, encodeStateVector(ours)))
      } else if (random.chance(3)) ours.getMap('map').set('step', step)
      else if (random.chance(3)) text.format(0, length, { bold: random.pick([true, null]) })
      else if (random.chance(60)) text.insert(at, random.pick(CHUNKS))
      else text.delete(at, Math.min(random.below(6), length - at))
      if (random.chance(5)) await nextTick()
      t.is(copy.getText('text').length, text.length(), `run ${run}, step ${step}, seed ${random.seed}`)
    }
    t.is(copy.getText('text').toJSON(), text.toString(), `run ${run}, seed ${random.seed}`)
    t.deepEqual(runs(copy.getText('text').toDelta()), runs(text.toDelta()), `run ${run}, seed ${random.seed}`)
  }
})
