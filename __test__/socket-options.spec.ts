import test from 'ava'
import { readFileSync } from 'node:fs'

import { ProtocolManager, YDoc } from '../index.js'
import type { SocketOptions } from '../index.js'
import { startProvider } from './support/provider.ts'
import { RawServer, type RawSocket } from './support/raw-server.ts'
import { waitFor } from './support/wait.ts'

/*
 * The lists of docs/socket-options.md are the table: what it says of an option must hold, and no option may be missing.
 */

const SECTIONS = readFileSync(new URL('../docs/socket-options.md', import.meta.url), 'utf8').split(/^## /m)

/** Names in the first column of the tables of a section. */
function documented(title: string): string[] {
  const section = SECTIONS.find((it) => it.startsWith(title))!
  const cells = section.split('\n').flatMap((line) => /^\| (`[^|]*) \|/.exec(line)?.[1] ?? [])
  return cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name!))
}

const BYTES = new TextEncoder().encode('no PEM at all')
const TRANSPORT: Record<string, { good: unknown[]; bad: unknown[] }> = {
  path: { good: ['/', '/a b/'], bad: ['relative', '/a?b', 1] },
  addTrailingSlash: { good: [true, false], bad: ['no', 1] },
  query: { good: [{}, { a: 1, b: true, c: 'd' }], bad: ['a=b', { a: {} }] },
  timestampRequests: { good: [true, false], bad: [1] },
  timestampParam: { good: ['t', ''], bad: [1] },
  extraHeaders: {
    good: [{ a: 'b' }, { Cookie: ['a=1', 'b=2'] }],
    bad: ['a: b', { a: {} }, { 'a b': 'c' }, { a: [1] }]
  },
  origin: { good: ['https://example.com'], bad: [1, 'a\nb'] },
  protocols: { good: ['chat', ['a', 'b'], []], bad: [1, 'a b', ['a', 'a'], ['a', 1], ['']] },
  forceBase64: { good: [true, false], bad: ['yes'] },
  maxPayload: { good: [0, 1, 2 ** 40], bad: ['1', -1, 1.5, NaN] },
  localAddress: { good: ['127.0.0.1', '::1'], bad: ['localhost', '127.0.0.1:80', 1] },
  family: { good: [0, 4, 6], bad: [5, '4'] },
  proxy: {
    good: ['http://proxy', 'http://user:pass@[::1]:3128/'],
    bad: ['proxy:3128', 'socks5://proxy', 'http://', 1]
  },
  ca: { good: [], bad: [1, 'no PEM', BYTES, [1], ['no PEM'], []] },
  cert: { good: [], bad: [1, 'without a key', [BYTES]] },
  key: { good: [], bad: [1, 'without a cert', [BYTES]] },
  rejectUnauthorized: { good: [true, false], bad: ['no', 0] }
}
const CONNECTION: typeof TRANSPORT = {
  auth: { good: [{ a: [1] }, () => {}], bad: ['token', 1] },
  transports: { good: [['websocket'], ['polling', 'websocket']], bad: [[], ['polling'], 'websocket'] },
  reconnection: { good: [true, false], bad: ['no'] },
  reconnectionAttempts: { good: [0, 3, Infinity], bad: ['3', NaN] },
  reconnectionDelay: { good: [0, 1], bad: ['1', NaN] },
  reconnectionDelayMax: { good: [0, 1, Infinity], bad: ['1'] },
  randomizationFactor: { good: [0, 0.5, 1], bad: [-0.1, 1.1, '0'] },
  timeout: { good: [0, 1, false, Infinity], bad: [true, '1'] },
  ackTimeout: { good: [1, Infinity], bad: [0, -1, '1'] },
  autoUnref: { good: [true, false], bad: ['yes'] }
}

// TLS options are looked at only if they have a use.
const make = (socketOptions: object) =>
  new ProtocolManager({ url: 'wss://127.0.0.1:9', roomId: 'room', autoConnect: false, socketOptions }).destroy()

test('the_documentation_lists_every_option_that_is_honoured', (t) => {
  t.deepEqual(documented('Honoured').sort(), [...Object.keys(TRANSPORT), ...Object.keys(CONNECTION)].sort())
})

for (const [option, { good, bad }] of Object.entries({ ...TRANSPORT, ...CONNECTION })) {
  test(`${option}_takes_good_values_and_refuses_others_by_their_path`, (t) => {
    const wraps: ((options: object) => object)[] = [(it) => it]
    if (option in TRANSPORT) wraps.push((websocket) => ({ transportOptions: { websocket } }))
    // What is checked together with other options is named without the way it came.
    const path = new RegExp(`^socketOptions\\.(transportOptions\\.websocket\\.)?${option}(\\.[^:]+)?: .`)
    for (const wrap of wraps) {
      for (const value of good) t.notThrows(() => make(wrap({ [option]: value })), JSON.stringify(value))
      for (const value of bad) {
        const refused = () => make(wrap({ [option]: value }))
        t.regex(t.throws(refused, { code: 'ERR_INVALID_OPTION' }, JSON.stringify(value))!.message, path)
      }
      t.notThrows(() => make(wrap({ [option]: undefined })))
    }
  })
}

for (const option of documented('Without effect')) {
  test(`${option}_is_taken_without_effect`, (t) => {
    for (const value of [true, false, 1, {}, null]) {
      t.notThrows(() => make({ [option]: value }))
      t.notThrows(() => make({ transportOptions: { websocket: { [option]: value } } }))
    }
  })
}

for (const option of documented('Refused')) {
  test(`${option}_is_refused_with_a_reason`, (t) => {
    for (const [path, options] of [
      [`socketOptions.${option}`, { [option]: 'x' }],
      [`socketOptions.transportOptions.websocket.${option}`, { transportOptions: { websocket: { [option]: 'x' } } }]
    ] as const) {
      const error = t.throws(() => make(options), { code: 'ERR_INVALID_OPTION' })
      t.true(error!.message.startsWith(`${path}: `), error!.message)
      t.false(error!.message.endsWith(': is not supported'), 'with a reason')
    }
    t.notThrows(() => make({ [option]: undefined }), 'absent')
  })
}

test('what_is_in_no_list_is_refused', (t) => {
  for (const [path, options] of [
    ['socketOptions.recconnection', { recconnection: true }],
    [
      'socketOptions.transportOptions.websocket.reconnection',
      { transportOptions: { websocket: { reconnection: true } } }
    ],
    ['socketOptions.transportOptions.websocket', { transportOptions: { websocket: 'x' } }],
    ['socketOptions.transportOptions', { transportOptions: 'x' }]
  ] as const) {
    const error = t.throws(() => make(options), { code: 'ERR_INVALID_OPTION' })
    t.true(error!.message.startsWith(`${path}: `), error!.message)
  }
  t.notThrows(() => make({ transportOptions: { polling: { whatever: 1 } } }), 'of another transport')
})

/** What an option makes of the upgrade request. */
const ON_THE_WIRE: [label: string, options: SocketOptions, check: RegExp | ((socket: RawSocket) => unknown)][] = [
  ['path', { path: '/custom' }, /^\/custom\/\?roomId=room&EIO=4&transport=websocket$/],
  ['addTrailingSlash', { addTrailingSlash: false }, /^\/socket\.io\?roomId=/],
  ['query', { query: { 'a&': 'ä =', n: 1 } }, /^\/socket\.io\/\?roomId=room&a%26=%C3%A4%20%3D&n=1&EIO=4/],
  ['timestampRequests', { timestampRequests: true }, /&transport=websocket&t=[0-9a-z]{8}$/],
  ['timestampParam', { timestampRequests: true, timestampParam: 'ts' }, /&transport=websocket&ts=[0-9a-z]{8}$/],
  ['timestampParam alone', { timestampParam: 'ts' }, /&transport=websocket$/],
  ['forceBase64', { forceBase64: true }, /&transport=websocket&b64=1$/],
  ['extraHeaders', { extraHeaders: { 'X-A': 'é' } }, ({ request }) => request.headers['x-a'] === 'é'],
  ['a list of headers', { extraHeaders: { 'X-A': ['1', '2'] } }, ({ request }) => request.headers['x-a'] === '1, 2'],
  ['origin', { origin: 'https://a.b' }, ({ request }) => request.headers.origin === 'https://a.b'],
  [
    'protocols',
    { protocols: ['v1', 'v2'] },
    ({ request, webSocket }) => request.headers['sec-websocket-protocol'] === 'v1, v2' && webSocket.protocol === 'v1'
  ],
  ['family', { family: 4 }, ({ request }) => request.socket.remoteFamily === 'IPv4'],
  ['localAddress', { localAddress: '127.0.0.1' }, ({ request }) => request.socket.remoteAddress === '127.0.0.1'],
  [
    'transportOptions',
    { path: '/a', extraHeaders: { a: '1' }, transportOptions: { websocket: { path: '/b' } } },
    ({ path, request }) => path.startsWith('/b/') && request.headers['a'] === '1'
  ]
]

for (const [label, socketOptions, check] of ON_THE_WIRE) {
  test(`${label.replaceAll(' ', '_')}_reaches_the_server`, async (t) => {
    const server = await RawServer.start(t)
    startProvider(t, server.url, { socketOptions })
    const socket = await server.connection()
    if (check instanceof RegExp) t.regex(socket.path, check)
    else t.true(check(socket))
  })
}

/** Options that make every attempt fail, and why. */
const UNUSABLE: [label: string, options: SocketOptions, message: RegExp][] = [
  // An address for documentation, which no computer has.
  ['a_local_address_of_another_computer', { localAddress: '192.0.2.1' }, /^connect EADDRNOTAVAIL /],
  ['a_local_address_of_the_other_family', { localAddress: '::1' }, /^getaddrinfo 127\.0\.0\.1: no address$/],
  ['the_other_family', { family: 6 }, /^getaddrinfo 127\.0\.0\.1: no address$/]
]

for (const [label, socketOptions, message] of UNUSABLE) {
  test(`${label}_is_a_connection_error`, async (t) => {
    const server = await RawServer.start(t)
    const provider = startProvider(t, server.url, { socketOptions })
    const [error] = await waitFor(provider, 'connection-error')
    t.is(error.code, 'ERR_CONNECTION')
    t.regex(error.message, message)
    t.true(error.willRetry)
    t.is(server.requests.length, 0)
  })
}

test('a_server_that_chooses_no_subprotocol_is_a_connection_error', async (t) => {
  const server = await RawServer.start(t, { handleProtocols: () => false })
  const provider = startProvider(t, server.url, { socketOptions: { protocols: 'chat' } })
  const [error] = await waitFor(provider, 'connection-error')
  t.regex(error.message, /sub-?protocol/i)
})

test('a_message_above_max_payload_is_a_transport_error', async (t) => {
  const server = await RawServer.start(t)
  const provider = startProvider(t, server.url, { socketOptions: { maxPayload: 1000 } })
  const socket = await server.joined()
  socket.send(`42["fits","${'x'.repeat(900)}"]`)
  const closed = waitFor(provider, 'connection-close')
  socket.send(`42["too large","${'x'.repeat(1000)}"]`)
  t.is((await closed)[0], 'transport error')
  await server.joined()
})

test('binary_messages_are_text_with_force_base64', async (t) => {
  const server = await RawServer.start(t)
  const provider = startProvider(t, server.url, { socketOptions: { forceBase64: true } })
  const socket = await server.joined()
  await waitFor(provider, 'status', ({ status }) => status === 'connected')
  const payload = Uint8Array.from({ length: 256 }, (_, index) => index)
  provider.send('control', 100, payload, 'doc')
  t.regex(
    await socket.receiveText('45'),
    /^451-\["y-kafka-collabation-server-control",\{"_placeholder":true,"num":0\}\]$/
  )
  const attachment = (await socket.receive()) as string
  t.is(attachment[0], 'b')
  const bytes = Buffer.from(attachment.slice(1), 'base64')
  t.deepEqual(bytes.subarray(-256), Buffer.from(payload))
  const control = waitFor(provider, 'control')
  socket.send('451-["y-kafka-collabation-server-control",{"_placeholder":true,"num":0}]', attachment)
  t.deepEqual(await control, [100, payload])
})

test('an_edit_is_sent_again_after_the_ack_timeout', async (t) => {
  const server = await RawServer.start(t)
  const provider = startProvider(t, server.url, { socketOptions: { ackTimeout: 50 } })
  const doc = new YDoc()
  provider.addDoc(doc, { docId: 'doc' })
  const socket = await server.joined()
  // The server is heard, so that only the ack of the edit is missing.
  const [, id] = /^451-(\d+)\[/.exec(await socket.receiveText('45'))!
  socket.send(`43${id}[{"ok":true}]`)
  doc.getText('body').insert(0, 'again')
  const isEdit = (frame: string | Buffer) => typeof frame !== 'string' && frame.includes('again')
  for (let sent = 0; sent < 3;) if (isEdit(await socket.receive())) sent += 1
  t.pass()
})

test('time_is_up_after_the_timeout', async (t) => {
  const server = await RawServer.start(t)
  const provider = startProvider(t, server.url, { socketOptions: { timeout: 50 } })
  const socket = await server.connection()
  const [error] = await waitFor(provider, 'connection-error')
  t.is(error.message, 'timeout')
  await socket.closed
})
