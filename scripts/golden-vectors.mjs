// Writes fixtures/protocol.json: what the official JavaScript libraries put on the wire, for the tests in
// tests/golden.rs and __test__/. Run it again after an update of those libraries; the output depends on nothing but
// their versions. An argument is the file to write in its place.
//
// Bytes are hex strings. `header` and `text` are text frames. In `args` an attachment is {"$binary": hex}.

import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { enginePackets } from './golden/engine-io.mjs'
import { merges, unsupportedUpdates } from './golden/merges.mjs'
import { awarenessUpdates, envelopes, yMessages } from './golden/messages.mjs'
import { invalidSocketPackets, socketPackets } from './golden/socket-io.mjs'
import { updates } from './golden/updates.mjs'

const OUTPUT = process.argv[2] ?? new URL('../fixtures/protocol.json', import.meta.url)

const require = createRequire(import.meta.url)

function versionOf(name, entry = name) {
  let directory = new URL('./', pathToFileURL(require.resolve(entry)))
  while (directory.pathname !== '/') {
    try {
      const manifest = JSON.parse(readFileSync(new URL('package.json', directory), 'utf8'))
      if (manifest.name === name && manifest.version) return manifest.version
    } catch (error) {
      if (error.code !== 'ENOENT') throw error
    }
    directory = new URL('../', directory)
  }
  throw new Error(`no package.json of ${name}`)
}

const vectors = [
  ...enginePackets(),
  ...socketPackets(),
  ...invalidSocketPackets(),
  ...envelopes(),
  ...yMessages(),
  ...awarenessUpdates(),
  ...updates(),
  ...unsupportedUpdates(),
  ...merges()
]
const lines = vectors.map((vector) => `    ${JSON.stringify(vector)}`)
const writtenBy = {
  'engine.io-parser': versionOf('engine.io-parser'),
  'socket.io-parser': versionOf('socket.io-parser'),
  yjs: versionOf('yjs'),
  'y-protocols': versionOf('y-protocols', 'y-protocols/sync'),
  lib0: versionOf('lib0', 'lib0/encoding')
}
writeFileSync(OUTPUT, `{\n  "writtenBy": ${JSON.stringify(writtenBy)},\n  "vectors": [\n${lines.join(',\n')}\n  ]\n}\n`)
console.log(`${vectors.length} vectors, ${JSON.stringify(writtenBy)}`)
