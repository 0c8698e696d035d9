// A server-side bot: opens a document, edits it, waits until the edit is in the log, and leaves.
//
//   npm run setup                                once: builds the addon and the gateway
//   node gateway/dist/cli.js --port 3000         in one terminal
//   node examples/bot.mjs ws://127.0.0.1:3000    in another one, as often as you like
//
// A server that asks for a token (`examples/server.mjs` does) gets the one in the environment variable TOKEN.
import { ProtocolManager, YDoc } from '../index.js' // in your project: '@y-kafka-collabation-server/provider-native'

const url = process.argv[2] ?? 'ws://127.0.0.1:3000'

const provider = new ProtocolManager({ url, roomId: 'examples', token: process.env.TOKEN })
const doc = new YDoc()
const log = doc.getText('log')
provider.addDoc(doc, { docId: 'visits' })

try {
  await synced()
  console.log(`opened: ${log.toString().split('\n').length - 1} visits so far`)
  log.push(`a bot was here at ${new Date().toISOString()}\n`)
  await provider.flush({ timeout: 10_000 })
  console.log(`in the log, at offset ${provider.getDocState('visits').offset}`)
} catch (error) {
  console.error(`${error.code}: ${error.message}`)
  process.exitCode = 1
} finally {
  provider.destroy() // the process ends by itself
}

/** Resolves when the document holds everything the server has. A bot that can't get in gives up; it could wait, too. */
function synced() {
  return new Promise((resolve, reject) => {
    provider.on('synced', ({ state }) => state && resolve())
    provider.on('connection-error', reject)
  })
}
