import test from 'ava'

import { applyUpdate, encodeStateAsUpdate, YArray, YDoc, YMap, YText } from '../index.js'
import { throwsCode } from './helpers/errors.ts'

const nested = (depth: number, inner: unknown): any => (depth === 0 ? inner : [nested(depth - 1, inner)])

const VALUES: [string, any][] = [
  ['undefined', undefined],
  ['null', null],
  ['true', true],
  ['false', false],
  ['zero', 0],
  ['minus zero', -0],
  ['a negative integer', -5],
  ['the largest 31 bit integer', 2 ** 31 - 1],
  ['the smallest 31 bit integer', -(2 ** 31)],
  ['40 bits', 2 ** 40],
  ['the largest safe integer', Number.MAX_SAFE_INTEGER],
  ['the smallest safe integer', Number.MIN_SAFE_INTEGER],
  ['past the safe integers', 2 ** 53],
  ['far past the safe integers', 2 ** 70],
  ['a fraction that is a float32', 0.5],
  ['a fraction that is none', 0.1],
  ['the largest number', Number.MAX_VALUE],
  ['the smallest number', Number.MIN_VALUE],
  ['not a number', NaN],
  ['infinity', Infinity],
  ['minus infinity', -Infinity],
  ['a bigint past the safe integers', 2n ** 53n + 1n],
  ['the smallest bigint', -(2n ** 63n) + 1n],
  ['the largest bigint', 2n ** 63n - 2n],
  ['the empty string', ''],
  ['a string with a NUL', 'a\0b'],
  ['a string of all planes', 'aé漢😀\u{10ffff}'],
  ['a long string', 'x'.repeat(100_000)],
  ['bytes', new Uint8Array([0, 1, 255])],
  ['no bytes', new Uint8Array()],
  ['an empty array', []],
  ['an empty object', {}],
  ['an array with a hole', [1, undefined, 2]],
  ['an object with undefined', { a: undefined }],
  ['odd keys', { '': 1, 'a\0b': 2, ключ: 3, '0': 4, constructor: 5 }],
  ['all at once', { a: [1, { b: null, c: [new Uint8Array([1])] }], d: 'x' }],
  ['200 levels', nested(200, 1)]
]

test('every_value_comes_back_as_it_was_here_and_on_replicas', (t) => {
  for (const [label, value] of VALUES) {
    const doc = new YDoc()
    doc.getMap('map').set('key', value)
    doc.getArray('array').push([value, [value]].slice(0, label === '200 levels' ? 1 : 2))
    const replica = new YDoc()
    applyUpdate(replica, encodeStateAsUpdate(doc))
    for (const [where, it] of [
      ['here', doc],
      ['replica', replica]
    ] as const) {
      t.deepEqual(it.getMap('map').get('key'), value, `${label} ${where}`)
      t.deepEqual(it.getMap('map').toJson(), { key: value }, `${label} ${where}`)
      t.deepEqual(it.getArray('array').get(0), value, `${label} ${where}`)
      if (label !== '200 levels') t.deepEqual(it.getArray('array').values()[1], [value], `${label} ${where}`)
    }
  }
})

test('a_bigint_that_a_number_holds_becomes_one_here_and_on_replicas', (t) => {
  for (const value of [0n, 5n, -5n, 2n ** 40n, 2n ** 53n, 2n ** 60n, -(2n ** 63n)]) {
    const doc = new YDoc()
    doc.getMap('map').set('key', value)
    const replica = new YDoc()
    applyUpdate(replica, encodeStateAsUpdate(doc))
    t.is(doc.getMap('map').get('key'), Number(value))
    t.is(replica.getMap('map').get('key'), Number(value))
  }
})

test('views_of_bytes_are_stored_as_the_bytes_they_show', (t) => {
  const map = new YDoc().getMap('map')
  const buffer = new Uint8Array([1, 2, 3, 4]).buffer
  const cases: [string, any, number[]][] = [
    ['a part of a buffer', new Uint8Array(buffer, 1, 2), [2, 3]],
    ['a Node buffer', Buffer.from([5, 6]), [5, 6]],
    ['an ArrayBuffer', buffer, [1, 2, 3, 4]]
  ]
  for (const [label, value, bytes] of cases) {
    map.set('key', value)
    t.deepEqual(map.get('key'), new Uint8Array(bytes), label)
  }
  const bytes = new Uint8Array([1])
  map.set('key', bytes)
  bytes[0] = 9
  t.deepEqual(map.get('key'), new Uint8Array([1]), 'a copy went in')
  map.get('key')[0] = 9
  t.deepEqual(map.get('key'), new Uint8Array([1]), 'and a copy came out')
})

test('own_enumerable_properties_make_an_object', (t) => {
  const map = new YDoc().getMap('map')
  class Point {
    x = 1
    get y() {
      return 2
    }
  }
  const cases: [string, any, unknown][] = [
    ['an instance of a class', new Point(), { x: 1 }],
    ['an object without prototype', Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    ['an empty one', Object.create(null), {}],
    ['inherited properties', Object.create({ inherited: 1 }, { own: { value: 2, enumerable: true } }), { own: 2 }],
    ['symbols', { [Symbol('s')]: 1, a: 2 }, { a: 2 }],
    ['a getter', { get a() { return 1 } }, { a: 1 }], // prettier-ignore
    ['a proxy', new Proxy({ a: 1 }, {}), { a: 1 }]
  ]
  for (const [label, value, expected] of cases) {
    map.set('key', value)
    t.deepEqual(map.get('key'), expected, label)
  }
})

test('__proto__is_a_key_like_any_other', (t) => {
  const doc = new YDoc()
  const hostile = JSON.parse('{"__proto__": {"isAdmin": true}, "a": 1}')
  doc.getMap('map').set('key', hostile)
  doc.getText('text').insert(0, 'x', hostile)
  const replica = new YDoc()
  let attributes: any
  replica.getText('text').observe((event) => (attributes = (event.delta[0] as any).attributes))
  applyUpdate(replica, encodeStateAsUpdate(doc))
  for (const [label, value] of Object.entries({
    value: replica.getMap('map').get('key'),
    json: replica.getMap('map').toJson().key,
    delta: replica.getText('text').toDelta()[0].attributes as any,
    event: attributes
  })) {
    t.is(Object.getPrototypeOf(value), Object.prototype, label)
    t.is(value.isAdmin, undefined, label)
    t.deepEqual(Object.keys(value).sort(), ['__proto__', 'a'], label)
  }
})

test('what_can_not_be_stored_is_refused_before_anything_changes', (t) => {
  const cycle: any = { a: [] }
  cycle.a.push(cycle)
  const cases: [string, any][] = [
    ['a function', () => {}],
    ['a class', class {}],
    ['a symbol', Symbol('s')],
    ['a cycle', cycle],
    ['201 levels', nested(201, 1)],
    ['201 levels around nothing', nested(200, [])],
    ['endless nesting', nested(5_000, 1)],
    ['a bigint of 64 bits', 2n ** 63n],
    ['the bigint that the CRDT writes as another', 2n ** 63n - 1n],
    ['floats', new Float32Array(1)],
    ['a view of data', new DataView(new ArrayBuffer(1))],
    ['a map', new Map([[1, 2]])],
    ['a set', new Set([1])],
    ['a promise', Promise.resolve()],
    ['a document in an object', { nested: new YDoc() }],
    ['a shared type in a plain object', { a: new YText('x') }],
    ['a shared type in a plain array', [new YMap()]],
    ['a shared type of a document in a plain array', [new YDoc().getArray('x')]]
  ]
  const doc = new YDoc()
  const [text, array, map] = [doc.getText('text'), doc.getArray('array'), doc.getMap('map')]
  text.insert(0, 'abc')
  doc.on('update', () => t.fail('an update was made'))
  for (const [label, value] of cases) {
    for (const [where, bad] of [
      ['itself', value],
      ['inside', { ok: [1, value] }]
    ] as const) {
      throwsCode(t, () => map.set('key', bad), 'ERR_UNSUPPORTED_VALUE', `map, ${label} ${where}`)
      throwsCode(t, () => array.insert(0, ['ok', bad, 'ok']), 'ERR_UNSUPPORTED_VALUE', `array, ${label} ${where}`)
      throwsCode(t, () => array.push([new YMap({ bad })]), 'ERR_UNSUPPORTED_VALUE', `in a type, ${label} ${where}`)
      throwsCode(t, () => text.insertEmbed(0, bad), 'ERR_UNSUPPORTED_VALUE', `embed, ${label} ${where}`)
      throwsCode(t, () => text.insert(0, 'x', { bad }), 'ERR_UNSUPPORTED_VALUE', `attribute, ${label} ${where}`)
    }
  }
  t.is(array.length() + map.length(), 0)
  t.deepEqual(text.toDelta(), [{ insert: 'abc' }])
})

test('embeds_and_attributes_nest_only_as_deep_as_replicas_read_them', (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  text.insertEmbed(0, nested(126, 1), { deep: nested(125, 1) })
  throwsCode(t, () => text.insertEmbed(0, nested(128, 1)), 'ERR_UNSUPPORTED_VALUE')
  throwsCode(t, () => text.insertEmbed(0, nested(127, [])), 'ERR_UNSUPPORTED_VALUE')
  throwsCode(t, () => text.format(0, 1, { deep: nested(128, 1) }), 'ERR_UNSUPPORTED_VALUE')
  const replica = new YDoc()
  applyUpdate(replica, encodeStateAsUpdate(doc))
  t.deepEqual(replica.getText('text').toDelta(), text.toDelta())
})

test('what_a_getter_throws_reaches_the_caller', (t) => {
  const doc = new YDoc()
  const error = new Error('getter')
  const value = {
    get bad() {
      throw error
    }
  }
  t.is(
    t.throws(() => doc.getMap('map').set('key', value as any)),
    error
  )
  t.is(
    t.throws(() => doc.getArray('array').push([1, value as any])),
    error
  )
  t.is(doc.getMap('map').length() + doc.getArray('array').length(), 0)
})

test('a_getter_that_edits_the_document_does_not_confuse_it', (t) => {
  const doc = new YDoc()
  const array = doc.getArray('array')
  array.push([
    {
      get sneaky() {
        array.push(['from the getter'])
        return 1
      }
    }
  ])
  t.deepEqual(array.toJson(), ['from the getter', { sneaky: 1 }])
  const inner = new YArray()
  inner.push([{ get a() { inner.push([1]); return 2 } }]) // prettier-ignore
  array.insert(0, [inner])
  t.false(inner.prelim)
})
