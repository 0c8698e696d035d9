import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { KafkaBroker } from '../../../scripts/kafka/broker.mjs'
import { KafkaLogStore } from '../../src/index.js'
import { temporaryFolder } from '../support/gateway.js'
import { openKafkaStore } from '../support/kafka.js'
import { A, shown, value } from '../support/log-store-contract.js'

const credentials = { username: 'gateway', password: 'the password' }

test.serial('connects with TLS, and as a user with each SASL mechanism', async (t) => {
  const { brokers, ca } = await secureBroker(t)
  for (const mechanism of ['PLAIN', 'SCRAM-SHA-256'] as const) {
    const store = await openKafkaStore(t, { brokers, tls: { ca }, sasl: { mechanism, ...credentials } })
    await store.append(A, value(mechanism))
    t.deepEqual(await shown(store.read(A, 0n)), [`0:${mechanism}`])
  }
})

test.serial('does not connect with a wrong password, to a stranger, or in plain text', async (t) => {
  const { brokers, ca } = await secureBroker(t)
  const sasl = { mechanism: 'PLAIN', ...credentials } as const
  await t.throwsAsync(KafkaLogStore.open({ brokers, tls: { ca }, sasl: { ...sasl, password: 'a guess' } }))
  await t.throwsAsync(KafkaLogStore.open({ brokers, tls: true, sasl }))
  await t.throwsAsync(KafkaLogStore.open({ brokers, sasl }))
})

async function secureBroker(t: ExecutionContext): Promise<{ brokers: string[]; ca: Buffer }> {
  const folder = await temporaryFolder(t)
  const keystore = join(folder, 'keystore.p12')
  const certificate = join(folder, 'certificate.pem')
  const store = ['-alias', 'broker', '-storetype', 'PKCS12', '-keystore', keystore, '-storepass', 'secret']
  // Comes with Java, which the broker needs as well.
  const keytool = (...args: string[]) => promisify(execFile)('keytool', [...args, ...store])
  await keytool('-genkeypair', '-keyalg', 'EC', '-dname', 'CN=broker', '-ext', 'SAN=ip:127.0.0.1', '-ext', 'BC=ca:true')
  await keytool('-exportcert', '-rfc', '-file', certificate)
  const { username, password: userPassword } = credentials
  const broker = await KafkaBroker.start({ secure: { keystore, password: 'secret', username, userPassword } })
  t.teardown(() => broker.stop())
  return { brokers: [broker.secureAddress], ca: await readFile(certificate) }
}
