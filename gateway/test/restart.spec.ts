import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import * as Y from 'yjs'
import { createGateway, LevelLogStore } from '../src/index.js'
import { body, Client, CONTROL, isStep2, step1, step2, textUpdate, update } from './support/client.js'
import { ControlledStore } from './support/controlled-store.js'
import { startGateway, temporaryFolder } from './support/gateway.js'

const CLI = fileURLToPath(new URL('../src/cli.ts', import.meta.url))

/** Runs the command line, and resolves with the URL from the line it prints. */
async function startProcess(
  t: ExecutionContext,
  ...args: string[]
): Promise<{ child: ChildProcess; url: string; line: string }> {
  const child = runCli(t, '--port', '0', ...args)
  let output = ''
  for await (const chunk of child.stdout!) {
    output += String(chunk)
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0]
    if (url !== undefined && output.includes('\n')) return { child, url, line: output }
  }
  throw new Error(`the gateway ended: ${output}`)
}

function runCli(t: ExecutionContext, ...args: string[]): ChildProcess {
  const child = spawn(process.execPath, ['--import=tsx', CLI, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

async function textFrom(t: ExecutionContext, url: string): Promise<{ text: string; offset: string | undefined }> {
  const client = await Client.connect(t, url)
  await client.send(step1(new Y.Doc()))
  const { payload, offset } = await client.frame(isStep2)
  const doc = new Y.Doc()
  Y.applyUpdate(doc, body(payload))
  return { text: doc.getText('body').toString(), offset }
}

test('after a restart the document is there and the offsets go on', async (t) => {
  const data = await temporaryFolder(t)
  const before = await startGateway(t, { data })
  const author = await Client.connect(t, before.url)
  await author.send(update(textUpdate('hello', 1)))
  await before.gateway.close()

  const after = await startGateway(t, { data })
  t.deepEqual(await textFrom(t, after.url), { text: 'hello', offset: '0' })
  const next = await Client.connect(t, after.url)
  t.like(await next.send(update(textUpdate('more', 2))), { ok: true, offset: '1' })
})

test('snapshots replace the log and lose neither state, deletions nor the offset', async (t) => {
  const data = await temporaryFolder(t)
  const before = await startGateway(t, { data, snapshotUpdates: 10 })
  const author = await Client.connect(t, before.url)
  const doc = new Y.Doc()
  const acks: Promise<unknown>[] = []
  doc.on('update', (bytes: Uint8Array) => acks.push(author.send(update(bytes))))
  for (let i = 0; i < 40; i++) doc.getText('body').insert(i, String(i % 10))
  doc.getText('body').delete(0, 20)
  await Promise.all(acks)
  await before.gateway.close()

  const store = await LevelLogStore.open(data)
  const id = { roomId: 'room', docId: 'room' }
  const snapshot = await store.getSnapshot(id)
  t.true(snapshot !== undefined && snapshot.offset >= 9n)
  for await (const { offset } of store.read(id, 0n)) t.true(offset > snapshot!.offset)
  await store.close()

  const after = await startGateway(t, { data })
  t.deepEqual(await textFrom(t, after.url), { text: '01234567890123456789', offset: '40' })
})

test('an update that waits for others is not lost in a snapshot', async (t) => {
  const data = await temporaryFolder(t)
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (bytes: Uint8Array) => updates.push(bytes))
  for (const word of ['one ', 'two ', 'three ']) doc.getText('body').insert(doc.getText('body').length, word)

  const before = await startGateway(t, { data, snapshotUpdates: 1 })
  const author = await Client.connect(t, before.url)
  await author.send(update(updates[2]!))
  await author.send(update(updates[1]!))
  await before.gateway.close()

  const after = await startGateway(t, { data })
  const client = await Client.connect(t, after.url)
  await client.send(update(updates[0]!))
  t.is((await textFrom(t, after.url)).text, 'one two three ')
})

test('closing announces itself, acks what was taken, refuses the rest and lets clients reconnect', async (t) => {
  const store = await ControlledStore.open()
  const { gateway, url } = await startGateway(t, { store })
  const client = await Client.connect(t, url)
  const closed = client.disconnected()
  store.holdBack()
  const taken = client.send(update(textUpdate('last words')))
  await client.send(step1(new Y.Doc())) // the gateway has the update by now
  const closing = gateway.close()
  const { payload } = await client.frame(({ event }) => event === CONTROL)
  t.deepEqual(JSON.parse(Buffer.from(payload).toString()), { type: 'going-away' })
  t.like(await client.send(update(textUpdate('too late'))), { ok: false, code: 'unavailable', retryable: true })
  store.letGo()
  t.like(await taken, { ok: true, offset: '0' })
  t.is(await closed, 'transport close', 'Socket.IO clients never reconnect after "io server disconnect"')
  await closing
  await gateway.close()
})

test('close works before listen, and a port in use is an error', async (t) => {
  const { gateway, url } = await startGateway(t)
  await t.throwsAsync(gateway.listen(), { message: /already/ })
  await createGateway().close()
  const second = createGateway()
  await t.throwsAsync(second.listen(Number(new URL(url).port)), { code: 'EADDRINUSE' })
  await second.close()
})

test('kill -9 after an ack loses nothing', async (t) => {
  const data = await temporaryFolder(t)
  const doc = new Y.Doc()
  let lastOffset = -1
  for (let round = 0; round < 3; round++) {
    const { child, url } = await startProcess(t, '--data', data)
    const client = await Client.connect(t, url)
    const acks: Promise<Record<string, unknown>>[] = []
    const send = (bytes: Uint8Array) => acks.push(client.send(update(bytes)))
    doc.on('update', send)
    for (let i = 0; i < 50; i++) doc.getText('body').insert(0, String.fromCharCode(97 + round))
    doc.off('update', send)
    for (const ack of await Promise.all(acks)) {
      t.true(ack['ok'])
      t.true(Number(ack['offset']) > lastOffset)
      lastOffset = Number(ack['offset'])
    }
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const { url } = await startProcess(t, '--data', data)
  t.deepEqual(await textFrom(t, url), { text: doc.getText('body').toString(), offset: String(lastOffset) })
})

test('kill -9 amid unacked updates leaves a log that is whole up to its end', async (t) => {
  const data = await temporaryFolder(t)
  const first = await startProcess(t, '--data', data)
  const client = await Client.connect(t, first.url)
  const doc = new Y.Doc()
  const text = doc.getText('body')
  let lastAcked = -1
  const closed = client.disconnected()
  doc.on('update', (bytes: Uint8Array) => {
    client.send(update(bytes)).then(
      ({ offset }) => {
        lastAcked = Number(offset)
        if (lastAcked === 200) first.child.kill('SIGKILL')
        text.insert(text.length, 'x')
      },
      () => {}
    )
  })
  for (let i = 0; i < 50; i++) text.insert(i, 'x') // 50 are always under way, each ack brings another
  await closed

  const second = await startProcess(t, '--data', data)
  const found = await textFrom(t, second.url)
  t.true(Number(found.offset) >= lastAcked)
  t.is(found.text.length, Number(found.offset) + 1, 'each record is one letter')
  const again = await Client.connect(t, second.url)
  t.like(await again.send(step2(doc)), { ok: true })
  t.is((await textFrom(t, second.url)).text, text.toString())
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends the process in order`, async (t) => {
    const data = await temporaryFolder(t)
    const { child, url, line } = await startProcess(t, '--data', data)
    t.is(line.trim().split('\n').length, 1)
    const client = await Client.connect(t, url)
    await client.send(update(textUpdate('hello')))
    const closed = client.disconnected()
    child.kill(signal)
    t.deepEqual(await once(child, 'exit'), [0, null])
    t.is(await closed, 'transport close')
  })
}

const BAD_ARGUMENTS: [label: string, args: string[]][] = [
  ['an unknown option', ['--colour']],
  ['a port that is no number', ['--port', 'http']],
  ['a port out of range', ['--port', '65536']]
]

for (const [label, args] of BAD_ARGUMENTS) {
  test(`the command line refuses ${label}`, async (t) => {
    const child = runCli(t, ...args)
    let errors = ''
    child.stderr!.on('data', (chunk) => (errors += String(chunk)))
    t.deepEqual(await once(child, 'close'), [2, null])
    t.regex(errors, /usage: y-kafka-gateway/)
  })
}

test('the command line says in one line that the folder is in use', async (t) => {
  const data = await temporaryFolder(t)
  await startProcess(t, '--data', data)
  const child = runCli(t, '--port', '0', '--data', data)
  let errors = ''
  child.stderr!.on('data', (chunk) => (errors += String(chunk)))
  t.deepEqual(await once(child, 'close'), [1, null])
  t.is(errors.trim().split('\n').length, 1)
  t.regex(errors, /lock/i)
})
