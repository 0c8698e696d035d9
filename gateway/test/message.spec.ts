import test from 'ava'
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { decodeMessage, encodeMessage, type Message } from '../src/message.js'
import { Refusal } from '../src/refusal.js'
import { step1, step2, textUpdate, update } from './support/client.js'

const doubled = (payload: Uint8Array) => Uint8Array.of(payload[0]!, ...payload)

const MESSAGES: [label: string, message: Message, bytes: number[]][] = [
  ['step 1', { type: 'step-1', stateVector: Uint8Array.of(0) }, [0, 0, 1, 0]],
  ['step 2', { type: 'step-2', update: Uint8Array.of(0, 0) }, [0, 1, 2, 0, 0]],
  ['an update', { type: 'update', update: Uint8Array.of(0, 0) }, [0, 2, 2, 0, 0]],
  ['awareness', { type: 'awareness', update: Uint8Array.of(0) }, [1, 1, 0]],
  ['a denial', { type: 'permission-denied', reason: 'no' }, [2, 0, 2, 110, 111]],
  ['a query for awareness', { type: 'query-awareness' }, [3]]
]

for (const [label, message, bytes] of MESSAGES) {
  test(`writes ${label} with one type byte`, (t) => t.deepEqual([...encodeMessage(message)], bytes))
  test(`reads ${label}`, (t) => t.deepEqual(decodeMessage(Uint8Array.from(bytes)), message))
  test(`reads ${label} with the type byte doubled`, (t) => {
    t.deepEqual(decodeMessage(doubled(Uint8Array.from(bytes))), message)
  })
}

test('reads what y-protocols writes, single and doubled, of any size', (t) => {
  const doc = new Y.Doc()
  for (let size = 0; size < 300; size += 7) {
    Y.applyUpdate(doc, textUpdate('x'.repeat(size), size + 1))
    const messages: [type: Message['type'], payload: Uint8Array][] = [
      ['step-1', step1(doc)],
      ['step-2', step2(doc)],
      ['update', update(textUpdate('x'.repeat(size)))]
    ]
    for (const [type, payload] of messages) {
      t.is(decodeMessage(payload).type, type)
      t.deepEqual(decodeMessage(doubled(payload)), decodeMessage(payload))
    }
  }
})

const REFUSED: [label: string, bytes: number[]][] = [
  ['nothing', []],
  ['an unknown type', [4]],
  ['an unknown sync step', [0, 3, 0]],
  ['an unknown auth message', [2, 1, 0]],
  ['a length beyond the end', [0, 2, 9, 0]],
  ['bytes after the end', [0, 2, 2, 0, 0, 7]],
  ['two messages in one payload', [0, 2, 2, 0, 0, 0, 2, 2, 0, 0]],
  ['the type byte three times', [0, 0, 0, 2, 2, 0, 0]],
  ['an integer beyond 2^53', [0, 2, ...encoding.encode((e) => encoding.writeVarUint(e, 2 ** 53 - 1)), 0xff, 0xff]]
]

for (const [label, bytes] of REFUSED) {
  test(`refuses ${label}`, (t) => {
    const error = t.throws(() => decodeMessage(Uint8Array.from(bytes)), { instanceOf: Refusal })
    t.is(error.code, 'bad-message')
  })
}
