import test from 'ava'
import * as encoding from 'lib0/encoding'

import { Channel, ProtocolManager, ProtocolMessageType, YDoc } from '../index.js'
import { BareServer, keepDocuments } from './support/bare-server.ts'
import { Child } from './support/child.ts'
import { startGateway } from './support/gateway.ts'
import { openDoc, startProvider, whenStatus, whenSynced } from './support/provider.ts'
import { until, waitFor } from './support/wait.ts'
import * as wire from './support/wire.ts'

/** Listeners don't need a connection: `emit` is public. */
function offline(t: Parameters<typeof startProvider>[0]) {
  return startProvider(t, 'ws://127.0.0.1:9', { autoConnect: false })
}

test('messages_are_handed_out_as_they_came_with_metadata_and_offset', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  const metadata = {
    roomId: 'room',
    docId: 'doc',
    parentId: 'p',
    senderId: 's',
    version: '3',
    timestamp: 1700000000000
  }
  const sync = wire.update(wire.textUpdate('x'))
  const table: [event: string, wire: string, payload: Uint8Array, offset: string | undefined][] = [
    ['message-sync', wire.SYNC, sync, '17'],
    ['message-awareness', wire.AWARENESS, wire.queryAwareness(), undefined],
    ['message-control', wire.CONTROL, Uint8Array.of(100, 1, 2), '9007199254740993'],
    ['message-auth', wire.CONTROL, wire.denied('no'), undefined]
  ]
  for (const [event, wireEvent, payload, offset] of table) {
    const came = waitFor(provider, event)
    server.send(metadata, payload, wireEvent, ...(offset === undefined ? [] : [offset, { topic: 't', partition: 0 }]))
    const [bytes, meta, at] = await came
    t.true(bytes instanceof Uint8Array, event)
    t.deepEqual([...bytes], [...payload], event)
    t.deepEqual(meta, metadata, event)
    t.is(at, offset, event)
  }
})

test('messages_of_documents_that_are_not_here_are_handed_out_too', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  const came = waitFor(provider, 'message-sync')
  server.send({ docId: 'other' }, wire.update(wire.textUpdate('x')))
  t.like((await came)[1], { roomId: 'room', docId: 'other' })
})

test('control_messages_are_handed_out_as_type_and_content', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  for (const [label, type, content] of [
    ['small type', 100, [1, 2, 3]],
    ['type of several bytes', 70_000, [0]],
    ['no content', 5, []]
  ] as const) {
    const came = waitFor(provider, 'control')
    const payload = encoding.encode((encoder) => {
      encoding.writeVarUint(encoder, type)
      encoding.writeUint8Array(encoder, Uint8Array.from(content))
    })
    server.send({ docId: 'doc' }, payload, wire.CONTROL)
    const [gotType, gotContent] = await came
    t.is(gotType, type, label)
    t.deepEqual([...gotContent], [...content], label)
  }
})

test('send_puts_type_and_payload_into_an_envelope_on_the_event_of_its_channel', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  const table: [Channel, string][] = [
    [Channel.Sync, wire.SYNC],
    [Channel.Awareness, wire.AWARENESS],
    [Channel.Control, wire.CONTROL]
  ]
  for (const [channel, event] of table) {
    provider.send(channel, 200, Uint8Array.of(1, 2), 'custom', 'parent')
    const frame = await server.frame(({ metadata }) => metadata.docId === 'custom', server.frames.length)
    t.is(frame.event, event)
    t.deepEqual([...frame.payload], [200, 1, 1, 2])
    t.like(frame.metadata, { roomId: 'room', docId: 'custom', parentId: 'parent', senderId: provider.socket.id })
  }
  t.deepEqual({ ...ProtocolMessageType }, { Sync: 0, Awareness: 1, Auth: 2, QueryAwareness: 3 })
})

test('send_while_disconnected_is_an_error_event', async (t) => {
  const provider = offline(t)
  const failed = waitFor(provider, 'error')
  provider.send('control', 100, Uint8Array.of(1), 'doc')
  t.is((await failed)[0].code, 'ERR_CONNECTION')
})

test('listeners_are_called_in_the_order_in_which_they_came_and_once_each', (t) => {
  const provider = offline(t)
  const calls: string[] = []
  const first = (docId: string) => calls.push(`first ${docId}`)
  const second = (docId: string) => calls.push(`second ${docId}`)
  const third = (docId: string) => calls.push(`third ${docId}`)
  provider.on('doc-loaded', first)
  provider.once('doc-loaded', second)
  provider.on('doc-loaded', third)
  provider.on('doc-loaded', first)
  provider.emit('doc-loaded', ['a'])
  provider.emit('doc-loaded', ['b'])
  provider.off('doc-loaded', first)
  provider.off('doc-loaded', () => {})
  provider.addDoc(new YDoc(), { docId: 'c' })
  t.deepEqual(calls, ['first a', 'second a', 'third a', 'first b', 'third b', 'third c'])
})

test('a_once_listener_can_be_taken_back', (t) => {
  const provider = offline(t)
  const calls: string[] = []
  const listener = (docId: string) => calls.push(docId)
  provider.once('doc-loaded', listener)
  provider.off('doc-loaded', listener)
  provider.emit('doc-loaded', ['a'])
  t.deepEqual(calls, [])
})

test('listeners_may_add_and_remove_listeners_while_they_are_called', (t) => {
  const provider = offline(t)
  const calls: string[] = []
  const later = (docId: string) => calls.push(`later ${docId}`)
  const removed = (docId: string) => calls.push(`removed ${docId}`)
  provider.on('doc-loaded', (docId) => {
    calls.push(docId)
    provider.on('doc-loaded', later)
    provider.off('doc-loaded', removed)
  })
  provider.on('doc-loaded', removed)
  provider.emit('doc-loaded', ['a'])
  provider.emit('doc-loaded', ['b'])
  t.deepEqual(calls, ['a', 'removed a', 'b', 'later b'])
})

test('emit_passes_all_arguments_and_throws_what_a_listener_throws', (t) => {
  const provider = offline(t) as any
  const calls: unknown[][] = []
  const thrown = { not: 'an error' }
  provider.on('custom', () => {
    throw thrown
  })
  provider.on('custom', (...args: unknown[]) => calls.push(args))
  const args = [1, undefined, null, { a: 1 }, new Uint8Array(2)]
  t.is(t.throws(() => provider.emit('custom', args), { any: true }) as unknown, thrown)
  t.deepEqual(calls, [args], 'the other listener was called all the same')
  t.notThrows(() => provider.emit('nobody listens', []))
})

test('events_without_listeners_are_no_error', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider, doc, text } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  server.io.emit(wire.SYNC, Buffer.from('garbage'))
  server.send({ docId: 'doc' }, wire.update(wire.textUpdate('good')))
  await until(doc, 'update', () => text.length() > 0)
  t.is(text.toString(), 'good')
})

test('a_listener_that_throws_reaches_uncaught_exception_and_the_provider_goes_on', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const child = Child.ofScript(
    t,
    `process.on('uncaughtException', (error, origin) => console.log('uncaught', error.message, origin))
     const provider = new ProtocolManager({ url: '${server.url}', roomId: 'room' })
     const doc = new YDoc()
     provider.addDoc(doc, { docId: 'doc' })
     provider.on('status', ({ status }) => { throw new Error('status ' + status) })
     provider.on('synced', ({ state }) => {
       if (!state) throw new Error('synced false')
       doc.getText('body').insert(0, 'still here')
       provider.flush().then(() => console.log('flushed')).then(() => provider.destroy())
       throw new Error('synced true')
     })`
  )
  await child.exits(t)
  t.deepEqual(child.lines, [
    'uncaught status connecting uncaughtException',
    'uncaught status connected uncaughtException',
    'uncaught synced true uncaughtException',
    'flushed',
    'uncaught status disconnected uncaughtException',
    'uncaught synced false uncaughtException'
  ])
})

test('without_a_handler_a_listener_that_throws_ends_the_process_as_any_other', async (t) => {
  const server = await BareServer.start(t)
  const child = Child.ofScript(
    t,
    `new ProtocolManager({ url: '${server.url}', roomId: 'room' })
       .on('status', () => { throw new Error('nobody catches this') })`
  )
  t.regex(await child.exits(t, 1), /nobody catches this/)
})

for (const at of ['connecting', 'connected', 'disconnected'] as const) {
  test(`a_listener_may_destroy_the_provider_inside_status_${at}`, async (t) => {
    const server = await BareServer.start(t, { handle: keepDocuments() })
    const { provider, text } = openDoc(t, server.url, 'doc')
    text.insert(0, 'x')
    const seen: string[] = []
    const ended = new Promise<void>((resolve) => {
      provider.on('status', ({ status }) => {
        seen.push(status)
        if (status === at) provider.destroy()
        if (status === 'disconnected') resolve()
        if (status === 'connected' && at === 'disconnected') provider.disconnect()
      })
    })
    await ended
    t.deepEqual(
      seen,
      at === 'connecting' ? ['connecting', 'disconnected'] : ['connecting', 'connected', 'disconnected']
    )
    t.throws(() => provider.connect(), { code: 'ERR_DESTROYED' })
  })
}

test('a_listener_may_remove_and_add_documents_inside_synced', async (t) => {
  const { url } = await startGateway(t)
  const { provider } = openDoc(t, url, 'doc-0')
  const synced: string[] = []
  provider.on('synced', ({ docId, state }) => {
    if (!state) return
    synced.push(docId)
    provider.removeDoc(docId)
    if (synced.length < 5) provider.addDoc(new YDoc(), { docId: `doc-${synced.length}` })
  })
  await until(provider, 'synced', () => synced.length === 5)
  t.deepEqual(synced, ['doc-0', 'doc-1', 'doc-2', 'doc-3', 'doc-4'])
})

test('documents_may_be_added_and_removed_in_any_listener', async (t) => {
  const { url } = await startGateway(t)
  const writer = openDoc(t, url, 'doc')
  await whenSynced(writer.provider, 'doc')
  const provider = startProvider(t, url)
  let added = 0
  const renew = () => {
    provider.removeDoc('doc')
    const doc = new YDoc()
    provider.addDoc(doc, { docId: 'doc' })
    added += 1
    return doc
  }
  // Each once: what a listener does makes further events.
  const seen = new Set<string>()
  const once = (name: string) => () => {
    if (seen.has(name)) return
    seen.add(name)
    listen(renew())
  }
  const listen = (doc: YDoc) => {
    const state = provider.getDocState('doc')!
    doc.on('update', once('update'))
    doc.getText('body').observe(once('observe'))
    state.awareness.on('change', once('awareness'))
  }
  const events = ['status', 'synced', 'unsyncedChanges', 'message-sync', 'message-awareness', 'doc-loaded'] as const
  for (const event of events) provider.on(event, once(event))
  listen(renew())
  while (seen.size < events.length + 3) {
    const doc = provider.getDocState('doc')!.doc as YDoc
    doc.getText('body').insert(0, 'x')
    writer.text.insert(0, 'y')
    writer.provider.getDocState('doc')!.awareness.setLocalState({ added })
    // A document may be removed while its edits are on their way.
    await provider.flush().catch(({ code }) => t.is(code, 'ERR_UNKNOWN_DOC'))
    await writer.provider.flush()
  }
  await provider.whenSynced('doc')
  const { doc } = provider.getDocState('doc')!
  await until(doc as YDoc, 'update', () => doc.getText('body').toString() === writer.text.toString())
  t.is(provider.stats().documents, 1)
})

test('a_subclass_hears_its_own_events', async (t) => {
  const server = await BareServer.start(t)
  class Custom extends ProtocolManager {
    readonly seen: string[] = []
    constructor(url: string) {
      super({ url, roomId: 'room' })
      this.on('status', ({ status }) => this.seen.push(status))
    }
  }
  const provider = new Custom(server.url)
  t.teardown(() => provider.destroy())
  await whenStatus(provider, 'connected')
  t.deepEqual(provider.seen, ['connecting', 'connected'])
})
