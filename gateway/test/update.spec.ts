import test from 'ava'
import * as Y from 'yjs'
import { Refusal } from '../src/refusal.js'
import { isAhead, isContained, parseUpdate } from '../src/update.js'
import { textUpdate } from './support/client.js'

const EMPTY = Uint8Array.of(0, 0)

const REFUSED: [label: string, bytes: Uint8Array, reason: RegExp][] = [
  ['nothing', new Uint8Array(), /does not decode/],
  ['a truncated update', textUpdate('hello').subarray(0, -4), /does not decode/],
  ['bytes after the end', Uint8Array.of(...textUpdate('hello'), 0), /bytes follow/],
  ['an update in V2 encoding', Y.encodeStateAsUpdateV2(docWith('hello')), /bytes follow/],
  ['an item that is its own left origin', Uint8Array.of(1, 1, 5, 0, 0x84, 5, 0, 1, 97, 0), /refers to itself/],
  ['an item that is its own right origin', Uint8Array.of(1, 1, 5, 0, 0x44, 5, 0, 1, 97, 0), /refers to itself/],
  ['an item that is its own parent', Uint8Array.of(1, 1, 5, 0, 0x04, 0, 5, 0, 1, 97, 0), /refers to itself/],
  ['a struct without length', Uint8Array.of(1, 1, 5, 0, 0, 0, 0), /struct is empty/],
  ['a deletion without length', Uint8Array.of(0, 1, 5, 1, 0, 0), /deletion is empty/]
]

for (const [label, bytes, reason] of REFUSED) {
  test(`refuses ${label}`, (t) => {
    const error = t.throws(() => parseUpdate(bytes), { instanceOf: Refusal })
    t.is(error.code, 'bad-message')
    t.regex(error.reason, reason)
  })
}

test('an update is contained once it was applied', (t) => {
  const doc = new Y.Doc()
  const update = parseUpdate(textUpdate('hello'))
  t.false(isContained(update, doc))
  Y.applyUpdate(doc, update.bytes)
  t.true(isContained(update, doc))
})

test('the empty update is always contained', (t) => {
  t.true(isContained(parseUpdate(EMPTY), new Y.Doc()))
})

test('a deletion is news until it was applied, though it moves no state vector', (t) => {
  const author = docWith('hello')
  const server = new Y.Doc()
  Y.applyUpdate(server, Y.encodeStateAsUpdate(author))
  author.getText('body').delete(1, 2)
  const deletion = parseUpdate(Y.encodeStateAsUpdate(author, Y.encodeStateVector(server)))
  t.is(deletion.content.structs.length, 0)
  t.false(isContained(deletion, server))
  Y.applyUpdate(server, deletion.bytes)
  t.true(isContained(deletion, server))
})

test('a deletion of what is missing is news', (t) => {
  const author = docWith('hello')
  author.getText('body').delete(0, 5)
  const stateVector = Y.encodeStateVector(author)
  t.false(isContained(parseUpdate(Y.encodeStateAsUpdate(author, stateVector)), new Y.Doc()))
})

test('a client is ahead when it has structs that the server lacks', (t) => {
  const author = docWith('hello')
  const server = new Y.Doc()
  t.true(isAhead(Y.encodeStateVector(author), server))
  Y.applyUpdate(server, Y.encodeStateAsUpdate(author))
  t.false(isAhead(Y.encodeStateVector(author), server))
})

test('refuses a truncated state vector', (t) => {
  t.throws(() => isAhead(Uint8Array.of(3, 1), new Y.Doc()), { instanceOf: Refusal })
})

test('whatever passes can be applied: mutated updates never throw in a document', (t) => {
  const random = seeded(20)
  const server = new Y.Doc()
  let passed = 0
  for (let round = 0; round < 400; round++) {
    for (const bytes of session(random)) {
      const mutated = bytes.slice()
      for (let n = random(4); n > 0; n--) mutated[random(mutated.length)] = random(2) === 0 ? random(256) : random(16)
      try {
        parseUpdate(mutated)
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        continue
      }
      passed++
      Y.applyUpdate(server, mutated)
    }
  }
  t.true(passed > 1000, `only ${passed} mutated updates got through`)
  t.notThrows(() => Y.applyUpdate(new Y.Doc(), Y.encodeStateAsUpdate(server)))
})

function docWith(text: string): Y.Doc {
  const doc = new Y.Doc()
  doc.getText('body').insert(0, text)
  return doc
}

/** The updates of a client that edits texts, maps and arrays. */
function session(random: (limit: number) => number): Uint8Array[] {
  const updates: Uint8Array[] = []
  const doc = new Y.Doc()
  doc.clientID = random(3) + 1
  doc.on('update', (bytes: Uint8Array) => updates.push(bytes))
  const text = doc.getText('body')
  const list = doc.getArray('list')
  const map = doc.getMap('map')
  const edits = [
    () => text.insert(random(text.length + 1), 'ab'),
    () => text.delete(0, Math.min(1, text.length)),
    () => text.format(0, text.length, { bold: true }),
    () => list.insert(0, [new Y.Map(), 1]),
    () => list.delete(0, Math.min(1, list.length)),
    () => map.set(`key${random(3)}`, random(2) === 0 ? random(9) : new Y.Text('x'))
  ]
  for (let i = 0; i < 12; i++) edits[random(edits.length)]!()
  return updates
}

function seeded(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return (state >>> 8) % limit
  }
}
