import { isDeepStrictEqual } from 'node:util'

import test, { type ExecutionContext } from 'ava'

import { applyUpdate, encodeStateAsUpdate, encodeStateVector, YArray, YDoc, YMap, YText } from '../index.js'
import { Random } from './helpers/random.ts'

/** Copies of a document's types that know nothing but events. Text runs are kept per unit. */
class Mirror {
  units: [unknown, Record<string, unknown>][] = []
  items: unknown[] = []
  entries = new Map<string, unknown>()
  events = 0

  constructor(doc: YDoc) {
    doc.getText('text').observe((event) => {
      this.events++
      let at = 0
      for (const step of event.delta) {
        if ('delete' in step) {
          this.units.splice(at, step.delete)
        } else if ('retain' in step) {
          for (let end = at + step.retain; at < end; at++) format(this.units[at][1], step.attributes)
        } else {
          const content = typeof step.insert === 'string' ? step.insert.split('') : [step.insert]
          this.units.splice(at, 0, ...content.map((it) => [it, format({}, step.attributes)] as [unknown, {}]))
          at += content.length
        }
      }
    })
    doc.getArray('array').observe((event) => {
      this.events++
      let at = 0
      for (const step of event.delta) {
        if ('delete' in step) this.items.splice(at, step.delete)
        else if ('retain' in step) at += step.retain
        else {
          this.items.splice(at, 0, ...step.insert)
          at += step.insert.length
        }
      }
    })
    doc.getMap('map').observe((event) => {
      this.events++
      for (const [key, change] of Object.entries(event.keys)) {
        if (change.action === 'delete') this.entries.delete(key)
        else this.entries.set(key, change.newValue)
      }
    })
  }

  state(): unknown {
    return {
      text: this.units,
      array: this.items.map(json),
      map: entries(new Map([...this.entries].map(([k, v]) => [k, json(v)])))
    }
  }
}

function format(attributes: Record<string, unknown>, changes: object = {}): Record<string, unknown> {
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) delete attributes[name]
    else attributes[name] = value
  }
  return attributes
}

const json = (value: unknown): unknown =>
  value instanceof YText || value instanceof YMap || value instanceof YArray ? value.toJson() : value
const entries = (map: Map<string, unknown>): unknown =>
  Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1)))

function stateOf(doc: YDoc): unknown {
  const text = doc
    .getText('text')
    .toDelta()
    .flatMap(({ insert, attributes = {} }) => {
      const content: unknown[] = typeof insert === 'string' ? insert.split('') : [insert]
      return content.map((it) => [it, { ...attributes }])
    })
  return {
    text,
    array: doc.getArray('array').toJson(),
    map: entries(new Map(Object.entries(doc.getMap('map').toJson())))
  }
}

function edit(doc: YDoc, random: Random): void {
  const [text, array, map] = [doc.getText('text'), doc.getArray('array'), doc.getMap('map')]
  const [length, size] = [text.length(), array.length()]
  const index = random.below(length + 1)
  const attributes = random.pick([{ bold: true }, { bold: null }, { size: 1 }, { size: 2, bold: null }])
  switch (random.below(10)) {
    case 0:
    case 1:
      return text.insert(index, random.pick(['a', 'bc', 'é', 'def\n']), random.chance(30) ? { size: 3 } : undefined)
    case 2:
    case 3:
      return text.delete(index, Math.min(length - index, random.below(5)))
    case 4:
      return text.format(index, Math.min(length - index, random.below(6)), attributes)
    case 5:
      return text.insertEmbed(index, { id: random.below(100) }, random.chance(30) ? { size: 1 } : undefined)
    case 6:
      return array.insert(random.below(size + 1), [random.below(100), { x: 1 }, new YText('nested')])
    case 7:
      return size > 0 ? array.delete(random.below(size), 1) : array.push([1])
    case 8:
      return map.set(`k${random.below(6)}`, random.chance(30) ? new YMap({ a: 1 }) : random.below(100))
    default:
      return map.delete(`k${random.below(6)}`)
  }
}

/** ava's comparison is slow, so it only explains. */
function same(t: ExecutionContext, mirror: Mirror, doc: YDoc, label: string): void {
  const [mirrored, actual] = [mirror.state(), stateOf(doc)]
  if (isDeepStrictEqual(mirrored, actual)) t.pass()
  else t.deepEqual(mirrored, actual, label)
}

function transact(doc: YDoc, random: Random): void {
  const txn = doc.beginTransaction()
  for (let count = random.below(6); count >= 0; count--) edit(doc, random)
  txn.commit()
}

test('mirrors_follow_local_edits_transactions_and_remote_updates', (t) => {
  const random = new Random()
  const [doc, remote] = [new YDoc({ clientID: 1 }), new YDoc({ clientID: 2 })]
  const mirror = new Mirror(doc)
  for (let step = 0; step < 4_000; step++) {
    const kind = random.below(10)
    if (kind < 5) edit(doc, random)
    else if (kind < 7) transact(doc, random)
    else if (kind < 9) edit(remote, random)
    else {
      applyUpdate(doc, encodeStateAsUpdate(remote, encodeStateVector(doc)))
      applyUpdate(remote, encodeStateAsUpdate(doc, encodeStateVector(remote)))
    }
    // Every step at first, then now and then: comparing costs more than editing.
    if (step < 500 || step % 50 === 0) same(t, mirror, doc, `step ${step}, seed ${random.seed}`)
  }
  same(t, mirror, doc, `seed ${random.seed}`)
  t.true(mirror.events > 1_000, `seed ${random.seed}`)
})

test('mirrors_follow_edits_made_by_listeners', (t) => {
  const random = new Random()
  const [doc, remote] = [new YDoc({ clientID: 1 }), new YDoc({ clientID: 2 })]
  // One listener edits before the mirror hears of what it reacts to, one after.
  let left = 0
  const react = (): void => {
    if (left-- <= 0) return
    if (random.chance(70)) edit(doc, random)
    else transact(doc, random)
  }
  doc.getText('text').observe(react)
  doc.getArray('array').observe(react)
  doc.getMap('map').observe(react)
  const mirror = new Mirror(doc)
  doc.getText('text').observe(react)
  doc.on('update', react)
  doc.on('afterTransaction', react)
  for (let step = 0; step < 1_500; step++) {
    left = random.below(4)
    const kind = random.below(10)
    if (kind < 4) edit(doc, random)
    else if (kind < 6) transact(doc, random)
    else {
      transact(remote, random)
      applyUpdate(doc, encodeStateAsUpdate(remote, encodeStateVector(doc)))
      applyUpdate(remote, encodeStateAsUpdate(doc, encodeStateVector(remote)))
    }
    if (step < 300 || step % 25 === 0) same(t, mirror, doc, `step ${step}, seed ${random.seed}`)
  }
  same(t, mirror, doc, `seed ${random.seed}`)
})

test('a_mirror_of_updates_is_a_replica', (t) => {
  const random = new Random()
  const [doc, remote, replica] = [new YDoc({ clientID: 1 }), new YDoc({ clientID: 2 }), new YDoc({ clientID: 3 })]
  doc.on('update', (update) => applyUpdate(replica, update))
  for (let step = 0; step < 1_500; step++) {
    if (random.chance(60)) edit(doc, random)
    else if (random.chance(50)) transact(doc, random)
    else {
      transact(remote, random)
      applyUpdate(doc, encodeStateAsUpdate(remote, encodeStateVector(doc)))
    }
  }
  t.deepEqual(stateOf(replica), stateOf(doc), `seed ${random.seed}`)
  t.deepEqual(encodeStateVector(replica), encodeStateVector(doc), `seed ${random.seed}`)
})
