// What the TypeScript provider does, its defects repaired so that it runs: socket.io-client, and a document of ywasm or
// yjs on the event loop. Modes: `ywasm`, `yjs`, each also with `-observed`.
import { createRequire } from 'node:module'
import { createHash } from 'node:crypto'
import { io } from 'socket.io-client'
import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'
import { begin, hash, mode, port, reportWhen, total } from './measure.mjs'

const W = createRequire(import.meta.url)('ywasm')
const [library, isObserved] = [mode.split('-')[0], mode.endsWith('-observed')]
const doc = library === 'ywasm' ? new W.YDoc() : new Y.Doc()
const text = doc.getText('text')
let changes = 0
if (isObserved) text.observe((event) => (changes += event.delta.length))
const apply = library === 'ywasm' ? W.applyUpdate : Y.applyUpdate

const socket = io(`ws://127.0.0.1:${port}`, { transports: ['websocket'] })
let count = 0
socket.on('connect', () => socket.emit('y-kafka-collabation-server-sync', Buffer.from([0, 0, 0])))
socket.on('y-kafka-collabation-server-sync', (data) => {
  const envelope = new Uint8Array(data)
  const length = envelope[0] | (envelope[1] << 8)
  JSON.parse(Buffer.from(envelope.subarray(2, 2 + length)).toString())
  const decoder = decoding.createDecoder(envelope.subarray(2 + length))
  decoding.readVarUint(decoder)
  decoding.readVarUint(decoder)
  apply(doc, decoding.readVarUint8Array(decoder), socket)
  count++
})
begin()

const isEqual = () => createHash('sha256').update(text.toString()).digest('hex').slice(0, 16) === hash
reportWhen(
  () => count >= total && isEqual(),
  () => ({ changes })
)
