import test from 'ava'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { Child } from './support/child.ts'
import { startGateway } from './support/gateway.ts'
import { YjsClient } from './support/yjs-client.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PACKAGE = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')).name
const URL_IN_TEXT = 'ws://localhost:3000'

/** The quick start as it was agreed on: what the README's must amount to, and what runs where there is no README. */
const AGREED = `
import { ProtocolManager, YDoc } from '${PACKAGE}';
const provider = new ProtocolManager({ url: '${URL_IN_TEXT}', roomId: 'room', autoConnect: true });
const doc = new YDoc();
provider.addDoc(doc, { docId: 'guid' });
provider.on('synced', ({ docId, state }) => {});
provider.on('status', ({ status }) => {});
doc.getText('body').insert(0, 'hello');
await provider.flush();        // every local edit is in the log, with its offset
provider.destroy();
`

/** The usage of the TypeScript provider's README. */
const USAGE_OF_THE_TYPESCRIPT_PROVIDER = `
import { ProtocolManager } from '@y-kafka-collabation-server/provider';
import { YDoc } from 'ywasm';
const provider = new ProtocolManager({ url: '${URL_IN_TEXT}', roomId: 'room', autoConnect: true });
const doc = new YDoc({ guid: 'guid' });
provider.addDoc(doc, { docId: 'guid' });
provider.on('synced', ({ docId, state }) => console.log('synced', docId, state));
provider.on('status', ({ status }) => console.log('status', status));
doc.getText('body').insert(0, 'hello');
`

test('the_quick_start_of_the_readme_runs_as_written', async (t) => {
  const blocks = [...readme().matchAll(/```(?:ts|js)\n([\s\S]*?)```/g)].map(([, block]) => block)
  const quickStart = blocks.find((block) => block.includes('new ProtocolManager')) ?? AGREED
  t.true(quickStart.includes(URL_IN_TEXT) && quickStart.includes(PACKAGE), 'it names the URL and the package')
  await checkThatHelloArrives(t, quickStart)
})

test('the_agreed_quick_start_runs_as_written', (t) => checkThatHelloArrives(t, AGREED))

test('usage_of_the_typescript_provider_runs_with_its_imports_changed', async (t) => {
  const usage = USAGE_OF_THE_TYPESCRIPT_PROVIDER.replaceAll('@y-kafka-collabation-server/provider', PACKAGE).replaceAll(
    `'ywasm'`,
    `'${PACKAGE}'`
  )
  // Only the end is ours: the text of the README leaves the provider running.
  const end = `provider.once('synced', () => provider.flush().then(() => provider.destroy()));\n`
  const lines = await checkThatHelloArrives(t, usage + end)
  t.deepEqual(lines.slice(0, 3), ['status connecting', 'status connected', 'synced guid true'])
})

function readme(): string {
  return existsSync(`${ROOT}README.md`) ? readFileSync(`${ROOT}README.md`, 'utf8') : ''
}

/** Runs the code against a gateway as a module of its own; it must end by itself. Returns what it printed. */
async function checkThatHelloArrives(t: Parameters<typeof startGateway>[0], code: string): Promise<string[]> {
  const { url } = await startGateway(t)
  // Inside the package, so that it finds itself and its dependencies by name.
  const folder = mkdtempSync(`${ROOT}.quick-start-`)
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const file = `${folder}/main.mts`
  writeFileSync(file, code.replaceAll(URL_IN_TEXT, url).replaceAll(`'${PACKAGE}'`, `'${ROOT}index.js'`))
  const child = Child.ofFile(t, file, ['--import=tsx'])
  await child.exits(t)

  const client = await YjsClient.connect(t, url)
  const { doc } = await client.open('guid')
  await client.settled('guid')
  t.is(doc.getText('body').toString(), 'hello')
  return child.lines
}
