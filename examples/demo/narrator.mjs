// Prints the account: when, who, what, in columns; coloured for people only.
const { stdout, env } = process
const isColoured = stdout.isTTY === true && !env.NO_COLOR && env.TERM !== 'dumb'
const start = performance.now()

const WHO_WIDTH = 9
const WHAT_WIDTH = 10
const COLOURS = { gateway: 35, importer: 32, editor: 36, reviewer: 33, reader: 34 }

/** A line of the account. */
export function say(who, what, text) {
  const seconds = ((performance.now() - start) / 1000).toFixed(2).padStart(5)
  print(`${dim(seconds)}  ${paint(who.padEnd(WHO_WIDTH), COLOURS[who])} ${what.padEnd(WHAT_WIDTH)} ${text}`)
}

export function heading(text) {
  print(`\n${paint(text, 1)}`)
}

/** Rows of cells in columns; a cell is text, the first row is the head. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  for (const [index, row] of rows.entries()) {
    const line = row
      .map((cell, column) => cell.padEnd(widths[column]))
      .join('  ')
      .trimEnd()
    print(`       ${index === 0 ? dim(line) : line}`)
  }
}

/** The last lines: what was shown, each with a check mark. */
export function passed(text) {
  print(`${paint('✓', 32)} ${text}`)
}

export function failed(reason) {
  process.stderr.write(`\n${isColoured ? paint('✗', 31) : '✗'} ${reason}\n`)
}

function print(line) {
  stdout.write(`${line}\n`)
}

function dim(text) {
  return paint(text, 2)
}

function paint(text, code) {
  return isColoured && code !== undefined ? `\u001b[${code}m${text}\u001b[0m` : text
}
