/*
 * Every edit that adds something adds a marker that nothing else in the run has: `[native0.17]`. Text is inserted only
 * between whole markers, so none is ever torn, not even one that somebody is typing.
 */

const OPEN = '['
const CLOSE = ']'
const MARKER = /\[[^[\]]*\]/g

/** What comes behind the number is a surrogate pair: those are torn easily. */
export function makeMarker(client: string, number: number, filling = ''): string {
  return `${OPEN}${client}.${number}.${filling}\u{1F600}${CLOSE}`
}

/** All markers in a text, in their order. */
export function markersIn(text: string): string[] {
  return text.match(MARKER) ?? []
}

/** A place between two markers at or behind a position, or the last one there is. */
export function boundaryFrom(text: string, position: number): number {
  if (position === 0) return 0
  const end = text.indexOf(CLOSE, position)
  return (end < 0 ? text.lastIndexOf(CLOSE) : end) + 1
}

/** The first marker at or behind a position. One that somebody is still typing is none yet. */
export function markerFrom(text: string, position: number): { at: number; marker: string } | undefined {
  const pattern = new RegExp(MARKER)
  pattern.lastIndex = position
  const match = pattern.exec(text)
  return match === null ? undefined : { at: match.index, marker: match[0] }
}
