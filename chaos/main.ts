import { parseArgs } from 'node:util'

import type { FaultKind } from './fault.ts'
import { describeRound, Plan } from './plan.ts'
import { Run } from './run.ts'

const USAGE = `usage: npm run chaos -- --seed N [--seeds COUNT] [--rounds R | --seconds S] [--quiet]

  --seed     what the plan is made from
  --seeds    runs so many seeds, from --seed on; default 1
  --rounds   faults, then peace in which everything must come right: so many times; default 3
  --seconds  begins no further round, and no further seed, after this time
  --quiet    does not print the plan
`

interface Options {
  readonly seeds: readonly number[]
  readonly rounds: number
  readonly seconds: number
  readonly isQuiet: boolean
}

interface Totals {
  seeds: number
  failed: number[]
  faults: Partial<Record<FaultKind, number>>
  edits: number
  flushed: number
  audits: number
  reconnects: number
}

async function main(): Promise<void> {
  const options = readOptions()
  const start = performance.now()
  const isTimeUp = () => performance.now() - start > options.seconds * 1000
  const totals: Totals = { seeds: 0, failed: [], faults: {}, edits: 0, flushed: 0, audits: 0, reconnects: 0 }
  for (const seed of options.seeds) {
    if (totals.seeds > 0 && isTimeUp()) break
    await runSeed(seed, options, isTimeUp, totals)
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  if (options.seeds.length > 1) console.log(verdict(`${totals.seeds} seeds`, totals, seconds))
  process.exitCode = totals.failed.length > 0 ? 1 : 0
}

async function runSeed(seed: number, options: Options, isTimeUp: () => boolean, totals: Totals): Promise<void> {
  const start = performance.now()
  const plan = new Plan(seed)
  const print = (lines: string[]) => {
    if (!options.isQuiet) for (const line of lines) console.log(line)
  }
  print(plan.describe())
  const run = await Run.start(plan)
  try {
    for (let index = 0; index < options.rounds && !(index > 0 && isTimeUp()); index++) {
      const round = plan.nextRound()
      print(describeRound(round, index))
      const peace = await run.round(round)
      print([`    right again after ${(peace / 1000).toFixed(1)} s`])
      if (run.violations.length > 0) break
    }
    if (run.violations.length === 0) await run.end()
  } finally {
    await run.dispose()
  }
  const failed = run.violations.length > 0 ? [seed] : []
  const seconds = ((performance.now() - start) / 1000).toFixed(1)
  console.log(verdict(`seed ${seed}`, { ...run.figures, failed }, seconds))
  add(totals, run, failed)
}

function add(totals: Totals, { figures }: Run, failed: readonly number[]): void {
  totals.seeds++
  totals.failed.push(...failed)
  totals.edits += figures.edits
  totals.flushed += figures.flushed
  totals.audits += figures.audits
  totals.reconnects += figures.reconnects
  for (const [kind, count] of Object.entries(figures.faults) as [FaultKind, number][]) {
    totals.faults[kind] = (totals.faults[kind] ?? 0) + count
  }
}

function verdict(what: string, figures: Omit<Totals, 'seeds'>, seconds: string): string {
  const { failed, faults, edits, flushed, audits, reconnects } = figures
  const kinds = Object.entries(faults).sort(([, a], [, b]) => b - a)
  const sum = kinds.reduce((total, [, count]) => total + count, 0)
  const list = kinds.map(([kind, count]) => `${kind} ${count}`).join(', ')
  const head =
    failed.length === 0 ? `chaos ok: ${what}` : `chaos FAILED: ${what}, failed with --seed ${failed.join(', ')}`
  const work = `${edits} edits, ${flushed} entries flushed, ${audits} logs audited, ${reconnects} reconnects`
  return `${head}, ${sum} faults (${list}), ${work}, ${seconds} s`
}

function readOptions(): Options {
  try {
    const { values } = parseArgs({
      options: {
        seed: { type: 'string' },
        seeds: { type: 'string', default: '1' },
        rounds: { type: 'string' },
        seconds: { type: 'string' },
        quiet: { type: 'boolean', default: false }
      }
    })
    const number = (name: 'seed' | 'seeds' | 'rounds' | 'seconds', fallback?: number): number => {
      const value = values[name] ?? fallback
      if (value === undefined || !/^\d+$/.test(String(value))) throw new TypeError(`--${name} takes a number`)
      return Number(value)
    }
    const first = number('seed')
    const seconds = number('seconds', Number.MAX_SAFE_INTEGER)
    return {
      seeds: Array.from({ length: number('seeds') }, (_, index) => first + index),
      rounds: number('rounds', values.seconds === undefined ? 3 : Number.MAX_SAFE_INTEGER),
      seconds,
      isQuiet: values.quiet
    }
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`)
    process.exit(2)
  }
}

void main()
