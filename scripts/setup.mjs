// All set-up of a fresh clone: dependencies, the addon, the gateway. Safe to run again; does only what is missing.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const stamp = `${root}node_modules/.setup-stamp`

if (spawnSync('cargo', ['--version']).status !== 0) {
  fail('The addon is built from source and needs a Rust toolchain (rustc 1.88 or newer): https://rustup.rs')
}

const wanted = createHash('sha256')
  .update(readFileSync(`${root}package-lock.json`))
  .digest('hex')
const installed = existsSync(stamp) ? readFileSync(stamp, 'utf8') : ''
if (wanted !== installed) {
  // No package of ours needs its install script: native parts come prebuilt inside the packages.
  run('installing dependencies', 'npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'])
  writeFileSync(stamp, wanted)
}
run('building the addon (the first build takes a few minutes)', 'npm', ['run', '--silent', 'build'])
run('building the gateway', 'npm', ['run', '--silent', 'build', '--workspace', 'gateway'])

function run(what, command, args) {
  console.error(`setup: ${what}`)
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 1 << 26,
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: process.platform === 'win32'
  })
  if (status !== 0) {
    process.stderr.write(stdout + stderr)
    fail(`${what} failed: ${command} ${args.join(' ')}`)
  }
}

function fail(message) {
  console.error(`setup: ${message}`)
  process.exit(1)
}
