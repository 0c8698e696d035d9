import test from 'ava'
import { execFile } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const name = '@y-kafka-collabation-server/provider-native'
const root = new URL('..', import.meta.url).pathname

/** A project of its own, outside of this repository, that installed what `npm pack` made. */
const project = mkdtempSync(join(tmpdir(), 'provider-native-'))
test.after.always(() => rm(project, { recursive: true, force: true }))

test.before(async () => {
  await run('npm', ['pack', '--pack-destination', project], { cwd: root })
  const [tarball] = await readdir(project)
  await writeFile(join(project, 'package.json'), '{ "private": true, "type": "module" }')
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', `./${tarball}`], { cwd: project })
})

const script = `
  const doc = new YDoc()
  doc.getText('body').insert(0, 'hello')
  console.log(doc.getText('body').toString(), typeof ProtocolManager)`

test('what_is_packed_runs_in_another_project_as_an_es_module', async (t) => {
  await writeFile(join(project, 'main.js'), `import { ProtocolManager, YDoc } from '${name}'\n${script}`)
  const { stdout } = await run(process.execPath, ['main.js'], { cwd: project })
  t.is(stdout, 'hello function\n')
})

test('what_is_packed_runs_in_another_project_with_require', async (t) => {
  await writeFile(join(project, 'main.cjs'), `const { ProtocolManager, YDoc } = require('${name}')\n${script}`)
  const { stdout } = await run(process.execPath, ['main.cjs'], { cwd: project })
  t.is(stdout, 'hello function\n')
})

test('the_package_holds_what_runs_and_its_types_and_nothing_else', async (t) => {
  const installed = join(project, 'node_modules', name)
  const { main, types } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'))
  const files = await readdir(installed)
  t.true(files.includes(main))
  t.true(files.includes(types))
  t.deepEqual(
    files.filter((file) => !file.endsWith('.node')).sort(),
    ['LICENSE', 'README.md', 'index.d.ts', 'index.js', 'package.json'].sort()
  )
})
