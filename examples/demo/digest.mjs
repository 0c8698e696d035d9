// Hashes of what a replica holds, comparable between implementations of Yjs.
import { createHash } from 'node:crypto'
import * as decoding from 'lib0/decoding'
import { mergeRuns } from './delta.mjs'

/** Per part its hash and what it is made of, for people. `delta` is a Quill delta, the vectors are V1 state vectors. */
export function digest({ text, delta, map, array, vectors }) {
  const runs = mergeRuns(delta)
  const replicas = vectors.map(readStateVector)
  return {
    'readme text': part(text, `${text.length} characters`),
    'readme formats': part(runs, `${runs.length} runs`),
    'readme statistics': part(map, `${Object.keys(map).length} keys`),
    'review comments': part(array, `${array.length} comments`),
    'state vectors': part(replicas, `${new Set(replicas.flatMap(Object.keys)).size} client ids`)
  }
}

function part(value, size) {
  const hash = createHash('sha256')
    .update(JSON.stringify(sortKeys(value)))
    .digest('hex')
    .slice(0, 8)
  return { hash, size }
}

function readStateVector(bytes) {
  const decoder = decoding.createDecoder(bytes)
  const clocks = {}
  for (let rest = decoding.readVarUint(decoder); rest > 0; rest--) {
    const client = decoding.readVarUint(decoder)
    clocks[client] = decoding.readVarUint(decoder)
  }
  return clocks
}

/** The order of keys is not content either. */
function sortKeys(value) {
  if (Array.isArray(value)) return value.map(sortKeys)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sortKeys(value[key])])
  )
}
