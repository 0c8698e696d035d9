import test from 'ava'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import type { Server } from 'socket.io'
import { WebSocket } from 'ws'
import * as Y from 'yjs'

import { BareServer, keepDocuments } from './support/bare-server.ts'
import { openDoc, startProvider, whenStatus, whenSynced } from './support/provider.ts'
import { until, waitFor } from './support/wait.ts'
import * as wire from './support/wire.ts'

/* Official Socket.IO servers of the past: everything from version 3 on speaks the same protocol. */

const require = createRequire(import.meta.url)

/** Version, package, and whether its handshake tells the largest message. */
const VERSIONS = [
  ['version_3_1', 'socket.io-3.1', false],
  ['version_4_0', 'socket.io-4.0', false],
  ['version_4_4', 'socket.io-4.4', false],
  ['the_newest_version', 'socket.io', true]
] as const

for (const [version, name, hasMaxPayload] of VERSIONS) {
  const { Server: OldServer } = require(name) as { Server: typeof Server }

  test(`a_session_lives_through_a_lost_connection_on_${version}`, async (t) => {
    const docs = new Map<string, Y.Doc>()
    const server = await BareServer.start(t, { Server: OldServer, handle: keepDocuments(docs) })
    const first = server.socket()
    const { provider, doc, text } = openDoc(t, server.url, 'doc')
    await whenSynced(provider, 'doc')
    const socket = await first
    t.is(provider.socket.id, socket.id)

    text.insert(0, 'hello')
    await provider.flush()
    t.is(docs.get('doc')!.getText('body').toString(), 'hello')
    t.is(provider.getDocState('doc')!.offset, '0', 'the ack tells the offset')

    const kept = docs.get('doc')!
    kept.getText('body').insert(0, 'from the server, ')
    server.send({ docId: 'doc' }, wire.update(Y.encodeStateAsUpdate(kept)))
    await until(doc, 'update', () => text.toString().includes('from the server'))

    const again = server.socket()
    const closed = waitFor(provider, 'connection-close')
    socket.conn.close()
    t.is((await closed)[0], 'transport close')
    text.insert(0, 'offline, ')
    const second = await again
    await provider.flush()
    await whenSynced(provider, 'doc')
    t.is(kept.getText('body').toString(), 'offline, from the server, hello')

    const left = once(second, 'disconnect')
    provider.destroy()
    t.is((await left)[0], 'transport close')
  })

  test(`a_namespace_is_joined_or_unknown_on_${version}`, async (t) => {
    const server = await BareServer.start(t, { Server: OldServer })
    const joined = new Promise((resolve) => server.io.of('/known').on('connection', resolve))
    const provider = startProvider(t, `${server.url}/known`)
    await whenStatus(provider, 'connected')
    t.is(provider.socket.id, ((await joined) as { id: string }).id)

    const refused = startProvider(t, `${server.url}/unknown`)
    t.is((await waitFor(refused, 'connection-error'))[0].message, 'Invalid namespace')
  })

  test(`the_handshake_${hasMaxPayload ? 'tells' : 'does_not_tell'}_the_largest_message_on_${version}`, async (t) => {
    const server = await BareServer.start(t, { Server: OldServer })
    const raw = new WebSocket(`${server.url}/socket.io/?EIO=4&transport=websocket`)
    t.teardown(() => raw.close())
    const [open] = await once(raw, 'message')
    t.is('maxPayload' in JSON.parse(String(open).slice(1)), hasMaxPayload)
  })
}

test('a_server_of_version_2_is_a_clear_error', async (t) => {
  const http = createServer()
  const io = (require('socket.io-2') as (http: unknown) => { close(): void })(http)
  t.teardown(() => io.close())
  await once(http.listen(0, '127.0.0.1'), 'listening')
  const provider = startProvider(t, `ws://127.0.0.1:${(http.address() as AddressInfo).port}`)
  const [error] = await waitFor(provider, 'connection-error')
  t.is(error.code, 'ERR_CONNECTION')
  t.regex(error.message, /older Socket\.IO than version 3/)
  t.is(provider.status, 'connecting', 'the server may be upgraded meanwhile')
})
