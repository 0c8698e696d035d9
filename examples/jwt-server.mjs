// The gateway with JSON Web Tokens: an identity service issues them, the gateway checks them with its public key.
//
//   npm run setup                                      once: builds the addon and the gateway
//   node examples/jwt-server.mjs                       the gateway on port 3000, tokens from port 3001
//   API_KEY=editor-key node examples/jwt-bot.mjs       in another terminal: may write
//   API_KEY=reader-key node examples/jwt-bot.mjs       may read; its edit is refused
//
// PORT and TOKEN_PORT take other ports (0: free ones), TOKEN_LIFETIME the seconds that a token is good for.
import { createServer } from 'node:http'
import { once } from 'node:events'
import { closeOnSignal, createGateway } from '@y-kafka-collabation-server/gateway'
import { createRemoteJWKSet, errors, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'

const AUDIENCE = 'y-kafka-gateway'
const ALGORITHM = 'EdDSA'

/** So far the clocks of the identity service and of the gateway may be apart, in seconds. */
const CLOCK_TOLERANCE = 5

/** Much longer than a connection takes to end after its token expired, in seconds. */
const LONGEST_END = 60 * 60

/** Timers of Node.js hold no longer time, in milliseconds. */
const LONGEST_TIMER = 2 ** 31 - 1

const issuer = await startIdentityService(Number(process.env.TOKEN_PORT ?? 3001))
const publicKeys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`))

const gateway = createGateway({ data: process.env.DATA, authorize })
const port = await gateway.listen(Number(process.env.PORT ?? 3000))
console.log(`listening on ws://127.0.0.1:${port}, tokens from ${issuer}/token`)
closeOnSignal(gateway, console.error)

/** Asked once per connection (`connect`), then once per document for `read`, `write` and `awareness`. */
async function authorize({ token, roomId, op }) {
  if (token === undefined) return { ok: false, code: 'unauthenticated', reason: 'a token is required' }
  // A connection ends with its token. Until it has, a document must not be denied: that would be for good.
  const clockTolerance = op === 'connect' ? CLOCK_TOLERANCE : LONGEST_END
  const expected = { issuer, audience: AUDIENCE, algorithms: [ALGORITHM], clockTolerance }
  try {
    const { payload } = await jwtVerify(token, publicKeys, expected)
    const access = payload.rooms?.[roomId]
    if (access === 'write' || (access === 'read' && op !== 'write')) return { ok: true, until: expiryOf(payload) }
    return { ok: false, reason: `${payload.sub} may not ${op} in ${roomId}` }
  } catch (error) {
    // A token that is at fault. Anything else, such as keys that can't be fetched, is thrown on: the client tries again.
    if (!isTokenFault(error)) throw error
    return { ok: false, code: 'unauthenticated', reason: error.code }
  }
}

function expiryOf({ exp }) {
  const left = (exp + CLOCK_TOLERANCE) * 1000 - Date.now()
  return AbortSignal.timeout(Math.min(Math.max(left, 0), LONGEST_TIMER))
}

function isTokenFault(error) {
  const isKeyFault = ['ERR_JOSE_GENERIC', 'ERR_JWKS_INVALID', 'ERR_JWKS_TIMEOUT'].includes(error.code)
  return error instanceof errors.JOSEError && !isKeyFault
}

/** Stands for your identity provider, which has its own keys and users. Resolves with its URL. */
async function startIdentityService(port) {
  const { privateKey, publicKey } = await generateKeyPair(ALGORITHM)
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), alg: ALGORITHM, kid: 'today' }] }
  const users = new Map([
    ['editor-key', { name: 'Ada', rooms: { examples: 'write' } }],
    ['reader-key', { name: 'Bob', rooms: { examples: 'read' } }]
  ])
  let url
  const issue = ({ name, rooms }) => {
    const expiry = new Date(Date.now() + Number(process.env.TOKEN_LIFETIME ?? 300) * 1000)
    const jwt = new SignJWT({ rooms }).setProtectedHeader({ alg: ALGORITHM, kid: 'today' }).setSubject(name)
    return jwt.setIssuer(url).setAudience(AUDIENCE).setIssuedAt().setExpirationTime(expiry).sign(privateKey)
  }
  const server = createServer(async ({ method, url: path, headers }, response) => {
    if (path === '/.well-known/jwks.json') return response.end(JSON.stringify(jwks))
    const user = users.get(headers.authorization?.replace('Bearer ', ''))
    if (path !== '/token' || method !== 'POST') response.writeHead(404).end()
    else if (user === undefined) response.writeHead(401).end()
    else response.end(await issue(user))
  })
  await once(server.listen(port, '127.0.0.1'), 'listening')
  url = `http://127.0.0.1:${server.address().port}`
  return url
}
