import test from 'ava'
import * as awarenessProtocol from 'y-protocols/awareness'
import * as Y from 'yjs'

import {
  applyAwarenessUpdate,
  Awareness,
  encodeAwarenessUpdate,
  modifyAwarenessUpdate,
  removeAwarenessStates,
  YDoc
} from '../index.js'
import { throwsCode } from './helpers/errors.ts'

/** An update of two clients, made by y-protocols. */
function update(): Uint8Array {
  const awareness = new awarenessProtocol.Awareness(new Y.Doc())
  awareness.states.set(7, { name: 'seven' }).set(8, { name: 'eight' })
  awareness.meta.set(7, { clock: 1, lastUpdated: 0 }).set(8, { clock: 1, lastUpdated: 0 })
  const bytes = awarenessProtocol.encodeAwarenessUpdate(awareness, [7, 8])
  awareness.destroy()
  return bytes
}

test('states_of_clients_are_removed', (t) => {
  for (const clients of [[7, 8], BigUint64Array.of(7n, 8n), [7n, 8]]) {
    const awareness = new Awareness(new YDoc({ clientID: 1 }))
    awareness.setLocalState({ name: 'me' })
    applyAwarenessUpdate(awareness, update())
    t.deepEqual([...awareness.getStates().keys()].sort(), [1, 7, 8])
    const removed: number[] = []
    awareness.on('change', (changes) => removed.push(...changes.removed))
    removeAwarenessStates(awareness, clients)
    t.deepEqual(removed.sort(), [7, 8])
    t.deepEqual([...awareness.getStates().keys()], [1])
  }
})

test('states_of_an_update_go_through_a_function', (t) => {
  const seen: unknown[] = []
  const modified = modifyAwarenessUpdate(update(), (state, client) => {
    seen.push([client, state.name])
    return client === 7 ? { ...state, color: 'red' } : null
  })
  t.deepEqual(seen.sort(), [
    [7, 'seven'],
    [8, 'eight']
  ])
  const awareness = new Awareness(new YDoc({ clientID: 1 }))
  applyAwarenessUpdate(awareness, modified)
  t.deepEqual([...awareness.getStates()], [[7, { name: 'seven', color: 'red' }]])
  const theirs = awarenessProtocol.modifyAwarenessUpdate(update(), (state: object) => state)
  t.deepEqual(
    modifyAwarenessUpdate(update(), (state) => state),
    theirs
  )
  t.true(encodeAwarenessUpdate(awareness).length > 0)
})

test('a_function_that_fails_throws_to_the_caller', (t) => {
  const thrown = { mine: true }
  const failing = () => {
    throw thrown
  }
  t.is(t.throws(() => modifyAwarenessUpdate(update(), failing), { any: true }) as unknown, thrown)
  throwsCode(t, () => modifyAwarenessUpdate(update(), () => undefined), 'ERR_UNSUPPORTED_VALUE', 'no JSON form')
  throwsCode(t, () => modifyAwarenessUpdate(Uint8Array.of(5), (it) => it), 'ERR_INVALID_UPDATE', 'garbage')
})
