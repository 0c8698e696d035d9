import test from 'ava'
import * as Y from 'yjs'

import { ProtocolManager } from '../index.js'
import { startGateway } from './support/gateway.ts'
import { startProvider, whenSynced } from './support/provider.ts'
import { waitFor } from './support/wait.ts'
import { YjsClient } from './support/yjs-client.ts'

test('edits_go_both_ways', async (t) => {
  const { url } = await startGateway(t)
  const client = await YjsClient.connect(t, url)
  const remote = (await client.open('doc')).doc.getText('body')
  const provider = startProvider(t, url)
  const doc = new Y.Doc()
  provider.addDoc(doc, { docId: 'doc', crdt: Y })
  doc.getText('body').insert(0, 'hello')
  await provider.flush()
  await client.settled('doc')
  t.is(remote.toString(), 'hello')
  const arrived = waitFor(doc, 'update')
  remote.insert(5, ' world')
  const [, origin] = await arrived
  t.is(origin, provider)
  t.is(doc.getText('body').toString(), 'hello world')
})
