// The targets of the design, as rows "target / reached". All figures are of one run.
import { milliseconds, ratio } from './report/columns.mjs'

const DOCUMENT = 100_000
const LARGE = 10_000_000

/** Every target with what a run has reached; `reached` is undefined for what it has not measured. */
export function targets(works) {
  const stream = figures(works.stream)
  const sync = figures(works.sync)
  const typing = figures(works.typing)
  const transaction = figures(works.transaction)
  const apply = figures(works.apply)
  const documents = figures(works.documents)
  const providers = figures(works.providers)
  return [
    atLeast('stream: rate, as a multiple of y-websocket', 10, stream('y-websocket').time, stream('native').time),
    stallAtMost('stream, nobody listens: longest stall', 10, stream('native').stallMax),
    stallAtMost('stream, nobody listens: p99 of stalls', 2, stream('native').stallP99),
    stallAtMost('stream, an observer: p99 of stalls', 5, stream('native, observer').stallP99),
    stallAtMost('first sync of 100 kB of text: longest stall', 5, sync('native', DOCUMENT).stallMax),
    stallAtMost('first sync of 10 MB of text: longest stall', 5, sync('native', LARGE).stallMax),
    atMost('typing: time, as a share of yjs', 1 / 5, typing('native').time, typing('yjs').time),
    atMost(
      'typing, an update listener on both: time, as a share of yjs',
      2 / 3,
      typing('native, update listener').time,
      typing('yjs, update listener').time
    ),
    atMost(
      'typing in one transaction: time, as a share of yjs',
      1 / 10,
      transaction('native').time,
      transaction('yjs').time
    ),
    atMost(
      'applying, merged by 16: time, as a multiple of the floor',
      1.5,
      apply('native, merged by 16').time,
      apply('floor: yrs, merged by 16').time
    ),
    ...share('documents', documents, { time: 1 / 5, rssEach: 1 / 2 }),
    ...share('providers', providers, { time: 1 / 3, rssEach: 1 / 5 })
  ]
}

/** Looks up figures of a row at the largest size at which all of a work's rows were asked for, or at the size given. */
function figures(work) {
  return (label, size = work?.sizes.at(-1)) => work?.rows.find((row) => row.label === label)?.sizes[size] ?? {}
}

function share(name, find, limits) {
  const [ours, theirs] = [find('native'), find('TypeScript design')]
  return [
    atMost(`${name}: time, as a share of the TypeScript design`, limits.time, ours.time, theirs.time),
    atMost(`${name}: RSS of each, as a share of the TypeScript design`, limits.rssEach, ours.rssEach, theirs.rssEach)
  ]
}

function atLeast(text, target, theirs, ours) {
  return row(text, `>= ${ratio(target)}`, theirs / ours, ratio, (value) => value >= target)
}

function atMost(text, target, ours, theirs) {
  return row(text, `<= ${ratio(target)}`, ours / theirs, ratio, (value) => value <= target)
}

function stallAtMost(text, target, stall) {
  return row(text, `<= ${target} ms`, stall, milliseconds, (value) => value <= target)
}

/** A figure that is missing makes the value `NaN` or undefined. */
function row(text, target, value, format, holds) {
  if (!(value >= 0)) return { text, target }
  return { text, target, reached: format(value), isMet: holds(value) }
}
