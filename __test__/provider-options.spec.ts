import test from 'ava'

import {
  ProtocolConnection,
  ProtocolManager,
  ProtocolProcessing,
  ProtocolProvider,
  YDoc,
  YKafkaCollabationProvider
} from '../index.js'
import { throwsCode } from './helpers/errors.ts'
import { BareServer, keepDocuments } from './support/bare-server.ts'
import { startProvider, whenSynced } from './support/provider.ts'
import { bounded, waitFor } from './support/wait.ts'

const URL = 'ws://127.0.0.1:9'
const required = { url: URL, roomId: 'room', autoConnect: false }

/** What `new ProtocolManager` is given, and how its message begins. */
const WRONG: [label: string, options: unknown, path: string][] = [
  ['nothing', undefined, 'options: '],
  ['null', null, 'options: '],
  ['a string', URL, 'options: '],
  ['no url', { roomId: 'room' }, 'url: '],
  ['url is a number', { ...required, url: 5 }, 'url: '],
  ['url is empty', { ...required, url: '' }, 'url: '],
  ['url without a scheme', { ...required, url: 'localhost:3000' }, 'url: '],
  ['url without a host', { ...required, url: 'ws://' }, 'url: '],
  ['url with another scheme', { ...required, url: 'ftp://localhost' }, 'url: '],
  ['url with a port out of range', { ...required, url: 'ws://localhost:70000' }, 'url: '],
  ['no roomId', { url: URL }, 'roomId: '],
  ['roomId is empty', { ...required, roomId: '' }, 'roomId: '],
  ['roomId is a number', { ...required, roomId: 1 }, 'roomId: '],
  ['autoConnect is a string', { ...required, autoConnect: 'yes' }, 'autoConnect: '],
  ['readOnly is a number', { ...required, readOnly: 1 }, 'readOnly: '],
  ['token is a number', { ...required, token: 1 }, 'token: '],
  ['resyncInterval is a string', { ...required, resyncInterval: '30' }, 'resyncInterval: '],
  ['resyncInterval is not a number', { ...required, resyncInterval: NaN }, 'resyncInterval: '],
  ['connectionTimeout is a boolean', { ...required, connectionTimeout: true }, 'connectionTimeout: '],
  ['params is a string', { ...required, params: 'a=b' }, 'params: '],
  ['a param is an object', { ...required, params: { a: {} } }, 'params.a: '],
  ['a roomId longer than an envelope', { ...required, roomId: 'x'.repeat(65_536) }, 'roomId: '],
  ['socketOptions is a string', { ...required, socketOptions: 'x' }, 'socketOptions: '],
  ...(
    [
      ['path is a number', { path: 1 }, 'path'],
      ['addTrailingSlash is a string', { addTrailingSlash: 'x' }, 'addTrailingSlash'],
      ['query is a string', { query: 'a=b' }, 'query'],
      ['a query value is a function', { query: { a: () => {} } }, 'query.a'],
      ['auth is a string', { auth: 'x' }, 'auth'],
      ['a header is an object', { extraHeaders: { 'x-y': {} } }, 'extraHeaders.x-y'],
      ['transports without websocket', { transports: ['polling'] }, 'transports'],
      ['transports is a string', { transports: 'websocket' }, 'transports'],
      ['reconnection is a string', { reconnection: 'no' }, 'reconnection'],
      ['reconnectionAttempts is a string', { reconnectionAttempts: '3' }, 'reconnectionAttempts'],
      ['reconnectionDelay is not a number', { reconnectionDelay: NaN }, 'reconnectionDelay'],
      ['reconnectionDelayMax is a string', { reconnectionDelayMax: '1' }, 'reconnectionDelayMax'],
      ['randomizationFactor is above 1', { randomizationFactor: 1.5 }, 'randomizationFactor'],
      ['timeout is a string', { timeout: '1' }, 'timeout'],
      ['rejectUnauthorized is a string', { rejectUnauthorized: 'no' }, 'rejectUnauthorized'],
      ['ca is a number', { ca: 1 }, 'ca'],
      ['an option that is not supported', { parser: {} }, 'parser'],
      ['an option that nobody knows', { recconnection: true }, 'recconnection']
    ] as [string, object, string][]
  ).map(([label, socketOptions, path]): [string, unknown, string] => [
    label,
    { ...required, socketOptions },
    `socketOptions.${path}: `
  ])
]

for (const [label, options, path] of WRONG) {
  test(`${label.replaceAll(' ', '_')}_throws_err_invalid_option_with_its_path`, (t) => {
    const error = t.throws(() => new ProtocolManager(options as never), {
      instanceOf: TypeError,
      code: 'ERR_INVALID_OPTION'
    })
    t.true(error?.message.startsWith(path), error?.message)
  })
}

test('absent_options_are_undefined_or_null', (t) => {
  const absent = Object.fromEntries(
    ['params', 'token', 'readOnly', 'resyncInterval', 'connectionTimeout'].flatMap((key) => [[key, null]])
  )
  const socketOptions = { path: undefined, auth: null, timeout: undefined, parser: undefined }
  const provider = new ProtocolManager({ ...required, ...absent, socketOptions } as never)
  t.deepEqual([provider.url, provider.roomId, provider.status], [URL, 'room', 'disconnected'])
  t.deepEqual({ ...provider.socket }, { id: undefined, connected: false })
  provider.destroy()
})

test('options_without_effect_are_taken', (t) => {
  const socketOptions = {
    forceNew: true,
    multiplex: false,
    upgrade: false,
    withCredentials: true,
    timeout: false as const
  }
  t.notThrows(() => new ProtocolManager({ ...required, socketOptions }).destroy())
})

test('socket_options_reach_the_server', async (t) => {
  const server = await BareServer.start(t, { socketOptions: { path: '/custom/path' } })
  startProvider(t, server.url, {
    params: { shared: 'of params', flag: true, count: 2 },
    socketOptions: {
      path: '/custom/path',
      query: { shared: 'of query', own: 'ä&=' },
      extraHeaders: { 'X-Bot': 'yes' },
      auth: { nested: { list: [1, null] } }
    }
  })
  const { query, headers, auth } = (await server.socket()).handshake
  t.like(query, { shared: 'of params', flag: 'true', count: '2', own: 'ä&=', roomId: 'room' })
  t.is(headers['x-bot'], 'yes')
  t.deepEqual(auth, { nested: { list: [1, null] } })
})

test('times_without_end_are_times_like_others', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const provider = startProvider(t, server.url, {
    resyncInterval: Infinity,
    connectionTimeout: Infinity,
    socketOptions: { ackTimeout: Infinity, reconnectionDelayMax: Infinity, timeout: Infinity }
  })
  provider.addDoc(new YDoc(), { docId: 'doc' })
  await bounded(provider.whenSynced('doc', { timeout: Infinity }), 'a document that is synced')
  // With a delay without end nothing would ever follow the first attempt: it is the first failure that computes it.
  const patient = startProvider(t, URL, {
    socketOptions: { reconnectionDelay: Infinity, reconnectionDelayMax: Infinity }
  })
  await waitFor(patient, 'connection-error')
  t.is(patient.status, 'connecting')
  await bounded(patient.destroy({ flush: 0 }), 'the end of a provider that waits')
})

test('a_doc_id_that_is_in_use_throws_and_changes_nothing', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const provider = startProvider(t, server.url)
  const doc = new YDoc()
  provider.addDoc(doc, { docId: 'doc' })
  throwsCode(t, () => provider.addDoc(new YDoc(), { docId: 'doc' }), 'ERR_DOC_IN_USE', 'the same id')
  // A parent is information for applications: the log knows documents by their id alone.
  throwsCode(t, () => provider.addDoc(new YDoc(), { docId: 'doc', parentId: 'p' }), 'ERR_DOC_IN_USE', 'another parent')
  throwsCode(t, () => provider.addDoc(doc, { docId: 'other' }), 'ERR_DOC_IN_USE', 'the same document')
  throwsCode(t, () => provider.addDoc(new YDoc({ guid: 'doc' })), 'ERR_DOC_IN_USE', 'the guid is the id')
  t.is(provider.getDocState('doc')!.doc, doc)
  await whenSynced(provider, 'doc')
  provider.removeDoc('doc')
  t.notThrows(() => provider.addDoc(new YDoc(), { docId: 'doc' }), 'free again')
})

test('wrong_arguments_throw_with_a_code', (t) => {
  const provider = new ProtocolManager(required) as any
  t.teardown(() => provider.destroy())
  const payload = Uint8Array.of(1)
  const table: [string, () => unknown, string][] = [
    ['addDoc without a document', () => provider.addDoc(), 'ERR_INVALID_ARGUMENT'],
    ['addDoc of an object', () => provider.addDoc({}), 'ERR_INVALID_ARGUMENT'],
    ['addDoc of null', () => provider.addDoc(null), 'ERR_INVALID_ARGUMENT'],
    ['addDoc with a string as options', () => provider.addDoc(new YDoc(), 'doc'), 'ERR_INVALID_OPTION'],
    ['addDoc with a number as docId', () => provider.addDoc(new YDoc(), { docId: 1 }), 'ERR_INVALID_OPTION'],
    ['addDoc with an empty docId', () => provider.addDoc(new YDoc(), { docId: '' }), 'ERR_INVALID_OPTION'],
    [
      'addDoc with an endless docId',
      () => provider.addDoc(new YDoc(), { docId: 'x'.repeat(65_536) }),
      'ERR_INVALID_OPTION'
    ],
    [
      'addDoc with an endless parentId',
      () => provider.addDoc(new YDoc(), { docId: 'x', parentId: 'x'.repeat(65_536) }),
      'ERR_INVALID_OPTION'
    ],
    ['addDoc with a number as parentId', () => provider.addDoc(new YDoc(), { parentId: 1 }), 'ERR_INVALID_OPTION'],
    ['removeDoc of a number', () => provider.removeDoc(5), 'ERR_INVALID_ARGUMENT'],
    ['removeDoc of nothing', () => provider.removeDoc(), 'ERR_INVALID_ARGUMENT'],
    ['getDocState of a number', () => provider.getDocState(5), 'ERR_INVALID_ARGUMENT'],
    ['on without a listener', () => provider.on('status'), 'ERR_INVALID_ARGUMENT'],
    ['on with a string as listener', () => provider.on('status', 'x'), 'ERR_INVALID_ARGUMENT'],
    ['on with a number as event', () => provider.on(5, () => {}), 'ERR_INVALID_ARGUMENT'],
    ['once with an object as listener', () => provider.once('status', {}), 'ERR_INVALID_ARGUMENT'],
    ['off without a listener', () => provider.off('status'), 'ERR_INVALID_ARGUMENT'],
    ['emit without arguments', () => provider.emit('status'), 'ERR_INVALID_ARGUMENT'],
    ['send on no channel', () => provider.send('x', 0, payload, 'doc'), 'ERR_INVALID_ARGUMENT'],
    ['send with a string as type', () => provider.send('sync', 'x', payload, 'doc'), 'ERR_INVALID_ARGUMENT'],
    ['send with a negative type', () => provider.send('sync', -1, payload, 'doc'), 'ERR_INVALID_ARGUMENT'],
    ['send with a fraction as type', () => provider.send('sync', 1.5, payload, 'doc'), 'ERR_INVALID_ARGUMENT'],
    ['send of a string', () => provider.send('sync', 0, 'x', 'doc'), 'ERR_INVALID_ARGUMENT'],
    ['send to nobody', () => provider.send('sync', 0, payload), 'ERR_INVALID_ARGUMENT'],
    ['send with a number as parentId', () => provider.send('sync', 0, payload, 'doc', 1), 'ERR_INVALID_ARGUMENT']
  ]
  for (const [label, call, code] of table) throwsCode(t, call, code, label)
  t.is(provider.getDocState('doc'), undefined, 'nothing was added')
})

test('a_destroyed_provider_throws_err_destroyed', async (t) => {
  const provider = new ProtocolManager(required)
  provider.destroy()
  t.notThrows(() => provider.destroy(), 'twice is no error')
  const table: [string, () => unknown][] = [
    ['connect', () => provider.connect()],
    ['disconnect', () => provider.disconnect()],
    ['addDoc', () => provider.addDoc(new YDoc())],
    ['send', () => provider.send('sync', 0, Uint8Array.of(1), 'doc')]
  ]
  for (const [label, call] of table) throwsCode(t, call, 'ERR_DESTROYED', label)
  await t.throwsAsync(provider.flush(), { code: 'ERR_DESTROYED' })
  t.notThrows(() => {
    provider.removeDoc('doc')
    provider.ref()
    provider.unref()
    provider.on('status', () => {})
    provider.emit('status', [{ status: 'connected' }])
  })
  t.is(provider.getDocState('doc'), undefined)
  t.deepEqual([provider.url, provider.roomId, provider.status], [URL, 'room', 'disconnected'])
})

test('an_index_out_of_range_throws_and_sends_nothing', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const provider = startProvider(t, server.url)
  const doc = new YDoc()
  provider.addDoc(doc, { docId: 'doc' })
  await whenSynced(provider, 'doc')
  throwsCode(t, () => doc.getText('body').insert(1, 'x'), 'ERR_OUT_OF_RANGE', 'text')
  throwsCode(t, () => doc.getArray('list').delete(0, 1), 'ERR_OUT_OF_RANGE', 'array')
  await provider.flush()
  t.false(server.frames.some(({ payload }) => payload[0] === 0 && payload[1] === 2))
})

test('odd_ids_are_ids_like_others', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const provider = startProvider(t, server.url, { roomId: 'room / ä?&=%20' })
  const docIds = ['__proto__', 'constructor', 'toString', '0', ' ', 'a/b?c=d&e', '\u0000', 'ü🚀', 'x'.repeat(2000)]
  const loaded: string[] = []
  provider.on('doc-loaded', (docId) => loaded.push(docId))
  for (const docId of docIds) {
    t.is(provider.getDocState(docId), undefined, docId)
    provider.addDoc(new YDoc(), { docId })
    t.is(provider.getDocState(docId)?.docId, docId)
  }
  t.deepEqual(loaded, docIds)
  for (const docId of docIds) {
    await whenSynced(provider, docId)
    provider.removeDoc(docId)
    t.is(provider.getDocState(docId), undefined, docId)
  }
  t.is(({} as any).docId, undefined)
})

test('the_class_has_the_names_of_the_typescript_provider', (t) => {
  for (const it of [ProtocolProvider, ProtocolConnection, ProtocolProcessing]) t.is(it, ProtocolManager)
})

test('the_class_of_one_document_takes_room_and_document_as_a_path', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const doc = new YDoc()
  const provider = new YKafkaCollabationProvider(server.url, 'room/a/doc', doc, { params: { a: 1 } })
  t.teardown(() => provider.destroy())
  t.true(provider instanceof ProtocolManager)
  t.is(provider.doc, doc)
  t.false(provider.synced)
  t.is(provider.awareness, provider.getDocState('a/doc')!.awareness)
  const { query } = (await server.socket()).handshake
  t.like(query, { roomId: 'room', docId: 'a/doc', a: '1' })
  await whenSynced(provider, 'a/doc')
  t.true(provider.synced)

  const alone = new YKafkaCollabationProvider(server.url, 'alone', new YDoc(), { connect: false })
  t.teardown(() => alone.destroy())
  t.deepEqual([alone.roomId, alone.getDocState('alone')?.docId, alone.status], ['alone', 'alone', 'disconnected'])
})
