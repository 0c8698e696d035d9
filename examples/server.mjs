// The gateway as a part of your own server, with a say in who may do what.
//
//   npm run setup                                once: builds the addon and the gateway
//   node examples/server.mjs                     on port 3000; PORT=0 takes a free one
//   TOKEN=editor-secret node examples/bot.mjs    in another terminal: may write
//   TOKEN=reader-secret node examples/bot.mjs    may read; its edit is refused
//   node examples/bot.mjs                        is not let in
import { createGateway } from '@y-kafka-collabation-server/gateway'

/** Your user database. */
const users = new Map([
  ['editor-secret', { name: 'Ada', mayWrite: true }],
  ['reader-secret', { name: 'Bob', mayWrite: false }]
])

const gateway = createGateway({
  data: process.env.DATA, // folder of the log; without one it is in RAM
  authorize
})
const port = await gateway.listen(Number(process.env.PORT ?? 3000))
console.log(`listening on ws://127.0.0.1:${port}`)

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => gateway.close()) // what was taken is acked first, then the process ends by itself
}

/** Asked once per connection (`connect`), then once per document for `read`, `write` and `awareness`. */
function authorize({ token, roomId, docId, op }) {
  const user = users.get(token)
  if (user === undefined) return { ok: false, code: 'unauthenticated', reason: 'who are you?' }
  const isAllowed = op !== 'write' || user.mayWrite
  console.log(`${user.name}: ${op} ${roomId}/${docId} ${isAllowed ? 'allowed' : 'denied'}`)
  return isAllowed || { ok: false, reason: `${user.name} may not write` }
}
