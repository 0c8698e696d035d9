import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { sharedBrokers } from '../support/kafka.js'

const DEMO = fileURLToPath(new URL('../../../examples/demo/main.mjs', import.meta.url))

test('the demo runs on Kafka: replicas and log are equal after SIGTERM and SIGKILL of the gateway', async (t) => {
  const env = { ...process.env, KAFKA_BROKERS: sharedBrokers().join() }
  const child = spawn(process.execPath, [DEMO, '--kafka'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGTERM'))
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  t.is(child.exitCode, 0, errors)
  t.regex(output, /gateway +log +demo\.\S+: offsets 0 to \d+ without a gap/)
  t.regex(output, /✓ a newcomer reads everything back from the log/)
})
