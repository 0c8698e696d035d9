// Writes fixtures/protocol.json: what the official JavaScript libraries put on the wire, for the tests in
// tests/golden.rs and __test__/. Run it again after an update of those libraries; the output depends on nothing but
// their versions. An argument is the file to write in its place.
//
// Bytes are hex strings. `header` and `text` are text frames. In `args` an attachment is {"$binary": hex}.

import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { decodePacket, encodePacket } from 'engine.io-parser'
import * as encoding from 'lib0/encoding'
import { Decoder, Encoder, PacketType } from 'socket.io-parser'
import * as authProtocol from 'y-protocols/auth'
import * as awarenessProtocol from 'y-protocols/awareness'
import * as syncProtocol from 'y-protocols/sync'
import * as Y from 'yjs'

const OUTPUT = process.argv[2] ?? new URL('../fixtures/protocol.json', import.meta.url)
const SYNC_EVENT = 'y-kafka-collabation-server-sync'

const hex = (bytes) => Buffer.from(bytes).toString('hex')
const bytesOf = (...values) => Uint8Array.from(values)

// --- Engine.IO ------------------------------------------------------------------------------------------------------

function enginePackets() {
  const handshake = {
    sid: 'lv_VI97HAXpY6yYWAAAC',
    upgrades: [],
    pingInterval: 25000,
    pingTimeout: 20000,
    maxPayload: 1000000
  }
  const { maxPayload: _, ...oldHandshake } = handshake
  const encoded = (packet) => {
    let text
    const supportsBinary = false
    encodePacket(packet, supportsBinary, (data) => {
      text = data
    })
    return text
  }
  const rows = [
    ['open', encoded({ type: 'open', data: JSON.stringify(handshake) })],
    ['open without maxPayload', encoded({ type: 'open', data: JSON.stringify(oldHandshake) })],
    ['close', encoded({ type: 'close' })],
    ['ping', encoded({ type: 'ping' })],
    ['ping with a payload', encoded({ type: 'ping', data: 'probe' })],
    ['pong', encoded({ type: 'pong' })],
    ['message', encoded({ type: 'message', data: '2["hello",1]' })],
    ['message, not ASCII', encoded({ type: 'message', data: '2["grüße 🚀"]' })],
    ['upgrade', encoded({ type: 'upgrade' })],
    ['noop', encoded({ type: 'noop' })],
    ['binary as base64', encoded({ type: 'message', data: Buffer.from([0, 1, 254, 255]) })],
    ['binary as base64, without padding', 'b-_A'],
    ['binary as base64, empty', 'b'],
    ['empty text', ''],
    ['unknown type', 'a123']
  ]
  return rows.map(([label, text]) => {
    const packet = decodePacket(text, 'nodebuffer')
    const entry = { label, kind: 'engine-packet', text, type: packet.type }
    if (Buffer.isBuffer(packet.data)) entry.binary = hex(packet.data)
    else if (packet.type !== 'error' && packet.data !== undefined) entry.data = packet.data
    return entry
  })
}

// --- Socket.IO ------------------------------------------------------------------------------------------------------

const withHexBinary = (value) => {
  if (value instanceof Uint8Array) return { $binary: hex(value) }
  if (Array.isArray(value)) return value.map(withHexBinary)
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withHexBinary(inner)]))
  }
  return value
}

function socketPackets() {
  const { CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR } = PacketType
  const update = Buffer.from([2, 0, 123, 125, 0, 2, 2, 0, 0])
  const position = { topic: 'sync', partition: 0 }
  const rows = [
    ['connect without auth', { type: CONNECT, nsp: '/' }],
    ['connect with auth', { type: CONNECT, nsp: '/', data: { token: 'abc' } }],
    ['connect to a namespace', { type: CONNECT, nsp: '/admin', data: { token: '123' } }],
    ['connect reply', { type: CONNECT, nsp: '/', data: { sid: 'wZX3oN0bSVIhsaknAAAI' } }],
    ['connect reply with recovery', { type: CONNECT, nsp: '/', data: { sid: 'a', pid: 'b' } }],
    ['disconnect', { type: DISCONNECT, nsp: '/' }],
    ['disconnect from a namespace', { type: DISCONNECT, nsp: '/admin' }],
    [
      'connect error, object',
      { type: CONNECT_ERROR, nsp: '/', data: { message: 'not authorized', data: { code: 'E1' } } }
    ],
    [
      'connect error, object without data',
      { type: CONNECT_ERROR, nsp: '/random', data: { message: 'Invalid namespace' } }
    ],
    ['connect error, string', { type: CONNECT_ERROR, nsp: '/', data: 'Unauthorized' }],
    ['event without arguments', { type: EVENT, nsp: '/', data: ['ping'] }],
    ['event with arguments', { type: EVENT, nsp: '/', data: ['message', 1, '2', { 3: [true] }, null] }],
    ['event with a number as name', { type: EVENT, nsp: '/', data: [1, 'a'] }],
    ['event with an ack', { type: EVENT, nsp: '/', id: 456, data: ['message', 1] }],
    ['event in a namespace with an ack', { type: EVENT, nsp: '/yjs|room', id: 1, data: ['a', 1, {}] }],
    ['event, name needs escapes', { type: EVENT, nsp: '/', data: ['say "hi"\n\u2028', 'grüße 🚀'] }],
    ['sync', { type: EVENT, nsp: '/', data: [SYNC_EVENT, update] }],
    ['sync with an ack', { type: EVENT, nsp: '/', id: 17, data: [SYNC_EVENT, update] }],
    ['sync with offset and position', { type: EVENT, nsp: '/', data: [SYNC_EVENT, update, '123', position] }],
    ['sync of an empty buffer', { type: EVENT, nsp: '/', data: [SYNC_EVENT, Buffer.alloc(0)] }],
    [
      'record of the log',
      { type: EVENT, nsp: '/', data: ['protocol-message', { ...position, offset: '7', message: update }] }
    ],
    ['binary event in a namespace', { type: EVENT, nsp: '/yjs|r', id: 0, data: ['sync-step-1', update] }],
    [
      'two attachments',
      { type: EVENT, nsp: '/', id: 789, data: ['message', Buffer.from([1, 2, 3]), 'x', Buffer.from([4])] }
    ],
    [
      'nested attachments',
      { type: EVENT, nsp: '/', data: ['m', { a: [null, { b: Buffer.from([9]) }], c: Buffer.from([8]) }] }
    ],
    [
      'typed array with an offset',
      { type: EVENT, nsp: '/', data: ['m', new Uint8Array([0, 1, 2, 3, 4]).subarray(1, 3)] }
    ],
    [
      'ten attachments',
      { type: EVENT, nsp: '/', data: ['m', ...Array.from({ length: 10 }, (_, i) => Buffer.from([i]))] }
    ],
    ['ack without arguments', { type: ACK, nsp: '/', id: 7, data: [] }],
    ['ack with offset', { type: ACK, nsp: '/', id: 17, data: [{ ok: true, ...position, offset: '42' }] }],
    ['ack in a namespace', { type: ACK, nsp: '/admin', id: 456, data: ['ok'] }],
    ['binary ack', { type: ACK, nsp: '/', id: 7, data: [Buffer.from([1, 2, 3])] }]
  ]
  return rows.map(([label, packet]) => {
    const [header, ...attachments] = new Encoder().encode(packet)
    const entry = { label, kind: 'socket-packet', header: `4${header}`, attachments: attachments.map(hex) }
    entry.type = PacketType[packet.type].toLowerCase()
    entry.namespace = packet.nsp
    if (packet.id !== undefined) entry.id = packet.id
    if (packet.data !== undefined) entry.data = withHexBinary(packet.data)
    return entry
  })
}

function invalidSocketPackets() {
  const rows = [
    ['JSON cut off', ['442["some","data"']],
    ['connect with a string', ['0/admin,"invalid"']],
    ['connect with an array', ['0[]']],
    ['disconnect with an object', ['1/admin,{}']],
    ['event, string cut off', ['2/admin,"invalid']],
    ['event with an object', ['2/admin,{}']],
    ['event, name is an object', ['2[{"toString":"foo"}]']],
    ['event, name is a boolean', ['2[true,"foo"]']],
    ['event, name is null', ['2[null,"bar"]']],
    ['event, no name', ['2[]']],
    ['event, reserved name connect', ['2["connect"]']],
    ['event, reserved name disconnect', ['2["disconnect","123"]']],
    ['event, reserved name newListener', ['2["newListener"]']],
    ['event, letters before the payload', ['2abc["a"]']],
    ['ack with an object', ['37{}']],
    ['connect error with a boolean', ['4true']],
    ['connect error with an array', ['4["a"]']],
    ['binary event, nothing else', ['5']],
    ['binary event, no dash', ['51']],
    ['binary event, count is no number', ['5a-']],
    ['binary event, count is no integer', ['51.23-']],
    ['binary event, count is zero', ['50-["a"]']],
    ['binary event, count is negative', ['5-1-["a"]']],
    ['binary event, too many attachments', ['511-["a"]']],
    ['unknown type', ['999']],
    ['attachment without header', [Buffer.from([1])]],
    ['text while attachments are pending', ['51-["a",{"_placeholder":true,"num":0}]', '2["b"]']],
    ['placeholder out of bounds', ['51-["a",{"_placeholder":true,"num":1}]', Buffer.from([1])]],
    ['placeholder with a negative number', ['51-["a",{"_placeholder":true,"num":-1}]', Buffer.from([1])]],
    ['placeholder with a string', ['51-["a",{"_placeholder":true,"num":"splice"}]', Buffer.from([1])]],
    ['placeholder without a number', ['51-["a",{"_placeholder":true}]', Buffer.from([1])]],
    ['nested placeholder out of bounds', ['51-["a",{"b":[{"num":5,"_placeholder":true}]}]', Buffer.from([1])]]
  ]
  return rows.map(([label, frames]) => {
    const decoder = new Decoder()
    let error
    try {
      frames.forEach((frame) => decoder.add(frame))
    } catch (thrown) {
      error = thrown.message
    }
    if (error === undefined) throw new Error(`the official parser accepts: ${label}`)
    const framesOut = frames.map((frame) => (typeof frame === 'string' ? frame : { $binary: hex(frame) }))
    return { label, kind: 'invalid-socket-packet', frames: framesOut, error }
  })
}

// --- Envelopes, y messages, awareness -------------------------------------------------------------------------------

/** The frame of the TypeScript provider, written from its description: there is no library for it. */
function envelopes() {
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

function yMessages() {
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

function awarenessUpdates() {
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

// --- Yjs ------------------------------------------------------------------------------------------------------------

function docWith(clientID, edit, options) {
  const doc = new Y.Doc({ guid: `guid-${clientID}`, ...options })
  doc.clientID = clientID
  edit(doc)
  return doc
}

/** All updates that the edits of a document caused, one per transaction. */
function updatesOf(clientID, edit) {
  const updates = []
  docWith(clientID, (doc) => {
    doc.on('update', (update) => updates.push(update))
    edit(doc)
  })
  return updates
}

const EVERY_VALUE = [
  [undefined],
  { a: undefined },
  null,
  true,
  false,
  0,
  1,
  -1,
  63,
  64,
  -64,
  2 ** 31 - 1,
  -(2 ** 31),
  2 ** 31,
  2 ** 53 - 1,
  -0,
  0.5,
  0.1,
  NaN,
  Infinity,
  [9007199254740993n],
  '',
  'text',
  'grüße 🚀',
  'x'.repeat(200),
  new Uint8Array([0, 255]),
  [],
  [1, [2, [3]]],
  {},
  { a: { b: [null, { c: 'd' }] } }
]

const nested = (depth) => {
  let value = 1
  for (let i = 0; i < depth; i++) value = i % 2 ? { a: value } : [value]
  return value
}

function updateRows() {
  const state = (...args) => Y.encodeStateAsUpdate(docWith(...args))
  const text = (edit) => state(1, (doc) => edit(doc.getText('body')))
  const conflicting = () => {
    const [a, b] = [1, 2].map((id) => docWith(id, (doc) => doc.getText('body').insert(0, id === 1 ? 'left' : 'right')))
    Y.applyUpdate(a, Y.encodeStateAsUpdate(b))
    a.getText('body').insert(4, ' and ')
    return Y.encodeStateAsUpdate(a)
  }
  const typed = updatesOf(3, (doc) => [...'typed'].forEach((char, i) => doc.getText('body').insert(i, char)))
  const pending = () => docWith(4, (doc) => Y.applyUpdate(doc, typed[2]))
  return [
    ['empty document', state(1, () => {})],
    ['text', text((t) => t.insert(0, 'hello world'))],
    ['text, not ASCII', text((t) => t.insert(0, 'grüße 🚀 \u0000 中文'))],
    [
      'text, half a surrogate pair deleted',
      text((t) => {
        t.insert(0, 'a🚀b')
        t.delete(1, 1)
      })
    ],
    ['text, 1000 characters', text((t) => t.insert(0, 'x'.repeat(1000)))],
    [
      'text inserted in the middle',
      text((t) => {
        t.insert(0, 'ac')
        t.insert(1, 'b')
      })
    ],
    [
      'text deleted',
      text((t) => {
        t.insert(0, 'hello world')
        t.delete(2, 5)
      })
    ],
    [
      'text deleted without garbage collection',
      state(
        1,
        (d) => {
          d.getText('body').insert(0, 'hello')
          d.getText('body').delete(1, 2)
        },
        { gc: false }
      )
    ],
    [
      'all text deleted',
      text((t) => {
        t.insert(0, 'hello')
        t.delete(0, 5)
      })
    ],
    [
      'formats',
      text((t) => {
        t.insert(0, 'hello world')
        t.format(0, 5, { bold: true })
        t.format(3, 5, { link: { href: 'x', a: [1] }, bold: null })
      })
    ],
    ['formats and text in one insert', text((t) => t.insert(0, 'hi', { color: 'red', size: 1.5 }))],
    [
      'embeds',
      text((t) => {
        t.insert(0, 'ab')
        t.insertEmbed(1, { image: 'data:', nested: { deep: [[1], '"]}'] } })
        t.insertEmbed(0, { x: null }, { width: 3 })
      })
    ],
    ['embed, 100 levels', text((t) => t.insertEmbed(0, nested(100)))],
    ['embedded shared type', text((t) => t.insertEmbed(0, new Y.Map([['a', 1]])))],
    [
      'text attributes',
      text((t) => {
        t.insert(0, 'x')
        t.setAttribute('lang', 'de')
      })
    ],
    ['array with every kind of value', state(1, (d) => d.getArray('list').insert(0, EVERY_VALUE))],
    ['array with values 190 levels deep', state(1, (d) => d.getArray('list').insert(0, [nested(190)]))],
    [
      'array with shared types',
      state(1, (d) => d.getArray('list').insert(0, [new Y.Map(), new Y.Array(), new Y.Text('t'), 1]))
    ],
    [
      'array, elements deleted',
      state(1, (d) => {
        d.getArray('list').insert(0, [1, 2, 3, 4])
        d.getArray('list').delete(1, 2)
      })
    ],
    [
      'map with every kind of value',
      state(1, (d) => EVERY_VALUE.forEach((value, i) => d.getMap('map').set(`key ${i}`, value)))
    ],
    [
      'map, overwritten and deleted',
      state(1, (d) => {
        const m = d.getMap('map')
        m.set('a', 1)
        m.set('a', 2)
        m.set('b', 1)
        m.delete('b')
      })
    ],
    [
      'nested shared types',
      state(1, (d) => {
        const m = new Y.Map()
        d.getMap('map').set('child', m)
        m.set('list', Y.Array.from([1]))
        m.get('list').push([new Y.Text('x')])
      })
    ],
    [
      'shared types deleted and collected',
      state(1, (d) => {
        const m = new Y.Map()
        d.getMap('map').set('child', m)
        m.set('a', new Y.Text('gone'))
        d.getMap('map').delete('child')
      })
    ],
    [
      'XML',
      state(1, (d) => {
        const f = d.getXmlFragment('xml')
        const p = new Y.XmlElement('p')
        f.insert(0, [p, new Y.XmlText('tail')])
        p.setAttribute('class', 'a b')
        p.insert(0, [new Y.XmlText('bold'), new Y.XmlElement('br')])
        p.get(0).format(0, 2, { b: {} })
      })
    ],
    ['XML fragment in a map', state(1, (d) => d.getMap('map').set('x', new Y.XmlFragment()))],
    ['subdocument', state(1, (d) => d.getMap('map').set('sub', new Y.Doc({ guid: 'sub-guid' })))],
    [
      'subdocument with options',
      state(1, (d) =>
        d
          .getArray('list')
          .insert(0, [new Y.Doc({ guid: 'sub', autoLoad: true, gc: false, meta: { title: 'x', tags: ['a'] } })])
      )
    ],
    ['large client id', state(2 ** 53 - 1, (d) => d.getText('body').insert(0, 'x'))],
    ['concurrent edits of two clients', conflicting()],
    ['one typed character', typed[2]],
    [
      'deletes alone',
      updatesOf(5, (d) => {
        d.getText('body').insert(0, 'abc')
        d.getText('body').delete(0, 1)
      })[1]
    ],
    ['merged', Y.mergeUpdates(typed)],
    ['merged with a gap', Y.mergeUpdates([typed[0], typed[2], typed[4]])],
    ['pending in a document', Y.encodeStateAsUpdate(pending())],
    [
      'difference',
      Y.encodeStateAsUpdate(
        docWith(6, (d) => typed.forEach((u) => Y.applyUpdate(d, u))),
        Y.encodeStateVectorFromUpdate(typed[0])
      )
    ],
    [
      'converted from V2',
      Y.convertUpdateFormatV2ToV1(Y.encodeStateAsUpdateV2(docWith(1, (d) => d.getText('body').insert(0, 'v2'))))
    ]
  ]
}

function updates() {
  return updateRows().map(([label, update]) => {
    const doc = new Y.Doc()
    Y.applyUpdate(doc, update)
    return { label, kind: 'update', hex: hex(update), stateVector: hex(Y.encodeStateVector(doc)), text: plainText(doc) }
  })
}

/** Plain text of the root `body`, or null if it is empty or something else. */
function plainText(doc) {
  return doc.share.has('body') ? doc.getText('body').toString() || null : null
}

/** Valid updates that yrs 0.28 reads wrongly: it takes what follows for something else. */
function unsupportedUpdates() {
  // Yjs reads ContentJSON still, but writes it only when it has read it.
  const json = docWith(1, (d) =>
    d.transact((transaction) => {
      const content = new Y.ContentJSON([1, { a: 'b' }])
      new Y.Item(Y.createID(1, 0), null, null, null, null, d.getArray('list'), null, content).integrate(transaction, 0)
    })
  )
  const hook = docWith(1, (d) => d.getXmlFragment('xml').insert(0, [new Y.XmlHook('widget')]))
  return [
    { label: 'ContentJSON', kind: 'unsupported-update', hex: hex(Y.encodeStateAsUpdate(json)) },
    { label: 'XML hook', kind: 'unsupported-update', hex: hex(Y.encodeStateAsUpdate(hook)) }
  ]
}

function merges() {
  const typed = updatesOf(3, (doc) => [...'typed text'].forEach((char, i) => doc.getText('body').insert(i, char)))
  const deleting = updatesOf(4, (doc) => {
    doc.getText('body').insert(0, 'abc')
    doc.getText('body').delete(1, 1)
  })
  const many = updatesOf(5, (doc) => {
    for (let i = 0; i < 200; i++) doc.getText('body').insert(i, String(i % 10))
  })
  const rows = [
    ['one', [typed[0]]],
    ['a typed text', typed],
    ['a typed text, backwards', [...typed].reverse()],
    ['with an empty update', [typed[0], bytesOf(0, 0), typed[1]]],
    ['the same twice', [typed[0], typed[0]]],
    ['with deletes', deleting],
    ['of two clients', [...deleting, ...typed]],
    ['200 updates', many]
  ]
  return rows.map(([label, list]) => {
    const doc = new Y.Doc()
    const merged = Y.mergeUpdates(list)
    Y.applyUpdate(doc, merged)
    return {
      label,
      kind: 'merge',
      updates: list.map(hex),
      merged: hex(merged),
      stateVector: hex(Y.encodeStateVector(doc)),
      text: plainText(doc)
    }
  })
}

// --- Output ---------------------------------------------------------------------------------------------------------

const require = createRequire(import.meta.url)

function versionOf(name, entry = name) {
  let directory = new URL('./', pathToFileURL(require.resolve(entry)))
  while (directory.pathname !== '/') {
    try {
      const manifest = JSON.parse(readFileSync(new URL('package.json', directory), 'utf8'))
      if (manifest.name === name && manifest.version) return manifest.version
    } catch (error) {
      if (error.code !== 'ENOENT') throw error
    }
    directory = new URL('../', directory)
  }
  throw new Error(`no package.json of ${name}`)
}

const vectors = [
  ...enginePackets(),
  ...socketPackets(),
  ...invalidSocketPackets(),
  ...envelopes(),
  ...yMessages(),
  ...awarenessUpdates(),
  ...updates(),
  ...unsupportedUpdates(),
  ...merges()
]
const lines = vectors.map((vector) => `    ${JSON.stringify(vector)}`)
const writtenBy = {
  'engine.io-parser': versionOf('engine.io-parser'),
  'socket.io-parser': versionOf('socket.io-parser'),
  yjs: versionOf('yjs'),
  'y-protocols': versionOf('y-protocols', 'y-protocols/sync'),
  lib0: versionOf('lib0', 'lib0/encoding')
}
writeFileSync(OUTPUT, `{\n  "writtenBy": ${JSON.stringify(writtenBy)},\n  "vectors": [\n${lines.join(',\n')}\n  ]\n}\n`)
console.log(`${vectors.length} vectors, ${JSON.stringify(writtenBy)}`)
