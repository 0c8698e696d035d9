// Which figures are drawn.
import { figure } from './chart.mjs'

/** Shorter stalls than this (ms) can't be told from none. */
const SHORTEST_STALL = 0.1

const time = { label: 'time', format: shortDuration, value: (it) => it.time }
const stall = { label: 'longest stall', format: shortDuration, value: (it) => Math.max(it.stallMax, SHORTEST_STALL) }
const memory = { label: 'kB each', format: short, value: (it) => it.rssEach }
const latency = (key) => ({ label: 'time', format: shortDuration, value: (it) => it[key] })

const FIGURES = {
  stream: {
    title: 'A stream of small updates into one document',
    panels: [
      { work: 'stream', title: 'Until all is there', y: time },
      { work: 'stream', title: 'Event loop', y: stall }
    ]
  },
  sync: {
    title: 'First sync of a large text',
    panels: [
      { work: 'sync', title: 'Until synced', y: time },
      { work: 'sync', title: 'Event loop', y: stall }
    ]
  },
  typing: {
    title: 'An editing trace typed locally',
    panels: [
      { work: 'typing', title: 'A transaction per edit', y: time },
      { work: 'transaction', title: 'All in one transaction', y: time }
    ]
  },
  many: {
    title: 'Many documents, many providers',
    panels: [
      { work: 'documents', title: 'Documents on one connection', y: time },
      { work: 'providers', title: 'Providers, a connection each', y: time }
    ]
  },
  memory: {
    title: 'Memory of an idle document, of an idle provider',
    panels: [
      { work: 'documents', title: 'Documents on one connection', y: memory },
      { work: 'providers', title: 'Providers, a connection each', y: memory }
    ]
  },
  latency: {
    title: 'From an edit to an observer in another process',
    panels: [
      { work: 'latency', title: 'Median', y: latency('p50') },
      { work: 'latency', title: 'p99', y: latency('p99') }
    ]
  }
}

/** SVG by name, of all figures whose work was measured. */
export function plots({ works, machine, date }) {
  const subtitle = `npm run bench, ${date.slice(0, 10)}, ${machine.cpu}, ${machine.cores} cores, node ${machine.node}`
  const measured = Object.entries(FIGURES).filter(([, { panels }]) => panels.every(({ work }) => works[work]))
  return Object.fromEntries(measured.map(([name, it]) => [name, draw(it, works, subtitle)]))
}

function draw({ title, panels }, works, subtitle) {
  const drawn = panels.map(({ work, ...it }) => panel(works[work], it.title, it.y))
  const series = drawn.flatMap((panel) => panel.series)
  const legend = series.filter(({ label }, i) => series.findIndex((it) => it.label === label) === i)
  return figure({ title, subtitle, panels: drawn, legend })
}

function panel(work, title, y) {
  const rows = work.rows.filter(isDrawn)
  const series = rows.map(({ label, client, sizes }) => ({
    label,
    client,
    isVariant:
      label.includes(', ') && rows.some((other) => other.client === client && other.label.length < label.length),
    points: Object.entries(sizes)
      .map(([size, figures]) => [Number(size), y.value(figures)])
      .filter(([, value]) => value > 0)
  }))
  const x = { label: work.unit, format: short }
  return { title, x, y, series: series.filter(({ points }) => points.length > 0) }
}

/** Leaves out what would only crowd a plot. */
function isDrawn({ label }) {
  return !label.includes('editing') && !/^(TypeScript|y-websocket).*observer/.test(label)
}

/** Numbers of an axis. */
function short(value) {
  if (value >= 1e6) return `${value / 1e6} M`
  return value >= 1e3 ? `${Math.round(value / 1e3)} k` : String(value)
}

function shortDuration(value) {
  return value < 1000 ? `${value} ms` : `${value / 1000} s`
}
