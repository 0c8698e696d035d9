// Measures pieces of work: every client at every size, each time in a process of its own.
import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text as readAll } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { count, duration } from './report/columns.mjs'

const PROTOCOLS = {
  native: 'socket.io',
  typescript: 'socket.io',
  'y-websocket': 'y-websocket',
  hocuspocus: 'hocuspocus',
  floor: 'y-websocket'
}
const REPEATS = { full: 3, quick: 1 }
/** One run of what takes longer than this (ms) is enough: it varies little. */
const LONG = 4_000
/** What would take longer than this (ms), going by its smaller sizes, is left out. */
const TOO_LONG = 60_000
const KILL_AFTER = 120_000

export class Runner {
  /**
   * @param {object} options
   * @param {'full' | 'quick'} options.mode
   * @param {string[]} [options.clients] only these
   * @param {number} [options.repeats]
   * @param {import('./inputs/inputs.mjs').Inputs} options.inputs
   * @param {import('./server/servers.mjs').Servers} options.servers
   * @param {string} options.floor path of the floor's program
   * @param {(line: string) => void} options.log
   */
  constructor(options) {
    Object.assign(this, options)
  }

  /** Figures of all rows: medians of repeats. */
  async measure(name, work) {
    const { title, unit, baseline, figure = 'time' } = work
    const sizes = work.sizes[this.mode]
    const rows = work.rows
      .filter(({ client }) => !this.clients || this.clients.includes(client))
      .map(({ label, client }) => ({ label, client, sizes: {}, leftOut: {} }))
    const result = { title, unit, baseline, figure, sizes, rows }
    for (const size of sizes) {
      for (const row of rows) {
        const reason = tooLong(row, sizes, size)
        if (reason) row.leftOut[size] = reason
        else await this.#measureCell(name, work, row, size, result)
      }
    }
    return result
  }

  async #measureCell(name, work, row, size, result) {
    const { mode, inputs, servers } = this
    const definition = work.rows.find(({ label }) => label === row.label)
    const protocol = PROTOCOLS[row.client]
    const runs = []
    try {
      for (let wanted = this.repeats ?? REPEATS[mode]; runs.length < wanted;) {
        const prepared = await work.prepare({ size, protocol, mode, inputs, servers })
        await servers.busy()
        const parameters = { ...definition, ...prepared, work: name, size }
        runs.push(await (row.client === 'floor' ? this.#runFloor(work, parameters) : runClient(parameters)))
        const serverBusy = (await servers.busy()) / runs.at(-1).time
        if ('port' in prepared && !work.hidesServerLoad) Object.assign(runs.at(-1), { serverBusy })
        await servers.closeAll()
        if (runs[0].time > LONG) wanted = 1
      }
      row.sizes[size] = { ...medians(runs), runs: runs.length }
      this.log(`${name} ${count(size)} ${row.label}: ${duration(row.sizes[size].time)}`)
    } catch (error) {
      // The others go on; the table says so, and the run does not count as good.
      row.leftOut[size] = 'failed'
      result.hasFailed = true
      this.log(`${name} ${count(size)} ${row.label} FAILED: ${error.stack}`)
      await servers.closeAll()
    }
  }

  async #runFloor(work, parameters) {
    const child = spawn(this.floor, work.floor(parameters).map(String), { stdio: ['ignore', 'pipe', 'inherit'] })
    const timer = setTimeout(() => child.kill(), KILL_AFTER)
    const [output, [code]] = await Promise.all([readAll(child.stdout), once(child, 'exit')])
    clearTimeout(timer)
    if (code !== 0) throw new Error(`the floor ended with code ${code}`)
    const { length, ...figures } = JSON.parse(output)
    if (length !== parameters.length) throw new Error(`the floor has ${length} characters, not ${parameters.length}`)
    return { ...figures, ...('perSecond' in figures ? {} : { perSecond: (parameters.size / figures.time) * 1000 }) }
  }
}

async function runClient(parameters) {
  const main = fileURLToPath(new URL('clients/main.mjs', import.meta.url))
  const child = fork(main, [JSON.stringify(parameters)], { execArgv: ['--expose-gc'] })
  const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER)
  let figures
  child.on('message', (message) => (figures = message))
  const [code] = await once(child, 'exit')
  clearTimeout(timer)
  if (!figures) throw new Error(`${parameters.client} ended with code ${code} and without figures`)
  return figures
}

/** Why a row is not worth waiting for, going by how it grew so far. */
function tooLong(row, sizes, size) {
  const [before, last] = sizes.slice(0, sizes.indexOf(size)).slice(-2)
  if (last === undefined) return undefined
  if (row.leftOut[last]) return row.leftOut[last]
  const growth = row.sizes[last].time / row.sizes[before].time
  // Nothing here grows faster than with the square of its size; more is noise.
  const exponent = Math.min(Math.max(Math.log(growth) / Math.log(last / before), 0), 2)
  const expected = row.sizes[last].time * (size / last) ** exponent
  return expected > TOO_LONG ? `left out, would take about ${duration(expected)}` : undefined
}

function medians(runs) {
  const keys = Object.keys(runs[0])
  return Object.fromEntries(keys.map((key) => [key, median(runs.map((run) => run[key]))]))
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}
