// A Kafka broker for development and tests:
//
//   node scripts/kafka/cli.mjs start           starts one and prints its address
//   node scripts/kafka/cli.mjs stop            ends it and removes its log
//   node scripts/kafka/cli.mjs run COMMAND...  runs the command with the address of a fresh one in KAFKA_BROKERS
//
// Where KAFKA_BROKERS is set already, `run` and `start` use that broker and start none.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { KafkaBroker } from './broker.mjs'
import { CACHE } from './distribution.mjs'

/** What `stop` has to know. */
const STATE = join(CACHE, 'started.json')

const commands = { start, stop, run }
const [name, ...args] = process.argv.slice(2)

if (!Object.hasOwn(commands, name ?? '') || (name === 'run') !== args.length > 0) {
  console.error('usage: node scripts/kafka/cli.mjs start | stop | run COMMAND...')
  process.exit(2)
}
try {
  process.exitCode = await commands[name](...args)
} catch (error) {
  console.error(`kafka: ${error.message}`)
  process.exitCode = 1
}

async function start() {
  if (process.env.KAFKA_BROKERS) return say(process.env.KAFKA_BROKERS)
  const known = await readState()
  if (known !== undefined) throw new Error(`a broker was started already: ${known.address}`)
  const broker = await KafkaBroker.start()
  await mkdir(CACHE, { recursive: true })
  await writeFile(STATE, JSON.stringify({ address: broker.address, pid: broker.pid, folder: broker.folder }))
  broker.detach()
  return say(broker.address)
}

async function stop() {
  const known = await readState()
  if (known === undefined) throw new Error('no broker was started')
  process.kill(known.pid, 'SIGKILL')
  await rm(known.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  await rm(STATE)
  return 0
}

async function run(command, ...commandArgs) {
  const broker = process.env.KAFKA_BROKERS ? undefined : await KafkaBroker.start()
  // Ctrl-C reaches the command too; what it does about it decides.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
  const env = { ...process.env, KAFKA_BROKERS: broker?.address ?? process.env.KAFKA_BROKERS }
  const child = spawn(command, commandArgs, { stdio: 'inherit', env, shell: process.platform === 'win32' })
  try {
    const [code] = await once(child, 'exit')
    return code ?? 1
  } finally {
    await broker?.stop()
  }
}

/** What was started and still runs. */
async function readState() {
  try {
    const state = JSON.parse(await readFile(STATE, 'utf8'))
    process.kill(state.pid, 0)
    return state
  } catch {
    return undefined
  }
}

function say(address) {
  console.log(`KAFKA_BROKERS=${address}`)
  return 0
}
