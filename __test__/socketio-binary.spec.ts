import ava, { type ExecutionContext } from 'ava'

import { BareServer } from './support/bare-server.ts'
import { startProvider, whenStatus } from './support/provider.ts'
import { RawServer } from './support/raw-server.ts'
import { waitFor } from './support/wait.ts'
import * as wire from './support/wire.ts'

/* Bytes arrive as they were sent, whatever and however many they are, there and back. */

// One after the other: the large ones would make the others late.
const test = ava.serial

const LIMIT = 1_000_000

/** What a slow computer may take for a lot, in ms. */
const LONG = 90_000

/** Bytes of every value, in an order with a long period, so that no piece can stand for another. */
function bytes(length: number): Uint8Array {
  const all = new Uint8Array(length)
  for (let index = 0; index < length; index++) all[index] = (index * 167 + (index >> 8)) & 0xff
  return all
}

/** A server that sends every control message back. */
async function startEcho(t: ExecutionContext, maxHttpBufferSize: number) {
  const server = await BareServer.start(t, {
    socketOptions: { maxHttpBufferSize },
    handle: ({ event, payload }) => server.send({ docId: 'doc' }, payload, event)
  })
  const provider = startProvider(t, server.url)
  await whenStatus(provider, 'connected')
  return { server, provider }
}

// Lengths around which WebSocket frames, buffers and limits change.
for (const length of [0, 1, 2, 124, 125, 126, 127, 256, 16_383, 65_535, 65_536, 65_537, 262_144, 999_900]) {
  test(`${length}_bytes_go_there_and_back`, async (t) => {
    const { provider } = await startEcho(t, LIMIT)
    const payload = bytes(length)
    const heard = waitFor(provider, 'control')
    provider.send('control', 100, payload, 'doc')
    const [type, content] = await heard
    t.is(type, 100)
    t.true(Buffer.from(content).equals(payload))
  })
}

for (const value of [0x00, 0x1e, 0x80, 0xff]) {
  test(`bytes_of_${value}_only_go_there_and_back`, async (t) => {
    const { provider } = await startEcho(t, LIMIT)
    const payload = new Uint8Array(300).fill(value)
    const heard = waitFor(provider, 'control')
    provider.send('control', 100, payload, 'doc')
    t.deepEqual((await heard)[1], payload)
  })
}

test('a_message_of_more_than_16_mib_goes_there_and_back', async (t) => {
  const { provider } = await startEcho(t, 32 * 1024 * 1024)
  const payload = bytes(16 * 1024 * 1024 + 1)
  const heard = waitFor(provider, 'control', (_, content) => content.length === payload.length, LONG)
  provider.send('control', 100, payload, 'doc')
  t.true(Buffer.from((await heard)[1]).equals(payload))
})

test('the_last_byte_that_fits_is_sent_and_the_first_that_does_not_is_an_error', async (t) => {
  const { server, provider } = await startEcho(t, LIMIT)
  const [small] = await Promise.all([
    server.frame(({ payload }) => payload.length === 1),
    provider.send('control', 100, new Uint8Array(0), 'doc')
  ])
  const overhead = wire.envelope(small.metadata, small.payload).length
  const heard = waitFor(provider, 'control', (_, content) => content.length === LIMIT - overhead)
  provider.send('control', 100, bytes(LIMIT - overhead), 'doc')
  await heard
  const failed = waitFor(provider, 'error')
  provider.send('control', 100, bytes(LIMIT - overhead + 1), 'doc')
  t.is((await failed)[0].code, 'ERR_MESSAGE_TOO_LARGE')
  t.is(server.connections, 1)
})

test('a_message_in_fragments_is_one_message', async (t) => {
  const server = await RawServer.start(t)
  const provider = startProvider(t, server.url)
  const { webSocket } = await server.joined()
  const heard = waitFor(provider, 'control')
  const envelope = wire.envelope({ roomId: 'room', docId: 'doc' }, Uint8Array.of(100, ...bytes(1000)))
  const header = Buffer.from(`451-["${wire.CONTROL}",{"_placeholder":true,"num":0}]`)
  for (const [data, binary] of [
    [header, false],
    [envelope, true]
  ] as const) {
    for (let at = 0; at < data.length; at += 7) {
      webSocket.send(data.subarray(at, at + 7), { binary, fin: at + 7 >= data.length })
      // Control frames may come between fragments.
      webSocket.ping()
    }
  }
  t.deepEqual((await heard)[1], bytes(1000))
})

test('many_small_messages_arrive_in_their_order_and_none_is_lost', async (t) => {
  const server = await RawServer.start(t)
  const provider = startProvider(t, server.url)
  const socket = await server.joined()
  const COUNT = 200_000
  let next = 0
  const all = waitFor(
    provider,
    'control',
    (_, content) => {
      const index = Buffer.from(content).readUInt32LE()
      if (index !== next) throw new Error(`${index} came in place of ${next}`)
      next += 1
      return next === COUNT
    },
    LONG
  )
  const header = `451-["${wire.CONTROL}",{"_placeholder":true,"num":0}]`
  for (let index = 0; index < COUNT; index++) {
    const content = Buffer.alloc(5, 100)
    content.writeUInt32LE(index, 1)
    socket.send(header, wire.envelope({ roomId: 'room', docId: 'doc' }, content))
  }
  await all
  t.is(next, COUNT)
})
