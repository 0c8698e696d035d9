import { Writable } from 'node:stream'
import test, { type ExecutionContext } from 'ava'
import { pino } from 'pino'
import { Client, SYNC, textUpdate, update } from './support/client.js'
import { ControlledStore } from './support/controlled-store.js'
import { startGateway } from './support/gateway.js'
import type { GatewayOptions } from '../src/index.js'

interface Line {
  readonly level: number
  readonly msg: string
  readonly [name: string]: unknown
}

/** A gateway that logs into an array. */
async function startLogged(t: ExecutionContext, options: GatewayOptions = {}) {
  const lines: Line[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)) as Line)
      done()
    }
  })
  const logger = pino({ level: 'trace' }, stream)
  const started = await startGateway(t, { logger, onError: undefined, ...options })
  const find = (msg: string) => lines.find((line) => line.msg === msg)
  return { ...started, lines, find }
}

test('the life of a gateway and of its connections is logged', async (t) => {
  const { gateway, url, lines, find } = await startLogged(t)
  const client = await Client.connect(t, url)
  const { id } = client.socket
  await client.settled()
  await gateway.close()
  t.like(find('listening'), { level: 30, port: Number(new URL(url).port) })
  t.like(find('connected'), { level: 20, socketId: id, roomId: 'room' })
  t.like(find('draining'), { level: 30, connections: 1 })
  t.like(find('disconnected'), { level: 20, socketId: id, reason: 'server shutting down' })
  t.is(lines.at(-1)?.msg, 'closed')
})

test('an error is logged with its code and its cause', async (t) => {
  const store = await ControlledStore.open()
  const { url, find } = await startLogged(t, { store })
  const client = await Client.connect(t, url)
  await client.settled()
  const cause = new Error('no space left on device')
  store.failure = Object.assign(new Error('write failed', { cause }), { code: 'LEVEL_IO', batch: ['secret'] })
  await client.send(update(textUpdate('hello')))
  const line = find(`frame from ${client.socket.id}`)
  t.is(line?.level, 50)
  t.like(line?.['err'], { type: 'Error', code: 'LEVEL_IO', message: 'write failed: no space left on device' })
  t.false(JSON.stringify(line).includes('secret'), 'properties of errors may hold what a client sent')
})

test('what clients send is never logged', async (t) => {
  const store = await ControlledStore.open()
  const authorize = ({ token }: { token: string | undefined }) => token !== 'bad-secret'
  const { gateway, url, lines, find } = await startLogged(t, { store, authorize, maxMessageBytes: 1000 })
  const client = await Client.connect(t, url, { token: 'good-secret' })
  await t.throwsAsync(Client.connect(t, url, { token: 'bad-secret' }))
  const bodies = [
    update(textUpdate('document-secret')),
    update(textUpdate('document-secret'.repeat(100))),
    Buffer.from('{"type":"control-secret"}'),
    Buffer.from('\u0001\u0013\u0001\u0001\u0001\u000fsecret-presence') // what JSON.parse says quotes it
  ]
  for (const body of bodies) await client.send(body)
  await client.socket.emitWithAck(SYNC, Buffer.from('not-an-envelope-secret'))
  store.failure = new Error('the log')
  await client.send(update(textUpdate('another-secret')))
  await gateway.close()
  t.like(find('frame refused'), { level: 20, socketId: client.socket.id, code: 'too-large' })
  t.like(find('connection refused'), { level: 30, code: 'permission-denied' })
  t.deepEqual(
    lines.filter((line) => JSON.stringify(line).includes('secret')),
    []
  )
})

test('a logger of its own level gets no more than that', async (t) => {
  const lines: string[] = []
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk))
      done()
    }
  })
  const { gateway } = await startGateway(t, { logger: pino({ level: 'warn' }, stream) })
  await gateway.close()
  t.deepEqual(lines, [])
})
