// Compares the addon with the names that ywasm exports (fixtures/ywasm-api.json), and lists names that no test mentions.
// Exits with 1 when something is missing.
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What other branches bring. Whatever has arrived must leave this list: an entry that is not missing fails, too. */
const EXPECTED_MISSING = []

/**
 * @returns {{ rows: string[], missing: string[], arrived: string[], untested: string[] }} all names; those that the addon
 * lacks; those of the list above that it does not lack; those that no test mentions
 */
export function checklist() {
  const addon = createRequire(import.meta.url)('../index.js')
  const { classes, functions } = JSON.parse(readFileSync(`${root}fixtures/ywasm-api.json`, 'utf8'))
  const tests = readTests(`${root}__test__`)
  const isMentioned = (name, isMember) => new RegExp(`${isMember ? '\\.' : '\\b'}${name}\\b`).test(tests)
  const rows = []
  const absent = []
  const untested = []
  for (const [name, members] of Object.entries(classes)) {
    const prototype = addon[name]?.prototype
    if (!prototype) absent.push(name)
    for (const member of members) {
      const row = `${name}.${member}`
      rows.push(row)
      if (!prototype) continue
      if (!(member in prototype)) absent.push(row)
      // Which class it is a member of can't be seen in the text.
      else if (!isMentioned(member, true)) untested.push(row)
    }
  }
  for (const name of functions) {
    rows.push(name)
    if (typeof addon[name] !== 'function') absent.push(name)
    else if (!isMentioned(name, false)) untested.push(name)
  }
  return {
    rows,
    missing: absent.filter((row) => !EXPECTED_MISSING.includes(row)),
    arrived: EXPECTED_MISSING.filter((row) => !absent.includes(row)),
    untested
  }
}

function readTests(folder) {
  return readdirSync(folder, { recursive: true })
    .filter((file) => /\.spec\.ts$/.test(file))
    .map((file) => readFileSync(`${folder}/${file}`, 'utf8'))
    .join('\n')
    .replace(/^import [^']*'[^']*'$/gm, '')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { rows, missing, arrived, untested } = checklist()
  console.log(`${rows.length} names of ywasm`)
  const sections = { missing, 'expected to be missing, but here': arrived, 'mentioned by no test': untested }
  for (const [title, names] of Object.entries(sections)) {
    console.log(`${title}: ${names.length}`)
    for (const name of names) console.log(`  ${name}`)
  }
  if (EXPECTED_MISSING.length > 0) console.log(`still to come: ${EXPECTED_MISSING.join(', ')}`)
  process.exitCode = missing.length + arrived.length > 0 ? 1 : 0
}
