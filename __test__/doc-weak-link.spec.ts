import test from 'ava'

import {
  applyUpdate,
  encodeStateAsUpdate,
  encodeStateVector,
  YArrayEvent,
  YDoc,
  YMap,
  YMapEvent,
  YText,
  YWeakLink,
  YWeakLinkEvent,
  type YEvent
} from '../index.js'
import { throwsCode } from './helpers/errors.ts'
import { Random } from './helpers/random.ts'

function exchange(...docs: YDoc[]): void {
  for (const from of docs) {
    for (const to of docs) if (from !== to) applyUpdate(to, encodeStateAsUpdate(from, encodeStateVector(to)))
  }
}

function pair(): [YDoc, YDoc] {
  return [new YDoc({ clientID: 1 }), new YDoc({ clientID: 2 })]
}

test('links_an_entry_of_a_map', (t) => {
  const [doc, other] = pair()
  const map = doc.getMap('map')
  map.set('a', new YMap({ a1: 'hello' }))
  const link = map.link('a')!
  t.true(link instanceof YWeakLink)
  t.true(link.prelim)
  t.is(link.type, 7)
  t.false(link.alive())
  t.is(link.doc, undefined as unknown as YDoc)
  throwsCode(t, () => link.id, 'ERR_PRELIMINARY_TYPE')
  t.deepEqual(link.deref().toJson(), { a1: 'hello' }, 'preliminary links can be followed')
  map.set('b', link)
  t.false(link.prelim)
  t.true(link.alive())
  t.is(link.doc, doc)
  t.deepEqual(link.id, map.get('b').id)
  exchange(doc, other)
  for (const it of [map, other.getMap('map')]) t.deepEqual(it.get('b').deref().toJson(), { a1: 'hello' })
  other.getMap('map').get('a').set('a2', 'world')
  exchange(doc, other)
  t.deepEqual(link.deref().toJson(), { a1: 'hello', a2: 'world' })
  map.set('a', 'replaced')
  exchange(doc, other)
  t.is(link.deref(), 'replaced')
  t.is(other.getMap('map').get('b').deref(), 'replaced')
  t.deepEqual(link.unquote(), [])
  t.is(map.link('never'), undefined)
  map.delete('a')
  t.is(link.deref(), undefined)
  t.is(map.link('a'), undefined, 'deleted entries have no links')
})

test('a_deleted_link_can_not_be_followed', (t) => {
  const [doc, other] = pair()
  const map = doc.getMap('map')
  map.set('a', 1)
  const link = map.link('a')!
  map.set('b', link)
  exchange(doc, other)
  const remote = other.getMap('map').get('b')
  other.getMap('map').delete('b')
  exchange(doc, other)
  for (const it of [link, remote]) {
    t.false(it.alive())
    throwsCode(t, () => it.deref(), 'ERR_DELETED_TYPE')
    throwsCode(t, () => it.unquote(), 'ERR_DELETED_TYPE')
    throwsCode(t, () => it.toString(), 'ERR_DELETED_TYPE')
  }
})

test('quotes_a_range_of_an_array', (t) => {
  const [doc, other] = pair()
  const array = doc.getArray('array')
  array.insert(0, [1, 2, new YMap({ key: 'value' }), 3])
  const link = array.quote(1, 3)
  t.deepEqual(plain(link.unquote()), [2, { key: 'value' }, 3], 'preliminary links can be unquoted')
  t.is(link.deref(), 2)
  array.insert(0, [link])
  exchange(doc, other)
  const remote = other.getArray('array').get(0)
  t.deepEqual(plain(remote.unquote()), [2, { key: 'value' }, 3])
  t.is(remote.deref(), 2)
  other.getArray('array').insert(3, ['A', 'B'])
  exchange(doc, other)
  for (const it of [link, remote]) t.deepEqual(plain(it.unquote()), [2, 'A', 'B', { key: 'value' }, 3])
  array.delete(1, 6)
  exchange(doc, other)
  for (const it of [link, remote]) t.deepEqual(it.unquote(), [])
})

function plain(values: unknown[]): unknown[] {
  return values.map((value) => (value instanceof YMap ? value.toJson() : value))
}

const ranges: Array<[lower: number | null, upper: number | null, lowerOpen: boolean, upperOpen: boolean, is: string]> = [
  [0, 0, false, false, 'a'],
  [1, 3, false, false, 'bcd'],
  [1, 3, true, false, 'cd'],
  [1, 3, false, true, 'bc'],
  [1, 3, true, true, 'c'],
  [null, 2, false, false, 'abc'],
  [2, null, false, false, 'cde'],
  [null, null, false, false, 'abcde'],
  [4, 4, false, false, 'e']
]

for (const [lower, upper, lowerOpen, upperOpen, expected] of ranges) {
  const label = `${lowerOpen ? '(' : '['}${lower}, ${upper}${upperOpen ? ')' : ']'}`
  test(`ends_of_ranges_are_open_or_closed: ${label}`, (t) => {
    const doc = new YDoc({ clientID: 1 })
    const [array, text, links] = [doc.getArray('array'), doc.getText('text'), doc.getMap('links')]
    array.insert(0, [...'abcde'])
    text.insert(0, 'abcde')
    const [quotedArray, quotedText] = [array, text].map((it) => it.quote(lower, upper, lowerOpen, upperOpen))
    t.is(quotedArray.unquote().join(''), expected)
    t.is(quotedText.toString(), expected)
    links.set('array', quotedArray)
    links.set('text', quotedText)
    const replica = new YDoc()
    applyUpdate(replica, encodeStateAsUpdate(doc))
    for (const it of [links, replica.getMap('links')]) {
      t.is(it.get('array').unquote().join(''), expected)
      t.is(it.get('text').toString(), expected)
    }
  })
}

test('quotes_count_utf16_units_and_keep_formats', (t) => {
  const doc = new YDoc({ clientID: 1 })
  const text = doc.getText('text')
  text.insert(0, 'a😀b')
  text.format(3, 1, { b: true })
  const link = text.quote(1, 3)
  doc.getMap('links').set('text', link)
  t.is(link.toString(), '😀<b>b</b>')
  text.insert(3, 'é')
  t.is(link.toString(), '😀é<b>b</b>')
})

test('ranges_outside_are_refused_and_poison_nothing', (t) => {
  const doc = new YDoc()
  const [array, text] = [doc.getArray('array'), doc.getText('text')]
  for (const type of [array, text]) throwsCode(t, () => type.quote(0, 0), 'ERR_OUT_OF_RANGE', 'empty')
  array.insert(0, [1, 2, 3])
  text.insert(0, 'abc')
  const outside: Array<[lower: number | undefined, upper: number | undefined, code: string]> = [
    [0, 3, 'ERR_OUT_OF_RANGE'],
    [3, 3, 'ERR_OUT_OF_RANGE'],
    [2, 1, 'ERR_OUT_OF_RANGE'],
    [undefined, 3, 'ERR_OUT_OF_RANGE'],
    [3, undefined, 'ERR_OUT_OF_RANGE'],
    [-1, 1, 'ERR_OUT_OF_RANGE'],
    [0.5, 1, 'ERR_OUT_OF_RANGE'],
    [0, 2 ** 32, 'ERR_OUT_OF_RANGE']
  ]
  for (const type of [array, text]) {
    for (const [lower, upper, code] of outside) throwsCode(t, () => type.quote(lower, upper), code, `${lower} ${upper}`)
  }
  for (const type of [array, text]) throwsCode(t, () => type.quote(1, 1, true), 'ERR_OUT_OF_RANGE', 'nothing inside')
  throwsCode(t, () => new YText('abc').quote(0, 1), 'ERR_PRELIMINARY_TYPE')
  throwsCode(t, () => new YMap({ a: 1 }).link('a'), 'ERR_PRELIMINARY_TYPE')
  t.deepEqual(array.toJson(), [1, 2, 3])
})

test('links_stay_in_their_document_and_are_inserted_once', (t) => {
  const [doc, other] = pair()
  const map = doc.getMap('map')
  map.set('a', 1)
  const link = map.link('a')!
  throwsCode(t, () => other.getMap('map').set('b', link), 'ERR_WRONG_DOCUMENT')
  throwsCode(t, () => other.getArray('array').insert(0, [new YMap({ link })]), 'ERR_WRONG_DOCUMENT')
  t.is(other.getArray('array').length(), 0)
  throwsCode(t, () => map.set('b', { link }), 'ERR_UNSUPPORTED_VALUE')
  throwsCode(t, () => doc.getArray('array').insert(0, [link, link]), 'ERR_INTEGRATED_TYPE')
  map.set('nested', new YMap({ link }))
  t.false(link.prelim)
  t.is(map.get('nested').get('link').deref(), 1)
  throwsCode(t, () => map.set('b', link), 'ERR_INTEGRATED_TYPE')
})

test('observers_hear_of_changes_of_what_a_link_points_to', (t) => {
  const [doc, other] = pair()
  const [map, array] = [doc.getMap('map'), doc.getArray('array')]
  map.set('a', 'value')
  array.insert(0, ['A', 'B', 'C'])
  const links = doc.getMap('links')
  links.set('entry', map.link('a')!)
  links.set('range', array.quote(1, 2))
  exchange(doc, other)
  const seen: unknown[] = []
  for (const it of [doc, other]) {
    const [entry, range] = [it.getMap('links').get('entry'), it.getMap('links').get('range')]
    entry.observe((event: YWeakLinkEvent) => {
      t.true(event instanceof YWeakLinkEvent)
      t.deepEqual(event.path(), [])
      t.is(event.origin, it === doc ? undefined : 'remote')
      seen.push(event.target.deref())
    })
    range.observe((event: YWeakLinkEvent) => seen.push(event.target.unquote()))
  }
  const send = () => applyUpdate(other, encodeStateAsUpdate(doc, encodeStateVector(other)), 'remote')
  map.set('a', 'value2')
  t.deepEqual(seen.splice(0), ['value2'])
  send()
  t.deepEqual(seen.splice(0), ['value2'])
  array.delete(1, 1)
  send()
  t.deepEqual(seen.splice(0), [['C'], ['C']])
  map.delete('a')
  send()
  t.deepEqual(seen.splice(0), [undefined, undefined])
  array.delete(0, 1)
  send()
  t.deepEqual(seen, [], 'not in the range')
})

test('observers_of_links_are_removed_by_identity', (t) => {
  const doc = new YDoc()
  const map = doc.getMap('map')
  map.set('a', 1)
  const link = map.link('a')!
  const listener = () => t.fail()
  throwsCode(t, () => link.observe(listener), 'ERR_PRELIMINARY_TYPE')
  throwsCode(t, () => link.observeDeep(listener), 'ERR_PRELIMINARY_TYPE')
  map.set('b', link)
  link.observe(listener)
  link.observeDeep(listener)
  t.true(link.unobserve(listener))
  t.false(link.unobserve(listener))
  t.true(link.unobserveDeep(listener))
  t.false(link.unobserveDeep(listener))
  map.set('a', 2)
  link.free()
})

test('deep_observers_follow_links', (t) => {
  const doc = new YDoc({ clientID: 1 })
  const [map, array] = [doc.getMap('map'), doc.getArray('array')]
  const nested = new YMap()
  array.insert(0, [nested])
  map.set('link', array.quote(0, 0))
  const seen: YEvent[][] = []
  map.observeDeep((events) => seen.push(events))
  map.get('link').observeDeep((events: YEvent[]) => seen.push(events))
  nested.set('key', 'value')
  t.is(seen.length, 2)
  for (const [event] of seen.splice(0)) {
    t.true(event instanceof YMapEvent)
    t.deepEqual((event as YMapEvent).keys, { key: { action: 'add', newValue: 'value' } })
    t.deepEqual((event.target as YMap).toJson(), { key: 'value' })
  }
  array.delete(0, 1)
  t.is(seen.length, 2)
  for (const [event] of seen) t.true(event instanceof YWeakLinkEvent)
})

test('chains_of_links_are_followed_to_their_end', (t) => {
  const doc = new YDoc({ clientID: 1 })
  const [map1, map2] = [doc.getMap('map1'), doc.getMap('map2')]
  map2.set('key', 'value1')
  map1.set('link-key', map2.link('key')!)
  map2.set('link-link', map1.link('link-key')!)
  const seen: unknown[] = []
  map2.get('link-link').observeDeep((events: YEvent[]) => {
    for (const event of events) seen.push((event.target as YWeakLink).deref())
  })
  map2.set('key', 'value2')
  t.deepEqual(seen, ['value2'])
})

test('a_link_may_stand_in_its_own_range', (t) => {
  const [doc, other] = pair()
  const array = doc.getArray('array')
  array.insert(0, [1, 2, 3, 4])
  const link = array.quote(0, 3, false, true)
  array.insert(1, [link])
  exchange(doc, other)
  for (const it of [array, other.getArray('array')]) {
    const values = it.get(1).unquote()
    t.true(values[1] instanceof YWeakLink)
    t.deepEqual([values[0], ...values.slice(2)], [1, 2, 3])
  }
})

test('links_appear_in_deltas_and_json', (t) => {
  const doc = new YDoc({ clientID: 1 })
  const array = doc.getArray('array')
  array.insert(0, ['a', 'b'])
  let inserted: unknown
  array.observe((event: YArrayEvent) => {
    const [step] = event.delta
    if ('insert' in step) inserted = step.insert[0]
  })
  array.insert(0, [array.quote(0, 1)])
  t.true(inserted instanceof YWeakLink)
  t.deepEqual((inserted as YWeakLink).unquote(), ['a', 'b'])
  t.is(array.toJson().length, 3)
})

test('replicas_with_links_converge_under_random_edits', (t) => {
  const random = new Random()
  t.log(`SEED=${random.seed}`)
  for (let run = 0; run < 15; run++) {
    const docs = [1, 2, 3].map((clientID) => new YDoc({ clientID }))
    for (let step = 0; step < 80; step++) {
      const doc = random.pick(docs)
      const [array, text, links] = [doc.getArray('array'), doc.getText('text'), doc.getMap('links')]
      const type = random.pick([array, text])
      const length = type.length()
      const at = random.below(length + 1)
      switch (random.below(5)) {
        case 0:
          if (length > 0) {
            const lower = random.below(length)
            const upper = lower + random.below(length - lower)
            const [lowerOpen, upperOpen] = [lower < upper && random.chance(20), lower < upper && random.chance(20)]
            links.set(random.pick(['a', 'b', 'c']), type.quote(lower, upper, lowerOpen, upperOpen))
          }
          break
        case 1:
          if (at < length) type.delete(at, 1 + random.below(length - at))
          break
        case 2:
          exchange(doc, random.pick(docs))
          break
        default:
          array.insert(random.below(array.length() + 1), [step, new YMap({ step })].slice(random.below(2)))
          text.insert(random.below(text.length() + 1), random.pick(['a', 'bc', 'é']))
      }
      for (const key of ['a', 'b', 'c']) {
        links.get(key)?.unquote()
        links.get(key)?.toString()
      }
    }
    exchange(...docs)
    exchange(...docs)
    const views = docs.map((doc) => {
      const links = doc.getMap('links')
      return {
        array: doc.getArray('array').toJson(),
        text: doc.getText('text').toString(),
        quotes: ['a', 'b', 'c'].map((key) => plain(links.get(key)?.unquote() ?? [])),
        texts: ['a', 'b', 'c'].map((key) => links.get(key)?.toString())
      }
    })
    t.deepEqual(views[1], views[0], `run ${run}`)
    t.deepEqual(views[2], views[0], `run ${run}`)
  }
})
