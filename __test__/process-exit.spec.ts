import test from 'ava'
import type { ExecutionContext } from 'ava'
import { createServer } from 'node:net'

import { BareServer, keepDocuments } from './support/bare-server.ts'
import { Child } from './support/child.ts'
import { startGateway } from './support/gateway.ts'
import { YjsClient } from './support/yjs-client.ts'
import { body, docOf, isUpdate } from './support/wire.ts'

/** A port of this machine that nobody listens on. */
async function deadUrl(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return `ws://127.0.0.1:${port}`
}

const provider = (url: string, rest = '') =>
  `const provider = new ProtocolManager({ url: '${url}', roomId: 'room', ${rest}
     socketOptions: { reconnectionDelay: 20, reconnectionDelayMax: 50 } })
   provider.on('status', ({ status }) => console.log(status))
   const doc = new YDoc()
   provider.addDoc(doc, { docId: 'doc' })
   `

test('a_process_that_only_loads_the_addon_ends', async (t) => {
  await Child.ofScript(t, '').exits(t)
})

test('a_process_with_documents_only_ends', async (t) => {
  await Child.ofScript(t, `new YDoc().getText('body').insert(0, 'x')`).exits(t)
})

test('ends_when_the_provider_never_connects', async (t) => {
  await Child.ofScript(t, provider('ws://127.0.0.1:9', 'autoConnect: false,')).exits(t)
})

test('ends_when_destroyed_in_the_tick_of_its_birth', async (t) => {
  const child = Child.ofScript(t, provider(await deadUrl()) + 'provider.destroy()')
  await child.exits(t)
  t.deepEqual(child.lines, [])
})

test('ends_when_disconnected_in_the_tick_of_its_birth', async (t) => {
  const server = await BareServer.start(t)
  const child = Child.ofScript(t, provider(server.url) + 'provider.disconnect()')
  await child.exits(t)
  t.is(server.connections, 0)
  t.deepEqual(child.lines, [])
})

test('ends_when_destroyed_while_it_connects_to_a_dead_port', async (t) => {
  const script = `provider.on('connection-error', () => provider.destroy())`
  const child = Child.ofScript(t, provider(await deadUrl()) + script)
  await child.exits(t)
  t.deepEqual(child.lines, ['connecting', 'disconnected'])
})

test('ends_when_destroyed_while_the_server_does_not_answer', async (t) => {
  // Takes the connection and never says a word.
  const server = createServer(() => {})
  t.teardown(() => server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const accepted = new Promise<void>((resolve) => server.once('connection', () => resolve()))
  const child = Child.ofScript(
    t,
    provider(`ws://127.0.0.1:${port}`) +
      `process.stdin.once('data', () => { process.stdin.destroy(); provider.destroy() })`
  )
  await accepted
  child.write('now')
  await child.exits(t)
  t.deepEqual(child.lines, ['connecting', 'disconnected'])
})

test('stays_alive_while_connected_and_ends_when_destroyed', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  // The timer does not keep the process alive; only the provider does.
  const script = `provider.on('synced', ({ state }) => state && setTimeout(() => provider.destroy(), 300).unref())`
  const child = Child.ofScript(t, provider(server.url) + script)
  await child.exits(t)
  t.deepEqual(child.lines, ['connecting', 'connected', 'disconnected'], 'it lived until it was destroyed')
})

test('stays_alive_while_it_reconnects_and_ends_when_destroyed', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const script = `let errors = 0
    provider.on('connection-error', () => { if (++errors === 5) provider.destroy() })`
  const child = Child.ofScript(t, provider(server.url) + script)
  await child.printed('connected')
  await new Promise<void>((resolve) => server.io.close(() => resolve()))
  await child.exits(t)
  t.deepEqual(child.lines, ['connecting', 'connected', 'disconnected', 'connecting', 'disconnected'])
})

test('stays_alive_over_disconnect_and_connect', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const script = `let count = 0
    provider.on('synced', ({ state }) => {
      if (!state) return
      if (++count === 4) return setTimeout(() => { console.log('end'); provider.destroy() }, 100).unref()
      provider.disconnect()
      provider.connect()
    })`
  const child = Child.ofScript(t, provider(server.url) + script)
  await child.exits(t)
  t.is(child.lines.at(-2), 'end')
  t.is(server.connections, 4)
})

test('ends_when_disconnected', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const script = `provider.on('synced', ({ state }) => state && provider.disconnect())`
  const child = Child.ofScript(t, provider(server.url) + script)
  await child.exits(t)
  t.deepEqual(child.lines, ['connecting', 'connected', 'disconnected'])
})

test('ends_when_no_attempt_is_left', async (t) => {
  const url = await deadUrl()
  const script = `const provider = new ProtocolManager({ url: '${url}', roomId: 'room',
      socketOptions: { reconnectionDelay: 5, reconnectionAttempts: 2 } })
    provider.on('connection-error', ({ willRetry }) => console.log(willRetry))`
  const child = Child.ofScript(t, script)
  await child.exits(t)
  t.deepEqual(child.lines, ['true', 'true', 'false'])
})

test('ends_when_the_server_refuses_it', async (t) => {
  const server = await BareServer.start(t)
  server.io.use((_, next) => next(new Error('no')))
  const child = Child.ofScript(t, provider(server.url))
  await child.exits(t)
  t.deepEqual(child.lines, ['connecting', 'disconnected'])
})

for (const [label, script] of [
  ['before_it_connects', 'provider.unref()'],
  ['while_connected', `provider.on('synced', () => provider.unref())`],
  ['after_ref', `provider.unref(); provider.ref(); provider.on('synced', () => { provider.unref(); provider.unref() })`]
]) {
  test(`ends_with_unref_${label}`, async (t) => {
    const server = await BareServer.start(t, { handle: keepDocuments() })
    const child = Child.ofScript(t, provider(server.url) + script)
    await child.exits(t)
    t.false(child.lines.includes('disconnected'), 'nobody destroyed it')
  })
}

test('a_flush_keeps_the_process_alive_and_its_rejection_lets_it_go', async (t) => {
  const script = `doc.getText('body').insert(0, 'x')
    provider.flush({ timeout: 200 }).catch(({ code }) => console.log(code))`
  const child = Child.ofScript(t, provider('ws://127.0.0.1:9', 'autoConnect: false,') + script)
  await child.exits(t)
  t.deepEqual(child.lines, ['ERR_TIMEOUT'])
})

test('an_edit_in_the_tick_of_destroy_is_delivered', async (t) => {
  const { url } = await startGateway(t)
  const script = `provider.on('synced', ({ state }) => {
      if (!state) return
      doc.getText('body').insert(0, 'last words')
      provider.destroy()
    })`
  const child = Child.ofScript(t, provider(url) + script)
  await child.exits(t)
  const { doc } = await (await YjsClient.connect(t, url)).open('doc')
  t.is(doc.getText('body').toString(), 'last words')
})

test('a_custom_message_in_the_tick_of_destroy_is_delivered', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const script = `provider.on('synced', ({ state }) => {
      if (!state) return
      for (let type = 100; type < 120; type++) provider.send('control', type, new Uint8Array(1000), 'doc')
      provider.destroy()
    })`
  const child = Child.ofScript(t, provider(server.url) + script)
  await child.exits(t)
  await server.frame(({ payload }) => payload[0] === 119)
  t.deepEqual(server.frames.map(({ payload }) => payload[0]).filter((type) => type >= 100).length, 20)
})

test('an_edit_in_the_tick_of_birth_and_destroy_of_the_process_is_not_waited_for_for_ever', async (t) => {
  const url = await deadUrl()
  const script = `doc.getText('body').insert(0, 'x'); setTimeout(() => provider.destroy(), 30)`
  const child = Child.ofScript(t, provider(url) + script)
  const started = process.hrtime.bigint()
  await child.exits(t)
  t.true(process.hrtime.bigint() - started < 6_000_000_000n, 'the linger is bounded')
})

test('an_edit_before_disconnect_is_delivered_although_the_process_ends', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const script = `provider.on('synced', ({ state }) => {
      if (!state) return
      doc.getText('body').insert(0, 'x'.repeat(500_000))
      provider.disconnect()
    })`
  const child = Child.ofScript(t, provider(server.url) + script)
  await child.exits(t)
  const { payload } = await server.frame(isUpdate)
  t.is(docOf(body(payload)).getText('body').length, 500_000)
})

test('two_hundred_providers_leave_nothing_behind', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const script = `
    const handles = () => process._getActiveHandles().length
    const run = (count) => Promise.all(Array.from({ length: count }, async (_, index) => {
      const provider = new ProtocolManager({ url: '${server.url}', roomId: 'room' })
      const doc = new YDoc()
      provider.addDoc(doc, { docId: 'doc-' + index })
      // A third is destroyed at once, a third while connecting, a third when synced.
      if (index % 3 === 0) return provider.destroy()
      const [event, wanted] = index % 3 === 1 ? ['status', true] : ['synced', true]
      await new Promise((resolve) => provider.once(event, resolve))
      provider.destroy()
      if (provider.status === 'disconnected') return
      await new Promise((resolve) => {
        provider.on('status', ({ status }) => status === 'disconnected' && resolve())
      })
    }))
    ;(async () => {
      await run(10)
      const before = handles()
      for (let round = 0; round < 10; round++) await run(20)
      console.log('handles', handles() - before)
    })()`
  const child = Child.ofScript(t, script)
  await child.exits(t)
  t.deepEqual(child.lines, ['handles 0'])
})

test('a_worker_thread_with_a_live_provider_is_terminated_and_the_main_thread_goes_on', async (t) => {
  const { url } = await startGateway(t)
  await checkWorkers(t, url)
})

async function checkWorkers(t: ExecutionContext, url: string): Promise<void> {
  const script = `
    const { Worker } = require('node:worker_threads')
    const code = \`
      const { parentPort } = require('node:worker_threads')
      const { ProtocolManager, YDoc } = require('./index.js')
      const provider = new ProtocolManager({ url: '${url}', roomId: 'room' })
      const doc = new YDoc()
      provider.addDoc(doc, { docId: 'doc' })
      doc.getText('body').observe(() => {})
      provider.on('message-sync', () => {})
      provider.on('synced', () => {
        parentPort.postMessage('synced')
        setInterval(() => {
          for (let i = 0; i < 20; i++) doc.getText('body').insert(0, 'w')
          provider.flush().catch(() => {})
        }, 1)
      })
    \`
    const main = new ProtocolManager({ url: '${url}', roomId: 'room' })
    const doc = new YDoc()
    main.addDoc(doc, { docId: 'doc' })
    doc.getText('body').observe(() => {})
    ;(async () => {
      for (let round = 0; round < 5; round++) {
        const workers = [new Worker(code, { eval: true }), new Worker(code, { eval: true })]
        await Promise.all(workers.map((it) => new Promise((resolve) => it.once('message', resolve))))
        const length = doc.getText('body').length()
        // Mid-traffic: terminated while its edits arrive here.
        await new Promise((resolve) => doc.on('update', function heard() {
          if (doc.getText('body').length() < length + 60) return
          doc.off('update', heard)
          resolve()
        }))
        await Promise.all(workers.map((it) => it.terminate()))
        console.log('terminated')
      }
      doc.getText('body').insert(0, 'main goes on')
      await main.flush()
      console.log('flushed')
      main.destroy()
    })()`
  const child = Child.ofScript(t, script)
  await child.exits(t)
  t.deepEqual(child.lines, [...Array(5).fill('terminated'), 'flushed'])
  const { doc } = await (await YjsClient.connect(t, url)).open('doc')
  // Not at the start: what the workers said last may have come later.
  t.true(doc.getText('body').toString().includes('main goes on'))
}
