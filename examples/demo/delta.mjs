// Reading a Quill delta, which is how all implementations of Yjs show a text with its formats.

/** Where a run is cut is not content: neighbours with the same formats become one. */
export function mergeRuns(delta) {
  const runs = []
  for (const { insert, attributes = {} } of delta) {
    const last = runs.at(-1)
    if (last !== undefined && areEqual(last.attributes, attributes)) last.insert += insert
    else runs.push({ insert, attributes })
  }
  return runs
}

/** The headings of level 2: where they are, their text, and their title without the number. */
export function headingsOf(delta) {
  const headings = []
  let index = 0
  for (const { insert, attributes } of mergeRuns(delta)) {
    if (attributes.header === 2) headings.push({ index, text: insert, title: titleOf(insert), attributes })
    index += insert.length
  }
  return headings
}

export function titleOf(text) {
  return text.replace(/^\d+\. /, '')
}

function areEqual(a, b) {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}
