// The examples and the demo, run as a user would run them.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { generateKeyPair, SignJWT } from 'jose'

import { ProtocolManager } from '../index.js'
import { waitFor } from './support/wait.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const DEMO = 'examples/demo/main.mjs'

/** A script in a process of its own, and what it has printed so far. */
class Run {
  readonly child: ChildProcess
  output = ''
  errors = ''
  readonly ended: Promise<{ code: number | null; signal: string | null }>

  constructor(t: ExecutionContext, args: string[], env: Record<string, string> = {}) {
    this.child = spawn(process.execPath, args, { cwd: ROOT, env: { ...process.env, ...env } })
    this.child.stdout!.on('data', (chunk) => (this.output += chunk))
    this.child.stderr!.on('data', (chunk) => (this.errors += chunk))
    this.ended = once(this.child, 'close').then(([code, signal]) => ({ code, signal }))
    t.teardown(async () => {
      // The demo stops its children when it is asked to, not when it is killed.
      this.child.kill('SIGTERM')
      await this.ended
    })
  }

  /** Resolves with the first match in the output; rejects when the script ends without one. */
  match(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const check = () => {
        const match = pattern.exec(this.output)
        if (match !== null) resolve(match)
      }
      this.child.stdout!.on('data', check)
      void this.ended.then(() => reject(new Error(`no ${pattern} in ${this.output}${this.errors}`)))
      check()
    })
  }
}

test.serial('the_demo_shows_three_replicas_and_a_log_that_are_equal_and_leaves_nothing_behind', async (t) => {
  const folder = await temporaryFolder(t)
  const run = new Run(t, [DEMO], { TMPDIR: folder })
  t.deepEqual(await run.ended, { code: 0, signal: null }, run.errors)
  const lines: [label: string, pattern: RegExp][] = [
    ['status', /importer +connected +native provider, socket \S+/],
    ['synced', /editor +synced +both documents, the log is empty/],
    ['presence', /all +presence +importer, editor, reviewer see each other/],
    ['the import', /importer +typed +lines 1 to \d+: "/],
    ['the plain client', /reviewer +commented +on "/],
    ['the cut', /editor +offline +cut off/],
    ['absence', /reviewer +presence +sees importer, reviewer: the editor is gone/],
    ['the offline edits', /reviewer +received +the note, with offset \d+ from editor/],
    ['the table of replicas', /readme text +([0-9a-f]{8}) +\1 +\1 +\d+ characters/],
    ['the log', /offsets 0 to \d+ without a gap/],
    ['the orderly stop', /gateway +stopped +process \d+ by SIGTERM, in order/],
    ['the kill', /gateway +stopped +process \d+ by SIGKILL/],
    ['the newcomer', /readme text +([0-9a-f]{8}) +\1 +\1 +\1 +\d+ characters/],
    ['the summary', /✓ a newcomer reads everything back/]
  ]
  for (const [label, pattern] of lines) t.regex(run.output, pattern, label)
  t.notRegex(run.output, /\u001b/, 'no colours without a terminal')
  t.is(run.errors, '')
  t.deepEqual(await readdir(folder), [])
})

test.serial('the_demo_fails_with_the_reason_when_its_gateway_dies', async (t) => {
  const folder = await temporaryFolder(t)
  const run = new Run(t, [DEMO], { TMPDIR: folder })
  const [, pid] = await run.match(/process (\d+), log on disk[^]*importer +typed/)
  process.kill(Number(pid), 'SIGKILL')
  t.deepEqual(await run.ended, { code: 1, signal: null })
  t.regex(run.errors, /✗ the gateway ended \(SIGKILL\)/)
  t.deepEqual(await readdir(folder), [])
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test.serial(`${signal}_ends_the_demo_its_gateway_and_its_files`, async (t) => {
    const folder = await temporaryFolder(t)
    const run = new Run(t, [DEMO], { TMPDIR: folder })
    const [, pid] = await run.match(/process (\d+), log on disk[^]*importer +typed/)
    run.child.kill(signal)
    // The pipes that `ended` waits for are shared with the participants: when they are closed, those are gone too.
    t.deepEqual(await run.ended, { code: 1, signal: null })
    t.regex(run.errors, new RegExp(`✗ stopped by ${signal}`))
    t.throws(() => process.kill(Number(pid), 0), { code: 'ESRCH' })
    t.deepEqual(await readdir(folder), [])
  })
}

test('the_bot_edits_and_finds_what_it_wrote_when_it_comes_again', async (t) => {
  const { url } = await startServer(t)
  let newest = -1
  for (const visit of [0, 1]) {
    const bot = new Run(t, ['examples/bot.mjs', url], { TOKEN: 'editor-secret' })
    t.deepEqual(await bot.ended, { code: 0, signal: null }, bot.errors)
    const [, visits, offset] = /^opened: (\d+) visits so far\nin the log, at offset (\d+)\n$/.exec(bot.output) ?? []
    t.is(visits, String(visit), bot.output)
    // Not always the next offset: an edit may be in the answer to the server's step 1 and in an update of its own.
    t.true(Number(offset) > newest, bot.output)
    newest = Number(offset)
  }
})

test('the_document_of_yjs_gets_what_an_earlier_one_wrote', async (t) => {
  const { url } = await startServer(t)
  for (const [visit, lines] of [
    [0, /^opened: 0 notes so far\n\d+ bytes, local\nin the log, at offset \d+\n$/],
    [1, /^\d+ bytes, remote\nopened: 1 notes so far\n\d+ bytes, local\nin the log, at offset \d+\n$/]
  ] as const) {
    const run = new Run(t, ['examples/yjs.mjs', url], { TOKEN: 'editor-secret' })
    t.deepEqual(await run.ended, { code: 0, signal: null }, run.errors)
    t.regex(run.output, lines, `visit ${visit}`)
  }
})

const REFUSALS: [label: string, token: string, output: string, errors: RegExp][] = [
  [
    'a_reader_that_writes',
    'reader-secret',
    'opened: 0 visits so far\n',
    /^ERR_PERMISSION_DENIED: .*Bob may not write\n$/
  ],
  ['a_stranger', 'no-secret', '', /^ERR_PERMISSION_DENIED: who are you\?\n$/]
]

for (const [label, token, output, errors] of REFUSALS) {
  test(`the_server_with_an_authorize_hook_refuses_${label}`, async (t) => {
    const { server, url } = await startServer(t)
    const bot = new Run(t, ['examples/bot.mjs', url], { TOKEN: token })
    t.deepEqual(await bot.ended, { code: 1, signal: null })
    t.is(bot.output, output)
    t.regex(bot.errors, errors)
    server.child.kill('SIGTERM')
    t.deepEqual(await server.ended, { code: 0, signal: null })
    t.regex(server.output, output === '' ? /listening on \S+\n$/ : /Bob: write examples\/visits denied\n/)
  })
}

test('the_bot_gives_up_with_the_reason_when_there_is_no_server', async (t) => {
  const { server, url } = await startServer(t)
  server.child.kill('SIGTERM')
  await server.ended
  const bot = new Run(t, ['examples/bot.mjs', url])
  t.deepEqual(await bot.ended, { code: 1, signal: null })
  t.regex(bot.errors, /^ERR_CONNECTION: .*ECONNREFUSED/)
})

test.serial('the_jwt_bot_gets_a_new_token_for_every_connection', async (t) => {
  const { urls } = await startJwtServer(t)
  const bot = new Run(t, ['examples/jwt-bot.mjs', ...urls], { API_KEY: 'editor-key' })
  t.deepEqual(await bot.ended, { code: 0, signal: null }, bot.errors)
  t.regex(bot.output, /^in the log, at offset \d+, with token 1\nsynced again, with token 2\n$/)
})

test.serial('the_jwt_server_ends_a_connection_with_its_token_and_takes_the_next_one', async (t) => {
  // Good for as long as the clocks may be apart.
  const { urls } = await startJwtServer(t, { TOKEN_LIFETIME: '0' })
  let tokens = 0
  const token = async () => {
    tokens += 1
    const response = await fetch(urls[1]!, { method: 'POST', headers: { authorization: 'Bearer editor-key' } })
    return response.text()
  }
  const provider = new ProtocolManager({ url: urls[0]!, roomId: 'examples', token })
  t.teardown(() => provider.destroy())
  const doc = await provider.openDoc('visits')
  const [reason] = await waitFor(provider, 'connection-close')
  t.is(reason, 'transport close')
  doc.getText('log').push('while there was no token\n')
  await provider.flush()
  t.true(tokens >= 2)
})

const JWT_REFUSALS: [label: string, env: Record<string, string>, botEnv: Record<string, string>, errors: RegExp][] = [
  ['a_reader_that_writes', {}, { API_KEY: 'reader-key' }, /^ERR_PERMISSION_DENIED: .*Bob may not write in examples\n$/],
  ['who_gets_no_token', {}, { API_KEY: 'stolen-key' }, /^ERR_CONNECTION: .*no token: HTTP status 401\n$/],
  [
    'an_expired_token_and_the_next_one',
    { TOKEN_LIFETIME: '-60' },
    { API_KEY: 'editor-key' },
    /^ERR_PERMISSION_DENIED: ERR_JWT_EXPIRED\n$/
  ]
]

for (const [label, env, botEnv, errors] of JWT_REFUSALS) {
  test.serial(`the_jwt_server_refuses_${label}`, async (t) => {
    const { server, urls } = await startJwtServer(t, env)
    const bot = new Run(t, ['examples/jwt-bot.mjs', ...urls], botEnv)
    t.deepEqual(await bot.ended, { code: 1, signal: null })
    t.is(bot.output, '')
    t.regex(bot.errors, errors)
    server.child.kill('SIGTERM')
    t.deepEqual(await server.ended, { code: 0, signal: null })
    t.is(server.errors, '')
  })
}

/** `alg` is `none`, and the claims are what one would wish for. */
const UNSIGNED = 'eyJhbGciOiJub25lIn0.eyJyb29tcyI6eyJleGFtcGxlcyI6IndyaXRlIn19.'

const FORGERIES: [label: string, forge: (key: CryptoKey) => Promise<string>, code: string][] = [
  ['signed_with_another_key', (key) => forgery().sign(key), 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED'],
  ['without_a_signature', async () => UNSIGNED, 'ERR_JOSE_ALG_NOT_ALLOWED'],
  ['that_is_none', async () => 'letmein', 'ERR_JWS_INVALID']
]

for (const [label, forge, code] of FORGERIES) {
  test.serial(`the_jwt_server_refuses_a_token_${label}`, async (t) => {
    const { urls } = await startJwtServer(t)
    const token = await forge((await generateKeyPair('EdDSA')).privateKey)
    const bot = new Run(t, ['examples/bot.mjs', urls[0]!], { TOKEN: token })
    t.deepEqual(await bot.ended, { code: 1, signal: null })
    t.is(bot.errors, `ERR_PERMISSION_DENIED: ${code}\n`)
  })
}

function forgery(): SignJWT {
  return new SignJWT({ rooms: { examples: 'write' } })
    .setProtectedHeader({ alg: 'EdDSA', kid: 'today' })
    .setAudience('y-kafka-gateway')
    .setExpirationTime('1h')
}

async function startJwtServer(
  t: ExecutionContext,
  env: Record<string, string> = {}
): Promise<{ server: Run; urls: string[] }> {
  const server = new Run(t, ['examples/jwt-server.mjs'], { PORT: '0', TOKEN_PORT: '0', ...env })
  const [, ...urls] = await server.match(/listening on (\S+), tokens from (\S+)\n/)
  return { server, urls }
}

async function startServer(t: ExecutionContext): Promise<{ server: Run; url: string }> {
  const server = new Run(t, ['examples/server.mjs'], { PORT: '0' })
  const [, url] = await server.match(/listening on (\S+)\n/)
  return { server, url }
}

async function temporaryFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'examples-spec-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}
