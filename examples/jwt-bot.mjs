// A bot that gets a fresh token for every connection. `examples/jwt-server.mjs` tells how to start both.
import { ProtocolManager } from '../index.js' // in your project: '@y-kafka-collabation-server/provider-native'

const url = process.argv[2] ?? 'ws://127.0.0.1:3000'
const tokenUrl = process.argv[3] ?? 'http://127.0.0.1:3001/token'

let tokens = 0
const provider = new ProtocolManager({ url, roomId: 'examples', token: fetchToken })

try {
  const doc = await Promise.race([provider.openDoc('visits'), refusal()])
  doc.getText('log').push(`a bot was here at ${new Date().toISOString()}\n`)
  await provider.flush({ timeout: 10_000 })
  console.log(`in the log, at offset ${provider.getDocState('visits').offset}, with token ${tokens}`)

  // What happens when a network or a gateway fails: the next connection has the next token.
  provider.disconnect()
  provider.connect()
  await provider.whenSynced('visits', { timeout: 10_000 })
  console.log(`synced again, with token ${tokens}`)
} catch (error) {
  console.error(`${error.code}: ${error.message}`)
  process.exitCode = 1
} finally {
  provider.destroy()
}

/**
 * Called at every attempt to connect, and once more when the gateway refuses the token. So there is no need to keep
 * tokens, nor to look at their expiry. When it throws, that is a `connection-error`, and another attempt follows.
 */
async function fetchToken() {
  const headers = { authorization: `Bearer ${process.env.API_KEY}` }
  const response = await fetch(tokenUrl, { method: 'POST', headers, signal: AbortSignal.timeout(5000) })
  if (!response.ok) throw new Error(`no token: HTTP status ${response.status}`)
  tokens += 1
  return response.text()
}

/** Rejects when the bot can't get in. One that runs for long would go on waiting. */
function refusal() {
  return new Promise((_, reject) => {
    provider.on('connection-error', (error) => {
      // After the first refusal of a token the provider fetches another one.
      const isTokenRenewed = error.data?.code === 'unauthenticated' && error.willRetry
      if (!isTokenRenewed) reject(error)
    })
  })
}
