// Reads what `Inputs` wrote: records of a length (u32, little endian) and as many bytes.
import { readFileSync } from 'node:fs'

export function* readRecords(file) {
  const bytes = readFileSync(file)
  for (let at = 0; at < bytes.length;) {
    const end = at + 4 + bytes.readUInt32LE(at)
    yield bytes.subarray(at + 4, end)
    at = end
  }
}

/** `[position, deleted, inserted]` of every edit. */
export function readPatches(file) {
  return Array.from(readRecords(file), (record) => [
    record.readUInt32LE(0),
    record.readUInt32LE(4),
    record.toString('utf8', 8)
  ])
}
