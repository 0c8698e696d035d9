// Which figures are drawn.
import { figure } from './chart.mjs'

/** Shorter stalls than this (ms) can't be told from none. */
const SHORTEST_STALL = 0.1

const time = { label: 'time', format: shortDuration, value: (it) => it.time }
const stall = { label: 'longest stall', format: shortDuration, value: (it) => Math.max(it.stallMax, SHORTEST_STALL) }
const memory = { label: 'kB each', format: short, value: (it) => it.rssEach }
const latency = (key) => ({ label: 'time', format: shortDuration, value: (it) => it[key] })

/** SVG by name. */
export function plots({ works, machine, date }) {
  const subtitle = `npm run bench, ${date.slice(0, 10)}, ${machine.cpu}, ${machine.cores} cores, node ${machine.node}`
  const draw = (title, ...panels) => {
    const series = panels.flatMap((panel) => panel.series)
    const legend = series.filter(({ label }, i) => series.findIndex((it) => it.label === label) === i)
    return figure({ title, subtitle, panels, legend })
  }
  return {
    stream: draw(
      'A stream of small updates into one document',
      panel(works.stream, 'Until all is there', time, isDrawn),
      panel(works.stream, 'Event loop', stall, isDrawn)
    ),
    sync: draw(
      'First sync of a large text',
      panel(works.sync, 'Until synced', time, isDrawn),
      panel(works.sync, 'Event loop', stall, isDrawn)
    ),
    typing: draw(
      'An editing trace typed locally',
      panel(works.typing, 'A transaction per edit', time),
      panel(works.transaction, 'All in one transaction', time)
    ),
    many: draw(
      'Many documents, many providers',
      panel(works.documents, 'Documents on one connection', time),
      panel(works.providers, 'Providers, a connection each', time)
    ),
    memory: draw(
      'Memory of an idle document, of an idle provider',
      panel(works.documents, 'Documents on one connection', memory),
      panel(works.providers, 'Providers, a connection each', memory)
    ),
    latency: draw(
      'From an edit to an observer in another process',
      panel(works.latency, 'Median', latency('p50')),
      panel(works.latency, 'p99', latency('p99'))
    )
  }
}

function panel(work, title, y, wanted = () => true) {
  const rows = work.rows.filter(wanted)
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
