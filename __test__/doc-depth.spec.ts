// Shared types nested without end, as only a hostile peer makes them: the CRDT walks them recursively.
import test from 'ava'
import * as encoding from 'lib0/encoding'
import { applyUpdate, encodeStateAsUpdate, YDoc } from '../index.js'
import { throwsCode } from './helpers/errors.ts'

const LEVELS = 60_000

// Each array is the only element of the one before. Written by hand: yjs itself could not make it.
function nestedArrays(levels: number): Uint8Array {
  const ARRAY_ITEM = 7
  const encoder = encoding.createEncoder()
  for (const head of [1, levels, 1, 0]) encoding.writeVarUint(encoder, head) // one client, its blocks, its id, clock 0
  for (let level = 0; level < levels; level++) {
    encoding.writeUint8(encoder, ARRAY_ITEM)
    if (level === 0) {
      encoding.writeVarUint(encoder, 1)
      encoding.writeVarString(encoder, 'root')
    } else {
      for (const parent of [0, 1, level - 1]) encoding.writeVarUint(encoder, parent)
    }
    encoding.writeVarUint(encoder, 0)
  }
  encoding.writeVarUint(encoder, 0)
  return encoding.toUint8Array(encoder)
}

test('types_nested_without_end_are_refused_as_json_and_can_be_deleted', (t) => {
  const doc = new YDoc()
  const root = doc.getArray('root')
  applyUpdate(doc, nestedArrays(LEVELS))
  throwsCode(t, () => root.toJson(), 'ERR_UNSUPPORTED_VALUE')
  t.is(root.length(), 1, 'the document goes on')
  root.delete(0, 1)
  t.is(root.length(), 0)
})

test('a_peer_that_deletes_types_nested_without_end_takes_nobody_down', (t) => {
  const [doc, peer] = [new YDoc(), new YDoc()]
  applyUpdate(doc, nestedArrays(LEVELS))
  applyUpdate(peer, encodeStateAsUpdate(doc))
  peer.getArray('root').delete(0, 1)
  applyUpdate(doc, encodeStateAsUpdate(peer))
  t.deepEqual(doc.getArray('root').toJson(), [])
})
