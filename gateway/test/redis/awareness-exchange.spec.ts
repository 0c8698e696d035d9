import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { pino } from 'pino'
import { createClient } from 'redis'
import * as Y from 'yjs'
import { connectRedis, type Gateway, type GatewayOptions } from '../../src/index.js'
import { states, seenBy, whenSeen } from '../support/awareness.js'
import { AWARENESS, Client, step1 } from '../support/client.js'
import { startGateway } from '../support/gateway.js'
import { RedisServer } from './redis-server.js'

const CLI = fileURLToPath(new URL('../../src/cli.ts', import.meta.url))

/** A gateway that is connected to this Redis, and the messages that it logged. */
async function startMember(t: ExecutionContext, redis: RedisServer, options: GatewayOptions = {}) {
  const log = new LogMessages()
  const connection = await connectRedis(redis.url, pino({ level: 'info' }, log))
  t.teardown(() => connection.close()) // teardowns run last to first: after the gateway's
  const started = await startGateway(t, { adapter: connection.adapter, ...options })
  return { ...started, log }
}

/** Two gateways that hear each other. */
async function startPair(t: ExecutionContext, redis: RedisServer) {
  const pair = await Promise.all([startMember(t, redis), startMember(t, redis)])
  await whenMembers(pair[0].gateway, 2)
  return pair
}

/** Resolves when so many gateways listen to Redis. Each look is a round trip to it. */
async function whenMembers({ io }: Gateway, count: number): Promise<void> {
  const { adapter } = io.of('/')
  while ((await adapter.serverCount().catch(() => 0)) !== count) await setImmediate()
}

/** A gateway in a process of its own. */
async function startProcess(t: ExecutionContext, redis: RedisServer) {
  const flags = ['--import=tsx', CLI, '--port', '0', '--redis', redis.url, '--log-level', 'silent']
  const child = spawn(process.execPath, flags, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  for await (const line of createInterface(child.stdout)) {
    const url = /http:\S+/.exec(line)?.[0]
    if (url !== undefined) return { child, url }
  }
  throw new Error('the gateway ended')
}

/** Collects what is logged, and lets tests wait for it. */
class LogMessages extends Writable {
  readonly messages: string[] = []

  override _write(chunk: unknown, _encoding: string, done: () => void): void {
    this.messages.push((JSON.parse(String(chunk)) as { msg: string }).msg)
    this.emit('message')
    done()
  }

  /** Resolves when it was logged so often. */
  async message(text: string, times = 1): Promise<void> {
    while (this.messages.filter((message) => message === text).length < times) await once(this, 'message')
  }
}

test('who is at one gateway is seen at another, changes and leaves there', async (t) => {
  const redis = await RedisServer.start(t)
  const [one, two] = await startPair(t, redis)
  const anna = await Client.connect(t, one.url)
  const bert = await Client.connect(t, two.url)
  await Promise.all([anna.settled(), bert.settled()])
  await anna.send(states([[7, 1, 'Anna']]), {}, AWARENESS)
  await whenSeen(bert, { 7: 'Anna' })
  await bert.send(states([[8, 1, 'Bert']]), {}, AWARENESS)
  await whenSeen(anna, { 8: 'Bert' })
  await anna.send(states([[7, 2, 'Anna types']]), {}, AWARENESS)
  await whenSeen(bert, { 7: 'Anna types' })
  anna.socket.disconnect()
  await whenSeen(bert, {})
  t.pass()
})

test('who joins at one gateway sees who was at another before', async (t) => {
  const redis = await RedisServer.start(t)
  const [one, two] = await startPair(t, redis)
  const anna = await Client.connect(t, one.url)
  await anna.send(step1(new Y.Doc()), { docId: 'other' })
  await anna.send(states([[7, 3, 'Anna']]), {}, AWARENESS)
  await anna.send(states([[9, 1, 'Anna elsewhere']]), { docId: 'other' }, AWARENESS)
  const bert = await Client.connect(t, one.url)
  await bert.send(states([[8, 1, 'Bert']]), {}, AWARENESS)
  const newcomer = await Client.connect(t, two.url)
  await whenSeen(newcomer, { 7: 'Anna', 8: 'Bert' })
  newcomer.frames.length = 0
  await newcomer.send(Uint8Array.of(3), {}, AWARENESS)
  t.deepEqual(seenBy(newcomer), { 7: 'Anna', 8: 'Bert' }, 'known here by now')
})

test('rooms and documents stay apart between gateways', async (t) => {
  const redis = await RedisServer.start(t)
  const [one, two] = await startPair(t, redis)
  const anna = await Client.connect(t, one.url, { roomId: 'a', docId: 'doc' })
  const others = await Promise.all([
    Client.connect(t, two.url, { roomId: 'b', docId: 'doc' }),
    Client.connect(t, two.url, { roomId: 'a', docId: 'another' })
  ])
  const witness = await Client.connect(t, two.url, { roomId: 'a', docId: 'doc' })
  await Promise.all([...others, witness].map((client) => client.settled()))
  await anna.send(states([[7, 1, 'Anna']]), {}, AWARENESS)
  await whenSeen(witness, { 7: 'Anna' })
  for (const other of others) {
    await other.settled()
    t.deepEqual(seenBy(other), {})
  }
})

test('a client that reconnects to another gateway before its old socket is gone takes its state over', async (t) => {
  const redis = await RedisServer.start(t)
  const [one, two] = await startPair(t, redis)
  const reader = await Client.connect(t, one.url)
  const old = await Client.connect(t, one.url, { token: 'anna' })
  const returned = await Client.connect(t, two.url, { token: 'anna' })
  const eve = await Client.connect(t, two.url, { token: 'eve' })
  await Promise.all([returned.settled(), eve.settled(), reader.settled()])
  await old.send(states([[7, 1, 'Anna']]), {}, AWARENESS)
  await whenSeen(eve, { 7: 'Anna' })
  await eve.send(states([[7, 5, 'I am Anna']]), {}, AWARENESS)
  await returned.send(states([[7, 2, 'Anna is back']]), {}, AWARENESS)
  await whenSeen(reader, { 7: 'Anna is back' })
  old.socket.disconnect()
  await returned.send(states([[7, 3, 'still here']]), {}, AWARENESS)
  await whenSeen(reader, { 7: 'still here' })
  t.pass()
})

test('tokens do not leave the gateway', async (t) => {
  const redis = await RedisServer.start(t)
  const { gateway, url } = await startMember(t, redis)
  await whenMembers(gateway, 1)
  const spy = createClient({ url: redis.url })
  await spy.connect()
  t.teardown(() => spy.destroy())
  const messages: string[] = []
  const heard = new Promise<void>((resolve) => {
    void spy.pSubscribe('*', (message) => {
      messages.push(message)
      if (message.includes('Anna')) resolve()
    })
  })
  await spy.ping()
  const anna = await Client.connect(t, url, { token: 'anna-secret' })
  await anna.send(states([[7, 1, 'Anna']]), {}, AWARENESS)
  await heard
  t.false(messages.some((message) => message.includes('anna-secret')))
})

test('nonsense from Redis is ignored', async (t) => {
  const redis = await RedisServer.start(t)
  const [one, two] = await startPair(t, redis)
  const reader = await Client.connect(t, two.url)
  await reader.settled()
  const room = { roomId: 'room', docId: 'room' }
  const nonsense = [
    undefined,
    null,
    7,
    [],
    {},
    room,
    { ...room, socketId: 'x', states: 'none' },
    { ...room, socketId: 'x', states: [[7]] },
    { ...room, socketId: 'x', states: [[7, 1, { name: 'no text' }]] },
    { ...room, socketId: 'x', token: 5, states: [[7, 1, '"Eve"']] },
    { roomId: '', docId: 'room', socketId: 'x', states: [] }
  ]
  for (const message of nonsense) {
    one.gateway.io.serverSideEmit('y-kafka-collabation-server:awareness', message)
    one.gateway.io.serverSideEmit('y-kafka-collabation-server:awareness-query', message)
    one.gateway.io.serverSideEmit('y-kafka-collabation-server:awareness-query', [message])
  }
  const anna = await Client.connect(t, one.url)
  await anna.send(states([[7, 1, 'Anna']]), {}, AWARENESS)
  await whenSeen(reader, { 7: 'Anna' })
  t.pass()
})

test('a gateway that ends in order takes its clients with it', async (t) => {
  const redis = await RedisServer.start(t)
  const dying = await startProcess(t, redis)
  const { gateway, url } = await startMember(t, redis)
  await whenMembers(gateway, 2)
  const reader = await Client.connect(t, url)
  await reader.settled()
  const anna = await Client.connect(t, dying.url)
  await anna.send(states([[7, 1, 'Anna']]), {}, AWARENESS)
  await whenSeen(reader, { 7: 'Anna' })
  dying.child.kill('SIGTERM')
  t.deepEqual(await once(dying.child, 'exit'), [0, null])
  await whenSeen(reader, {}) // long before it would expire
  t.pass()
})

test('the clients of a gateway that was killed expire', async (t) => {
  const redis = await RedisServer.start(t)
  const dying = await startProcess(t, redis)
  const { gateway, url } = await startMember(t, redis, { awarenessTimeout: 1000 })
  await whenMembers(gateway, 2)
  const reader = await Client.connect(t, url)
  await reader.settled()
  const anna = await Client.connect(t, dying.url)
  await anna.send(states([[7, 1, 'Anna']]), {}, AWARENESS)
  await whenSeen(reader, { 7: 'Anna' })
  dying.child.kill('SIGKILL')
  await whenSeen(reader, {})
  t.pass()
})

test('a gateway works without Redis, and shares awareness when Redis is back', async (t) => {
  const redis = await RedisServer.start(t)
  const [one, two] = await startPair(t, redis)
  await redis.stop()
  const lost = 'redis is not available; awareness stays within this gateway'
  await Promise.all([one.log.message(lost), two.log.message(lost)])
  const anna = await Client.connect(t, one.url)
  const neighbour = await Client.connect(t, one.url)
  await neighbour.settled()
  await anna.send(states([[7, 1, 'Anna']]), {}, AWARENESS)
  await whenSeen(neighbour, { 7: 'Anna' })
  const reader = await Client.connect(t, two.url)
  await reader.settled()
  await redis.restart()
  await Promise.all([one.log.message('redis is available', 2), two.log.message('redis is available', 2)])
  for (let clock = 2; seenBy(reader)['7'] === undefined; clock++) {
    await anna.send(states([[7, clock, 'Anna renewed']]), {}, AWARENESS)
    await reader.settled()
  }
  t.deepEqual(seenBy(reader), { 7: 'Anna renewed' })
  t.is(one.log.messages.filter((message) => message === lost).length, 1, 'said once, however many attempts')
})

test('a gateway that ends while Redis is away ends in order', async (t) => {
  const redis = await RedisServer.start(t)
  const { child, url } = await startProcess(t, redis)
  const anna = await Client.connect(t, url)
  await anna.send(states([[7, 1, 'Anna']]), {}, AWARENESS)
  await redis.stop()
  await anna.send(states([[7, 2, 'Anna']]), {}, AWARENESS)
  child.kill('SIGTERM')
  t.deepEqual(await once(child, 'exit'), [0, null])
})
