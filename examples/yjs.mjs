// A document of plain yjs in a native provider: for what is built on yjs already, an editor binding or a validator say.
//
//   npm run setup                                once: builds the addon and the gateway
//   node gateway/dist/cli.js --port 3000         in one terminal
//   node examples/yjs.mjs ws://127.0.0.1:3000    in another one, as often as you like
import * as Y from 'yjs'

import { ProtocolManager } from '../index.js' // in your project: '@y-kafka-collabation-server/provider-native'

const url = process.argv[2] ?? 'ws://127.0.0.1:3000'

const provider = new ProtocolManager({ url, roomId: 'examples', token: process.env.TOKEN })
const doc = new Y.Doc()
const notes = doc.getArray('notes')
// The very module that the document is of: two copies of yjs break each other, so the provider imports none.
provider.addDoc(doc, { docId: 'notes', crdt: Y })
doc.on('update', (update, origin) => console.log(`${update.length} bytes, ${origin === provider ? 'remote' : 'local'}`))

try {
  await provider.whenSynced('notes', { timeout: 10_000 })
  console.log(`opened: ${notes.length} notes so far`)
  notes.push([`note ${notes.length + 1}`])
  await provider.flush({ timeout: 10_000 })
  console.log(`in the log, at offset ${provider.getDocState('notes').offset}`)
} catch (error) {
  console.error(`${error.code}: ${error.message}`)
  process.exitCode = 1
} finally {
  provider.destroy() // the process ends by itself
}
