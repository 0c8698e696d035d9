import test from 'ava'
import type { Socket as TcpSocket } from 'node:net'
import type { Socket } from 'socket.io'
import * as Y from 'yjs'

import { YDoc } from '../index.js'
import { BareServer, keepDocuments } from './support/bare-server.ts'
import { startGateway, temporaryFolder } from './support/gateway.ts'
import { openDoc, startProvider, whenStatus, whenSynced } from './support/provider.ts'
import { until, waitFor } from './support/wait.ts'
import { body, docOf, isUpdate, textUpdate, update } from './support/wire.ts'
import { YjsClient } from './support/yjs-client.ts'

test('edits_made_while_disconnected_arrive_at_a_third_client_without_help_of_another', async (t) => {
  const { url } = await startGateway(t)
  const first = openDoc(t, url, 'doc')
  first.text.insert(0, 'online ')
  await first.provider.flush()
  first.provider.disconnect()
  await whenStatus(first.provider, 'disconnected')
  first.text.insert(7, 'offline')
  first.text.delete(0, 3)
  first.doc.getMap('map').set('key', 'value')
  first.doc.getArray('list').insert(0, [1, { two: 2 }])
  first.provider.connect()
  await first.provider.flush()
  // Whoever made the edits is gone before others come.
  first.provider.destroy()

  const native = openDoc(t, url, 'doc')
  await whenSynced(native.provider, 'doc')
  t.is(native.text.toString(), 'ine offline')
  t.deepEqual(native.doc.getMap('map').toJson(), { key: 'value' })
  t.deepEqual(native.doc.getArray('list').toJson(), [1, { two: 2 }])

  const client = await YjsClient.connect(t, url)
  const { doc } = await client.open('doc')
  t.is(doc.getText('body').toString(), 'ine offline')
  t.deepEqual(doc.getMap('map').toJSON(), { key: 'value' })
  t.deepEqual(doc.getArray('list').toJSON(), [1, { two: 2 }])
})

test('deletions_made_while_disconnected_arrive_although_they_move_no_state_vector', async (t) => {
  const { url } = await startGateway(t)
  const first = openDoc(t, url, 'doc')
  first.text.insert(0, 'keep and drop')
  await first.provider.flush()
  first.provider.disconnect()
  await whenStatus(first.provider, 'disconnected')
  first.text.delete(4, 9)
  first.provider.connect()
  await first.provider.flush()
  first.provider.destroy()
  const { doc } = await (await YjsClient.connect(t, url)).open('doc')
  t.is(doc.getText('body').toString(), 'keep')
})

test('edits_made_before_the_first_connection_arrive', async (t) => {
  const { url } = await startGateway(t)
  const doc = new YDoc()
  doc.getText('body').insert(0, 'before the provider ')
  const provider = startProvider(t, url, { autoConnect: false })
  provider.addDoc(doc, { docId: 'doc' })
  doc.getText('body').insert(20, 'and before connecting')
  provider.connect()
  await provider.flush()
  const client = await YjsClient.connect(t, url)
  t.is((await client.open('doc')).doc.getText('body').toString(), 'before the provider and before connecting')
})

test('edits_made_while_the_gateway_was_down_arrive_when_it_is_back_on_its_log', async (t) => {
  const data = await temporaryFolder(t)
  const { gateway, url, port } = await startGateway(t, { data })
  const writer = openDoc(t, url, 'doc')
  writer.text.insert(0, 'before ')
  await writer.provider.flush()
  const down = waitFor(writer.provider, 'status', ({ status }) => status === 'disconnected')
  await gateway.close()
  await down
  writer.text.insert(7, 'meanwhile')
  await waitFor(writer.provider, 'connection-error')

  const restarted = await startGateway(t, { data, port })
  await writer.provider.flush()
  const reader = openDoc(t, restarted.url, 'doc')
  await whenSynced(reader.provider, 'doc')
  t.is(reader.text.toString(), 'before meanwhile')
})

test('a_restarted_gateway_without_its_log_gets_everything_back', async (t) => {
  const { gateway, url, port } = await startGateway(t)
  const writer = openDoc(t, url, 'doc')
  writer.text.insert(0, 'in RAM only')
  await writer.provider.flush()
  await gateway.close()
  const restarted = await startGateway(t, { port })
  const client = await YjsClient.connect(t, restarted.url)
  const { doc } = await client.open('doc')
  await until(doc, 'update', () => doc.getText('body').toString() === 'in RAM only')
  t.pass()
})

test('edits_of_both_sides_made_while_disconnected_converge', async (t) => {
  const { url } = await startGateway(t)
  const native = openDoc(t, url, 'doc')
  const client = await YjsClient.connect(t, url)
  const { doc } = await client.open('doc')
  native.text.insert(0, 'base')
  await until(doc, 'update', () => doc.getText('body').toString() === 'base')
  native.provider.disconnect()
  await whenStatus(native.provider, 'disconnected')
  native.text.insert(0, 'native ')
  native.doc.getMap('map').set('from', 'native')
  doc.getText('body').insert(4, ' yjs')
  doc.getArray('list').push(['yjs'])
  await client.settled('doc')
  native.provider.connect()
  await native.provider.flush()
  await whenSynced(native.provider, 'doc')
  await until(doc, 'update', () => doc.getMap('map').get('from') === 'native')
  t.is(native.text.toString(), 'native base yjs')
  t.is(doc.getText('body').toString(), 'native base yjs')
  t.deepEqual(native.doc.getArray('list').toJson(), ['yjs'])
})

test('an_edit_that_the_connection_swallowed_is_sent_again', async (t) => {
  const keep = keepDocuments()
  let swallowed = 0
  const server = await BareServer.start(t, {
    // The first update is lost together with its connection.
    handle: (frame, it) => {
      if (isUpdate(frame) && swallowed++ === 0) frame.socket.conn.close()
      else keep(frame, it)
    }
  })
  const { provider, text } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  text.insert(0, 'twice')
  // Sooner than a missing ack would be noticed: the new connection is reason enough.
  await provider.flush({ timeout: 5_000 })
  const updates = server.frames.filter(isUpdate)
  t.true(updates.length >= 2)
  t.is(docOf(body(updates[1].payload)).getText('body').toString(), 'twice')
})

test('many_reconnects_under_traffic_lose_and_double_nothing', async (t) => {
  const { url, gateway } = await startGateway(t)
  const writer = openDoc(t, url, 'doc')
  const reader = openDoc(t, url, 'doc')
  await Promise.all([writer, reader].map(({ provider }) => whenSynced(provider, 'doc')))
  const list = writer.doc.getArray('list')
  for (let round = 0; round < 10; round++) {
    list.push([`${round} a`])
    const closed = waitFor(writer.provider, 'status', ({ status }) => status === 'disconnected')
    for (const socket of gateway.io.sockets.sockets.values()) socket.conn.close()
    list.push([`${round} b`])
    await closed
    list.push([`${round} c`])
    await whenStatus(writer.provider, 'connected')
  }
  await writer.provider.flush()
  const received = reader.doc.getArray('list')
  await until(reader.doc, 'update', () => received.length() >= 30)
  const expected = Array.from({ length: 10 }, (_, round) => ['a', 'b', 'c'].map((it) => `${round} ${it}`)).flat()
  t.deepEqual(received.toJson(), expected)
})

test('remote_edits_are_never_sent_back', async (t) => {
  const { url } = await startGateway(t)
  const server = await BareServer.start(t, { handle: keepDocuments() })
  // One document in two providers: what comes from the gateway goes to the bare server, and only there.
  const doc = new YDoc()
  const fromGateway = startProvider(t, url)
  fromGateway.addDoc(doc, { docId: 'doc' })
  const toServer = startProvider(t, server.url)
  toServer.addDoc(doc, { docId: 'doc' })
  await Promise.all([whenSynced(fromGateway, 'doc'), whenSynced(toServer, 'doc')])
  const before = server.frames.length
  server.send({ docId: 'doc' }, update(textUpdate('from the server')))
  await until(doc, 'update', () => doc.getText('body').toString() === 'from the server')
  const client = await YjsClient.connect(t, url)
  const copy = (await client.open('doc')).doc
  await until(copy, 'update', () => copy.getText('body').toString() === 'from the server')
  doc.getText('body').insert(0, 'local, ')
  await toServer.flush()
  const sent = server.frames.slice(before).filter(isUpdate)
  const authors = sent.flatMap(({ payload }) => Y.decodeUpdate(body(payload)).structs.map(({ id }) => id.client))
  t.deepEqual(authors, [doc.id], 'only the local edit was sent')
})

test('a_server_that_lost_its_tcp_connection_is_found_again', async (t) => {
  const server = await BareServer.start(t, { handle: keepDocuments() })
  const { provider, text } = openDoc(t, server.url, 'doc')
  await whenSynced(provider, 'doc')
  const closed = waitFor(provider, 'connection-close')
  tcpOf(server.sockets[0]).resetAndDestroy()
  t.regex(String((await closed)[0]), /^transport (close|error)$/)
  text.insert(0, 'after the reset')
  await provider.flush()
  t.is(server.connections, 2)
})

/** The TCP connection under a socket: Socket.IO has no public way to it. */
function tcpOf(socket: Socket): TcpSocket {
  return (socket.conn.transport as unknown as { socket: { _socket: TcpSocket } }).socket._socket
}
