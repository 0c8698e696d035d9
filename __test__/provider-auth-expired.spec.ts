import test from 'ava'
import { generateKeyPair, jwtVerify, SignJWT } from 'jose'

import type { AuthorizeRequest, Verdict } from '../gateway/src/index.js'
import { startGateway } from './support/gateway.ts'
import { openDoc, whenSynced } from './support/provider.ts'
import { collect, waitFor } from './support/wait.ts'

/* A token that expires under a connection: the provider comes back with the next one, and nothing is lost. */

test('a_token_that_expires_is_followed_by_a_fresh_one_and_no_edit_is_lost', async (t) => {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA')
  let issued = 0
  const issue = () =>
    new SignJWT({ number: (issued += 1) }).setProtectedHeader({ alg: 'EdDSA' }).setExpirationTime('1h').sign(privateKey)

  // What a timer does in production, at the time in `exp`.
  const grants = new Map<number, AbortController>()
  const authorize = async ({ token, op }: AuthorizeRequest): Promise<Verdict> => {
    const { payload } = await jwtVerify(token!, publicKey)
    const number = payload.number as number
    if (op !== 'connect') return true
    if (grants.has(number)) return { ok: false, code: 'unauthenticated', reason: 'expired' }
    const grant = new AbortController()
    grants.set(number, grant)
    return { ok: true, until: grant.signal }
  }

  const { url } = await startGateway(t, { authorize })
  const { provider, text } = openDoc(t, url, 'doc', { token: issue })
  const problems = collect(provider, 'connection-error', 'permission-denied', 'error')
  await whenSynced(provider, 'doc')
  for (let round = 1; round <= 3; round++) {
    const ended = waitFor(provider, 'connection-close')
    const again = waitFor(provider, 'synced', ({ state }) => state)
    text.push(`before ${round}, `)
    grants.get(round)!.abort()
    text.push(`after ${round}, `)
    t.is((await ended)[0], 'transport close')
    text.push(`offline ${round}, `)
    await again
  }
  await provider.flush()
  t.is(issued, 4)
  t.deepEqual([...grants.keys()], [1, 2, 3, 4])
  t.deepEqual(problems, [])

  const other = openDoc(t, url, 'doc', { token: issue })
  await whenSynced(other.provider, 'doc')
  t.is(other.text.toString(), [1, 2, 3].map((round) => `before ${round}, after ${round}, offline ${round}, `).join(''))
})
