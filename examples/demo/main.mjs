// The demo: a gateway and three participants, each in a process of its own, work on the same two documents.
// Exits with 0 when all of them and the log hold the same, else with 1 and the reason. Run it with `npm run demo`, or
// with the log on a real Kafka broker: `npm run demo -- --kafka`.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DiskLog, KafkaLog } from './demo-log.mjs'
import { GatewayProcess } from './gateway-process.mjs'
import { failed } from './narrator.mjs'
import { Participant } from './participant.mjs'
import { play } from './story.mjs'

const IS_ON_KAFKA = process.argv.includes('--kafka')

/** Time in ms after which something hangs. */
const DEADLINE = IS_ON_KAFKA ? 90_000 : 30_000

/** What the importer imports. */
const README = fileURLToPath(new URL('../../README.md', import.meta.url))

const folder = mkdtempSync(join(tmpdir(), 'y-kafka-demo-'))
const gateway = new GatewayProcess()
const participants = []
let log = new DiskLog(join(folder, 'log'))
let fail
const failure = new Promise((_, reject) => {
  fail = reject
})

// Whatever the way out: no child and no file stays behind.
process.on('exit', cleanUp)
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => fail(new Error(`stopped by ${signal}`)))
gateway.on('failure', fail)

try {
  if (IS_ON_KAFKA) log = await Promise.race([KafkaLog.start(), failure])
  setTimeout(() => fail(new Error(`not finished after ${DEADLINE / 1000} s`)), DEADLINE).unref()
  await Promise.race([play({ gateway, start, log, file: README }), failure])
} catch (error) {
  failed(error.message)
  process.exitCode = 1
}
await Promise.all(killAll())
await log.stop()
process.exit()

/** Starts a participant. Its arguments: where the gateway is, and what else it needs. */
function start(name, file, ...args) {
  const participant = new Participant(name, file, [gateway.url, ...args])
  participants.push(participant)
  return participant.on('failure', fail)
}

function killAll() {
  return [...participants, gateway].map((child) => child.kill())
}

function cleanUp() {
  killAll()
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
}
