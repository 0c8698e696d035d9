import test from 'ava'
import type { ExecutionContext } from 'ava'
import * as Y from 'yjs'

import { YDoc } from '../index.js'
import { throwsCode } from './helpers/errors.ts'
import { BareServer, keepDocuments } from './support/bare-server.ts'
import { Child } from './support/child.ts'
import { startGateway } from './support/gateway.ts'
import { startProvider, whenSynced } from './support/provider.ts'
import { waitFor } from './support/wait.ts'
import { body, docOf, isUpdate, textUpdate, update } from './support/wire.ts'
import { YjsClient } from './support/yjs-client.ts'

const idle = (t: ExecutionContext) => startProvider(t, 'ws://127.0.0.1:9', { autoConnect: false })

test('what_is_no_document_is_refused_with_a_message_that_helps', (t) => {
  const provider = idle(t)
  const add = (doc: unknown, options?: object) => () => provider.addDoc(doc as YDoc, options)
  const refused: [label: string, call: () => void, message: RegExp][] = [
    ['an object', add({}), /^doc: expected a YDoc of this package, a Doc of yjs/],
    ['null', add(null), /^doc: expected a YDoc/],
    ['a string', add('doc', { crdt: Y }), /^doc: expected a YDoc/],
    ['a class', add(Y.Doc, { crdt: Y }), /^doc: expected a YDoc/],
    ['a text', add(new Y.Text(), { crdt: Y }), /^doc: expected a YDoc/],
    ['without its module', add(new Y.Doc()), /^crdt: is required .*import \* as Y from 'yjs'/],
    ['without its module, null', add(new Y.Doc(), { crdt: null }), /^crdt: is required/],
    ['with something else', add(new Y.Doc(), { crdt: {} }), /^crdt: expected the module .*applyUpdate.* and Doc/],
    ['with a function', add(new Y.Doc(), { crdt: Y.applyUpdate }), /^crdt: expected the module/],
    ['with a part of it', add(new Y.Doc(), { crdt: { ...Y, encodeStateVector: 1 } }), /^crdt: expected the module/]
  ]
  for (const [label, call, message] of refused) {
    throwsCode(t, call, 'ERR_INVALID_ARGUMENT', label)
    t.throws(call, { message, instanceOf: TypeError }, label)
  }
  throwsCode(t, () => provider.removeDoc({} as YDoc), 'ERR_INVALID_ARGUMENT')
  // One that no provider ever had is like one that is not here any more.
  provider.removeDoc(new Y.Doc())
  throwsCode(t, () => provider.addDoc(new Y.Doc(), { docId: '', crdt: Y }), 'ERR_INVALID_OPTION')
  const awareness = {} as never
  throwsCode(t, () => provider.addDoc(new Y.Doc(), { crdt: Y, awareness }), 'ERR_INVALID_OPTION')
})

test('a_document_of_another_copy_of_the_module_is_refused', async (t) => {
  const script = `const Y = require('yjs')
    import('yjs').then((other) => {
      const provider = new ProtocolManager({ url: 'ws://127.0.0.1:9', roomId: 'room', autoConnect: false })
      try {
        provider.addDoc(new Y.Doc(), { crdt: other })
      } catch ({ code, message }) {
        console.log(code + ' ' + message)
      }
      provider.addDoc(new other.Doc(), { docId: 'doc', crdt: other })
      console.log('done')
    })`
  const child = Child.ofScript(t, script)
  await child.printed('done')
  t.regex(child.lines.join(), /^ERR_INVALID_ARGUMENT crdt: the document is of another copy of this module/)
})

test('a_native_document_needs_no_module_and_may_have_one', (t) => {
  const provider = idle(t)
  provider.addDoc(new YDoc(), { docId: 'doc', crdt: Y })
  t.true(provider.getDocState('doc')?.doc instanceof YDoc)
})

test('what_the_encoder_of_a_module_throws_reaches_the_caller', (t) => {
  const provider = idle(t)
  const error = new Error('can not be encoded')
  const crdt = {
    ...Y,
    encodeStateAsUpdate() {
      throw error
    }
  }
  t.is(
    t.throws(() => provider.addDoc(new Y.Doc(), { docId: 'doc', crdt })),
    error
  )
  const lies = { ...Y, encodeStateAsUpdate: () => Uint8Array.of(9, 9, 9) }
  throwsCode(t, () => provider.addDoc(new Y.Doc(), { docId: 'doc', crdt: lies }), 'ERR_INVALID_UPDATE')
  const words = { ...Y, encodeStateAsUpdate: () => 'bytes' as never }
  throwsCode(t, () => provider.addDoc(new Y.Doc(), { docId: 'doc', crdt: words }), 'ERR_INVALID_ARGUMENT')
  t.is(provider.getDocState('doc'), undefined)
  provider.addDoc(new Y.Doc(), { docId: 'doc', crdt: Y })
})

test('what_a_listener_throws_on_a_remote_change_is_uncaught_and_nothing_is_lost', async (t) => {
  const { url } = await startGateway(t)
  const script = `const Y = require('yjs')
    const uncaught = []
    process.on('uncaughtException', (error) => uncaught.push(error.message))
    const provider = new ProtocolManager({ url: '${url}', roomId: 'room' })
    const doc = new Y.Doc()
    provider.addDoc(doc, { docId: 'doc', crdt: Y })
    const text = doc.getText('body')
    text.observe(() => { throw new Error('observer') })
    doc.on('afterTransaction', ({ local }) => { if (!local) throw new Error('listener') })
    doc.on('update', () => {
      if (text.toString() !== 'one two' || doc.getMap('map').has('answer')) return
      doc.getMap('map').set('answer', 'still here')
      provider.flush().then(() => {
        console.log(JSON.stringify([...new Set(uncaught)].sort()))
        provider.destroy()
      })
    })
    provider.on('synced', ({ state }) => state && console.log('synced'))`
  const child = Child.ofScript(t, script)
  await child.printed('synced')
  const client = await YjsClient.connect(t, url)
  const { doc } = await client.open('doc')
  const answer = waitFor(doc, 'update', () => doc.getMap('map').get('answer') === 'still here')
  doc.getText('body').insert(0, 'one')
  doc.getText('body').insert(3, ' two')
  await answer
  await child.exits(t)
  t.true(
    child.lines.some((line) => line.includes('listener')),
    child.lines.join()
  )
})

test('what_could_not_be_applied_is_applied_with_the_next_news', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const script = `const Y = require('yjs')
    process.on('uncaughtException', ({ message }) => console.log(message))
    // The first attempt and the one that follows at once.
    let failures = 2
    const crdt = {
      ...Y,
      applyUpdate(doc, update, origin) {
        if (failures-- > 0) throw new Error('not now ' + failures)
        Y.applyUpdate(doc, update, origin)
      }
    }
    const provider = new ProtocolManager({ url: '${server.url}', roomId: 'room' })
    const doc = new Y.Doc()
    provider.addDoc(doc, { docId: 'doc', crdt })
    provider.on('synced', ({ state }) => state && console.log('synced'))
    doc.on('update', () => {
      console.log('holds ' + doc.getText('body').length)
      provider.destroy()
    })`
  const child = Child.ofScript(t, script)
  await child.printed('synced')
  server.send({ docId: 'doc' }, update(textUpdate('first')))
  await child.printed('not now 0')
  server.send({ docId: 'doc' }, update(textUpdate('late')))
  await child.printed('holds 9')
  await child.exits(t)
  t.deepEqual(child.lines, ['synced', 'not now 1', 'not now 0', 'holds 9'])
})

test('an_edit_that_can_not_be_sent_is_an_error_event_and_later_ones_work', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const provider = startProvider(t, server.url)
  const doc = new Y.Doc()
  provider.addDoc(doc, { docId: 'doc', crdt: Y })
  await whenSynced(provider, 'doc')
  const failed = waitFor(provider, 'error')
  doc.emit('update', [Uint8Array.of(9, 9, 9), null, doc, null as never])
  doc.getText('body').insert(0, 'fine')
  const [error] = await failed
  t.is(error.code, 'ERR_INVALID_UPDATE')
  t.is(error.docId, 'doc')
  await provider.flush()
  const sent = server.frames.filter(isUpdate).map(({ payload }) => body(payload))
  t.is(
    docOf(...sent)
      .getText('body')
      .toString(),
    'fine'
  )
})
