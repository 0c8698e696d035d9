// npm run bench [-- WORK...] [--quick] [--clients a,b] [--repeats N] [--plot]
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Inputs } from './inputs/inputs.mjs'
import { describeMachine, versions } from './report/machine.mjs'
import { plots } from './report/plots.mjs'
import { formatTargets, formatWork } from './report/table.mjs'
import { Runner } from './runner.mjs'
import { Servers } from './server/servers.mjs'
import { targets } from './targets.mjs'

const ORDER = 'stream sync typing transaction apply events wire latency documents providers reconnect'.split(' ')
const USAGE = `usage: npm run bench [-- WORK... --quick --clients a,b --repeats N --plot]

  WORK       ${ORDER.join(' ')}; all by default
  --quick    smaller sizes, once each, for trying
  --clients  only these: native typescript y-websocket hocuspocus yjs ywasm floor
  --repeats  measure so often; 3 by default, 1 with --quick
  --plot     draw docs/bench-*.svg anew from results.json
`
/** The run that the plots show; only a full one goes there. */
const RESULTS = new URL('results.json', import.meta.url)
const PARTIAL = new URL('results/partial.local.json', import.meta.url)
const root = fileURLToPath(new URL('..', import.meta.url))

const { values: options, positionals } = readArguments()
if (options.plot) writePlots(JSON.parse(readFileSync(RESULTS, 'utf8')))
else process.exitCode = await bench(positionals.length > 0 ? positionals : ORDER)

async function bench(names) {
  const started = Date.now()
  const log = (line) => console.error(`[${((Date.now() - started) / 1000).toFixed(0).padStart(4)} s] ${line}`)
  log('building the floor')
  const floor = buildFloor()
  const inputs = new Inputs()
  const servers = new Servers()
  const mode = options.quick ? 'quick' : 'full'
  const clients = options.clients?.split(',')
  const repeats = options.repeats && Number(options.repeats)
  const runner = new Runner({ mode, clients, repeats, inputs, servers, floor, log })
  const results = {
    date: new Date().toISOString(),
    mode,
    machine: describeMachine(),
    versions: versions(),
    trace: inputs.trace.source,
    works: {}
  }
  console.log(Object.values(results.machine).join(', '))
  try {
    for (const name of names) {
      const work = await import(`./work/${name}.mjs`)
      results.works[name] = await runner.measure(name, work)
      console.log(formatWork(name, results.works[name], work))
      write(PARTIAL, results)
    }
  } finally {
    servers.end()
    inputs.remove()
  }
  const isWhole = !clients && names.length === ORDER.length
  results.targets = targets(results.works).filter(({ reached }) => isWhole || reached !== undefined)
  console.log(formatTargets(results.targets))
  save(results, isWhole && mode === 'full')
  return Object.values(results.works).some(({ hasFailed }) => hasFailed) ? 1 : 0
}

function save(results, isWhole) {
  write(isWhole ? RESULTS : PARTIAL, results)
  if (isWhole) writePlots(results)
}

function write(file, results) {
  mkdirSync(new URL('.', file), { recursive: true })
  writeFileSync(file, JSON.stringify(results, null, 2) + '\n')
}

function writePlots(results) {
  const folder = new URL('../docs/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  for (const [name, svg] of Object.entries(plots(results))) writeFileSync(new URL(`bench-${name}.svg`, folder), svg)
}

/** Path of the floor's program. Cargo knows where it puts it. */
function buildFloor() {
  const flags = ['build', '--release', '--quiet', '--package', 'yjs-provider-floor', '--message-format', 'json']
  const { status, stdout } = spawnSync('cargo', flags, {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit']
  })
  if (status !== 0) throw new Error('cargo could not build the floor')
  const artifacts = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  return artifacts.find(({ executable }) => executable).executable
}

function readArguments() {
  try {
    const parsed = parseArgs({
      allowPositionals: true,
      options: {
        quick: { type: 'boolean', default: false },
        clients: { type: 'string' },
        repeats: { type: 'string' },
        plot: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false }
      }
    })
    if (!/^[1-9]\d*$/.test(parsed.values.repeats ?? '1')) throw new TypeError('--repeats takes a number')
    const unknown = parsed.positionals.find((name) => !ORDER.includes(name))
    if (unknown) throw new TypeError(`there is no work named ${unknown}`)
    if (!parsed.values.help) return parsed
    console.log(USAGE)
    process.exit(0)
  } catch (error) {
    console.error(`${error.message}\n\n${USAGE}`)
    process.exit(2)
  }
}
