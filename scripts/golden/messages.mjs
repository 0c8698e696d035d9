// Envelopes, and what is in them: y messages and awareness updates.

import * as encoding from 'lib0/encoding'
import * as authProtocol from 'y-protocols/auth'
import * as awarenessProtocol from 'y-protocols/awareness'
import * as syncProtocol from 'y-protocols/sync'
import * as Y from 'yjs'
import { bytesOf, hex } from './bytes.mjs'
import { docWith } from './documents.mjs'

/** The frame of the TypeScript provider, written from its description: there is no library for it. */
export function envelopes() {
  const full = {
    roomId: 'room',
    docId: 'doc',
    parentId: 'root',
    senderId: 'wZX3oN0bSVIhsaknAAAI',
    version: '42',
    timestamp: 1700000000000
  }
  const { roomId, docId } = full
  const rows = [
    ['all fields', full, [0, 2, 2, 0, 0]],
    ['only what is required', { roomId, docId }, [3]],
    ['empty payload', { roomId, docId }, []],
    ['sender and time', { roomId, docId, senderId: 'a', timestamp: 1 }, [1, 1, 0]],
    ['not ASCII, escapes', { roomId: 'grüße 🚀', docId: 'a"b\\c\n\u2028' }, [0, 0, 1, 0]]
  ]
  return rows.map(([label, metadata, payload]) => {
    const json = Buffer.from(JSON.stringify(metadata))
    const length = Buffer.alloc(2)
    length.writeUInt16LE(json.length)
    const bytes = Buffer.concat([length, json, Uint8Array.from(payload)])
    return { label, kind: 'envelope', hex: hex(bytes), metadata, payload: hex(Uint8Array.from(payload)) }
  })
}

const SYNC = 0
const AWARENESS = 1
const AUTH = 2
const QUERY_AWARENESS = 3

export function yMessages() {
  const doc = docWith(7, (d) => d.getText('body').insert(0, 'hello'))
  const large = docWith(8, (d) => d.getText('body').insert(0, 'x'.repeat(300)))
  const awareness = encodeAwareness([[1, 1, { name: 'Ada' }]])
  const message = (type, write) =>
    encoding.encode((encoder) => {
      encoding.writeVarUint(encoder, type)
      write(encoder)
    })
  const rows = [
    ['step 1', 'sync-step-1', Y.encodeStateVector(doc), message(SYNC, (e) => syncProtocol.writeSyncStep1(e, doc))],
    [
      'step 1 of an empty document',
      'sync-step-1',
      bytesOf(0),
      message(SYNC, (e) => syncProtocol.writeSyncStep1(e, new Y.Doc()))
    ],
    ['step 2', 'sync-step-2', Y.encodeStateAsUpdate(doc), message(SYNC, (e) => syncProtocol.writeSyncStep2(e, doc))],
    [
      'step 2, nothing new',
      'sync-step-2',
      bytesOf(0, 0),
      message(SYNC, (e) => syncProtocol.writeSyncStep2(e, doc, Y.encodeStateVector(doc)))
    ],
    [
      'update',
      'update',
      Y.encodeStateAsUpdate(doc),
      message(SYNC, (e) => syncProtocol.writeUpdate(e, Y.encodeStateAsUpdate(doc)))
    ],
    [
      'update of more than 127 bytes',
      'update',
      Y.encodeStateAsUpdate(large),
      message(SYNC, (e) => syncProtocol.writeUpdate(e, Y.encodeStateAsUpdate(large)))
    ],
    ['awareness', 'awareness', awareness, message(AWARENESS, (e) => encoding.writeVarUint8Array(e, awareness))],
    [
      'awareness of nobody',
      'awareness',
      bytesOf(0),
      message(AWARENESS, (e) => encoding.writeVarUint8Array(e, bytesOf(0)))
    ],
    [
      'permission denied',
      'permission-denied',
      'no access to größe',
      message(AUTH, (e) => authProtocol.writePermissionDenied(e, 'no access to größe'))
    ],
    ['query awareness', 'query-awareness', undefined, message(QUERY_AWARENESS, () => {})]
  ]
  return rows.map(([label, type, body, bytes]) => {
    const entry = { label, kind: 'y-message', hex: hex(bytes), doubled: hex(bytesOf(bytes[0], ...bytes)), type }
    if (typeof body === 'string') entry.reason = body
    else if (body) entry.body = hex(body)
    return entry
  })
}

/** An awareness update of [client, clock, state] rows, written by y-protocols. */
function encodeAwareness(rows) {
  const states = new Map(rows.map(([client, , state]) => [client, state]))
  const meta = new Map(rows.map(([client, clock]) => [client, { clock }]))
  return awarenessProtocol.encodeAwarenessUpdate(
    { states, meta },
    rows.map(([client]) => client),
    states
  )
}

export function awarenessUpdates() {
  const rows = [
    ['nobody', []],
    ['one', [[1, 1, { name: 'Ada' }]]],
    ['one that left', [[1, 2, null]]],
    ['an empty state', [[2, 0, {}]]],
    [
      'several',
      [
        [1, 1, { user: { name: 'grüße 🚀', color: '#fff' }, cursor: { anchor: 1 } }],
        [2 ** 32 - 1, 300, null],
        [2 ** 53 - 1, 4294967295, []]
      ]
    ]
  ]
  return rows.map(([label, entries]) => ({
    label,
    kind: 'awareness',
    hex: hex(encodeAwareness(entries)),
    entries: entries.map(([clientId, clock, state]) => ({ clientId, clock, state: JSON.stringify(state) }))
  }))
}
