// The table on the terminal: a section per piece of work.
import { count, milliseconds, ratio } from './columns.mjs'

const LABEL = 32
const CELL = 11

/** A section. Rows are those of the largest size that was measured, or of all. */
export function formatWork(name, work, { columns, shownSizes, note }) {
  const sizes = shownSizes === 'all' ? work.sizes : work.sizes.slice(-1)
  const lines = ['', `${name}: ${work.title}`, head(columns, work)]
  for (const size of sizes) {
    lines.push(`${count(size)} ${work.unit}`)
    for (const row of work.rows) lines.push(`  ${row.label.padEnd(LABEL - 2)}${cells(row, size, columns, work)}`)
  }
  lines.push(...remarks(work, sizes.at(-1)))
  if (note) lines.push(`* ${note}`)
  return lines.join('\n')
}

/** The targets of DESIGN 8, each with what this run has reached. */
export function formatTargets(targets) {
  if (targets.length === 0) return ''
  const lines = ['', 'targets', `${'  '.padEnd(72)}${'target'.padStart(14)}${'reached'.padStart(14)}`]
  for (const { text, target, reached, isMet } of targets) {
    const verdict = reached === undefined ? 'not measured' : `${reached}${isMet ? ' ' : '!'}`
    lines.push(`  ${text.padEnd(70)}${target.padStart(14)}${verdict.padStart(14)}`)
  }
  const missed = targets.filter(({ reached, isMet }) => reached !== undefined && !isMet).length
  lines.push(missed === 0 ? '  none of those measured was missed' : `  ${missed} missed (!)`)
  return lines.join('\n')
}

function remarks(work, size) {
  const cells = work.rows.filter((row) => row.sizes[size]).map((row) => ({ label: row.label, ...row.sizes[size] }))
  const ticks = cells.filter(({ tickP99 }) => tickP99 !== undefined)
  const busy = Math.max(...cells.map(({ serverBusy = 0 }) => serverBusy))
  return [
    ...ticks.map(({ label, tickP99 }) => `* ${label}: 50 edits in a tick took ${milliseconds(tickP99)} at p99`),
    ...(busy > 0 ? [`* the server was busy for ${(busy * 100).toFixed(0)} % of the time, at most`] : [])
  ]
}

function head(columns, work) {
  const heads = [...columns.map(({ head }) => head), 'ratio']
  return `${`(ratio: ${work.baseline} = 1)`.padEnd(LABEL)}${heads.map((it) => it.padStart(CELL)).join('')}`
}

function cells(row, size, columns, work) {
  const figures = row.sizes[size]
  if (!figures) return `  ${row.leftOut?.[size] ?? 'not measured'}`
  const values = columns.map(({ key, format }) => (figures[key] == null ? '-' : format(figures[key])))
  return [...values, ratioTo(work, row, size)].map((it) => it.padStart(CELL)).join('')
}

function ratioTo(work, row, size) {
  const reference = work.rows.find(({ label }) => label === work.baseline)?.sizes[size]?.[work.figure]
  return reference === undefined ? '-' : ratio(reference / row.sizes[size][work.figure])
}
