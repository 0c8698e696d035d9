import test from 'ava'
import * as awarenessProtocol from 'y-protocols/awareness'
import * as Y from 'yjs'
import { type AwarenessEntry, AwarenessMap, decodeAwareness, encodeAwareness } from '../src/awareness.js'
import { Refusal } from '../src/refusal.js'

const ANNA = { socketId: 'anna', token: undefined }
const BERT = { socketId: 'bert', token: undefined }

const entry = (clientId: number, clock: number, state: string | null = '{}'): AwarenessEntry => ({
  clientId,
  clock,
  state
})

test('reads what y-protocols writes, and writes what it reads', (t) => {
  const author = new awarenessProtocol.Awareness(new Y.Doc())
  author.setLocalState({ name: 'Anna' })
  const entries = decodeAwareness(awarenessProtocol.encodeAwarenessUpdate(author, [author.clientID]))
  t.deepEqual(entries, [{ clientId: author.clientID, clock: 1, state: '{"name":"Anna"}' }])

  const reader = new awarenessProtocol.Awareness(new Y.Doc())
  awarenessProtocol.applyAwarenessUpdate(reader, encodeAwareness(entries), 'test')
  t.deepEqual(reader.getStates().get(author.clientID), { name: 'Anna' })
  author.destroy()
  reader.destroy()
})

const REFUSED: [label: string, bytes: number[]][] = [
  ['nothing', []],
  ['fewer entries than announced', [2, 1, 1, 2, 123, 125]],
  ['bytes after the end', [1, 1, 1, 2, 123, 125, 0]],
  ['a state that is not JSON', [1, 1, 1, 1, 123]],
  ['a huge count', [255, 255, 255, 255, 15]]
]

for (const [label, bytes] of REFUSED) {
  test(`refuses ${label}`, (t) => {
    const error = t.throws(() => decodeAwareness(Uint8Array.from(bytes)), { instanceOf: Refusal })
    t.is(error.code, 'bad-message')
  })
}

test('takes higher clocks only', (t) => {
  const map = new AwarenessMap()
  t.is(map.apply([entry(1, 5)], ANNA, 0).accepted.length, 1)
  t.is(map.apply([entry(1, 5)], ANNA, 0).accepted.length, 0)
  t.is(map.apply([entry(1, 4)], ANNA, 0).accepted.length, 0)
  t.is(map.apply([entry(1, 6)], ANNA, 0).accepted.length, 1)
})

test('takes a removal with the clock of the state that it ends', (t) => {
  const map = new AwarenessMap()
  map.apply([entry(1, 5)], ANNA, 0)
  t.is(map.apply([entry(1, 5, null)], ANNA, 0).accepted.length, 1)
  t.deepEqual(map.present(), [])
})

test('removes what a socket owned, with the next clock', (t) => {
  const map = new AwarenessMap()
  map.apply([entry(1, 5), entry(2, 1)], ANNA, 0)
  map.apply([entry(3, 1)], BERT, 0)
  t.deepEqual(map.removeOwner('anna', 0), [entry(1, 6, null), entry(2, 2, null)])
  t.deepEqual(
    map.present().map(({ clientId }) => clientId),
    [3]
  )
  t.deepEqual(map.removeOwner('anna', 0), [])
})

test('an old state does not come back after its removal; its sender is told', (t) => {
  const map = new AwarenessMap()
  map.apply([entry(1, 5)], ANNA, 0)
  map.removeOwner('anna', 0)
  const { accepted, departed } = map.apply([entry(1, 5)], BERT, 0)
  t.deepEqual(accepted, [])
  t.like(departed, [entry(1, 6, null)])
  t.is(map.apply([entry(1, 7)], BERT, 0).accepted.length, 1)
})

test('another token can neither change nor remove a client', (t) => {
  const map = new AwarenessMap()
  const other = { socketId: 'carl', token: 'other' }
  map.apply([entry(1, 5)], ANNA, 0)
  t.is(map.apply([entry(1, 9), entry(1, 9, null)], other, 0).accepted.length, 0)
  t.deepEqual(map.removeOwner('carl', 0), [])
})

test('the same token takes a client over, and the old socket no longer removes it', (t) => {
  const map = new AwarenessMap()
  map.apply([entry(1, 5)], ANNA, 0)
  t.is(map.apply([entry(1, 6)], BERT, 0).accepted.length, 1)
  t.deepEqual(map.removeOwner('anna', 0), [])
  t.is(map.present().length, 1)
})

test('another socket with the same token cannot remove a client', (t) => {
  const map = new AwarenessMap()
  map.apply([entry(1, 5)], ANNA, 0)
  t.is(map.apply([entry(1, 6, null)], BERT, 0).accepted.length, 0)
})

test('clients that are not renewed are removed after 30 s', (t) => {
  const map = new AwarenessMap()
  map.apply([entry(1, 1), entry(2, 1)], ANNA, 0)
  map.apply([entry(2, 2)], ANNA, 15_000)
  t.deepEqual(map.expire(29_999), [])
  t.deepEqual(map.expire(30_000), [entry(1, 2, null)])
  t.deepEqual(
    map.present().map(({ clientId }) => clientId),
    [2]
  )
})

test('a removal is forgotten after another 30 s', (t) => {
  const map = new AwarenessMap()
  map.apply([entry(1, 5)], ANNA, 0)
  map.removeOwner('anna', 1000)
  map.expire(30_999)
  t.is(map.apply([entry(1, 5)], BERT, 30_999).departed.length, 1)
  map.expire(31_000)
  t.is(map.apply([entry(1, 5)], BERT, 31_000).accepted.length, 1)
})

test('one socket cannot bind clientIDs without end', (t) => {
  const map = new AwarenessMap()
  const entries = Array.from({ length: 65 }, (_, i) => entry(i, 1))
  const error = t.throws(() => map.apply(entries, ANNA, 0), { instanceOf: Refusal })
  t.is(error.code, 'too-large')
  t.deepEqual(map.present(), [])
})
