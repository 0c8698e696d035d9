// Bot one, native: imports a Markdown file line by line and keeps statistics of it.
import { readFileSync } from 'node:fs'
import { titleOf } from './delta.mjs'
import { commonCues, NativeBot } from './native-bot.mjs'
import { stroke } from './script.mjs'
import { announce, perform, tell } from './stage.mjs'

const [, , url, file] = process.argv
const bot = new NativeBot('importer', url)
const { body, stats } = bot

perform({ ...commonCues(bot), importFile })

async function importFile() {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const sections = splitSections(lines)
  let count = 0
  let words = 0
  for (const { title, from, rows } of sections) {
    for (const row of rows) {
      appendLine(row)
      count++
      words += row.text.split(/\s+/).filter(Boolean).length
      stats.set('lines', count)
      stats.set('words', words)
      stats.set('last writer', bot.name)
      if (count === Math.floor(lines.length / 3)) announce('third')
      if (count === Math.floor((lines.length * 2) / 3)) announce('two thirds')
      await stroke()
    }
    tell('typed', `lines ${from} to ${from + rows.length - 1}: "${title}"`)
  }
  const headings = sections.filter(({ level }) => level === 2).map(({ title }) => titleOf(title))
  return { lines: count, words, headings: headings.length, titles: new Set(headings).size }
}

/** One transaction per line, so that nobody ever sees a heading without its format. */
function appendLine({ text, level, isCode }) {
  const txn = body.doc.beginTransaction('import')
  try {
    const at = body.length(txn)
    // An empty set of attributes: without it, text takes over the formats of the text on its left.
    body.insert(at, `${text}\n`, {}, txn)
    if (level > 0) body.format(at, text.length, { header: level }, txn)
    if (isCode && text.length > 0) body.format(at, text.length, { code: true }, txn)
  } finally {
    txn.commit()
  }
}

/** A section begins at a heading of level 1 or 2; a `#` inside of a code block is none. */
function splitSections(lines) {
  const sections = []
  let isCode = false
  for (const [index, line] of lines.entries()) {
    const isFence = line.startsWith('```')
    const heading = isCode ? null : /^(#{1,6}) (.+)$/.exec(line)
    const level = heading?.[1].length ?? 0
    const text = heading?.[2] ?? line
    if (sections.length === 0 || level === 1 || level === 2) {
      sections.push({ title: text, level, from: index + 1, rows: [] })
    }
    sections.at(-1).rows.push({ text, level, isCode: isCode && !isFence })
    if (isFence) isCode = !isCode
  }
  return sections
}
