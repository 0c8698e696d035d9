/** Prints rows, named by their keys, with the columns that any of them has. */
export function print(title, rows, corner = '') {
  const columns = [...new Set(Object.values(rows).flatMap(Object.keys))]
  const lines = Object.entries(rows).map(([name, row]) => [name, ...columns.map((column) => row[column] ?? '-')])
  const cells = [[corner, ...columns], ...lines].map((line) => line.map(String))
  const widths = cells[0].map((_, column) => Math.max(...cells.map((line) => line[column].length)))
  console.log(`\n${title}\n`)
  cells.forEach((line, index) => {
    console.log(`| ${line.map((cell, column) => cell.padStart(widths[column])).join(' | ')} |`)
    if (index === 0) console.log(`|${widths.map((width) => `${'-'.repeat(width + 1)}:`).join('|')}|`)
  })
}
