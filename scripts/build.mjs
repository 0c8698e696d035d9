// Builds the addon, and index.js and index.d.ts with it. Arguments go to `napi build`.
import { spawnSync } from 'node:child_process'
import { appendFileSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const { status } = spawnSync('napi', ['build', '--platform', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
  shell: process.platform === 'win32'
})
if (status !== 0) process.exit(status ?? 1)
appendFileSync(`${root}index.js`, readFileSync(`${root}src/binding/footer.js`))
