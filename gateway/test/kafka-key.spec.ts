import test from 'ava'
import { documentOfKey, kafkaKey, murmur2, partitionOf } from '../src/kafka-key.js'

/* Hashes as `org.apache.kafka.common.utils.Utils.murmur2` of kafka-clients 4.1.1 gives them. */
const HASHES: [key: string, hash: number][] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107]
]

test('hashes as Java clients do', (t) => {
  for (const [key, hash] of HASHES) t.is(murmur2(Buffer.from(key)), hash, key)
})

test('partitions are in range, whatever the sign of the hash', (t) => {
  for (let i = 0; i < 1000; i++) {
    const partition = partitionOf(Buffer.from(`key ${i}`), 7)
    t.true(Number.isInteger(partition) && partition >= 0 && partition < 7)
  }
})

test('a key is room, NUL, document', (t) => {
  t.is(kafkaKey({ roomId: 'rööm', docId: 'a/b' }).toString(), 'rööm\0a/b')
})

const NAMES = ['a', 'ab', 'a\0', '\0', '\0\0', '\u0001', '\u0001\u0001', '\u0001\u0002', 'a\0\u0001b', '\u0002', '🙂']

test('keys of any names are different, and say which document they are of', (t) => {
  const keys = new Set<string>()
  for (const roomId of NAMES) {
    for (const docId of NAMES) {
      const key = kafkaKey({ roomId, docId })
      t.deepEqual(documentOfKey(key), { roomId, docId })
      keys.add(key.toString())
    }
  }
  t.is(keys.size, NAMES.length ** 2)
})

test('keys of other programs are of no document', (t) => {
  for (const key of [
    null,
    undefined,
    Buffer.from(''),
    Buffer.from('room'),
    Buffer.from('\0'),
    Buffer.from('a\0b\0c')
  ]) {
    t.is(documentOfKey(key), undefined)
  }
})
