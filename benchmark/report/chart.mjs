// Line charts as SVG, for light and dark pages: a figure of panels beside each other that share a legend.

const PANEL = { width: 400, height: 250, left: 66, right: 14, top: 34, bottom: 46 }
const HEAD = 58
const LEGEND_ROW = 22
const LEGEND_COLUMNS = 3
const MARGIN = 16

/** Clients of one CRDT have one color. */
const FAMILIES = { typescript: 'wasm', ywasm: 'wasm', 'y-websocket': 'yjs' }

const STYLE = `
  text { font: 12px system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #59636e }
  .title { font-size: 16px; font-weight: 600; fill: #1f2328 }
  .panel { font-size: 13px; font-weight: 600; fill: #1f2328 }
  .grid { stroke: #d1d9e0; stroke-width: 1 }
  .axis { stroke: #818b98; stroke-width: 1 }
  .line { fill: none; stroke-width: 2; stroke-linejoin: round }
  .ours { stroke-width: 3.5 }
  .variant { stroke-dasharray: 5 4 }
  ${colors({ native: '#cf222e', wasm: '#bc7700', yjs: '#0969da', hocuspocus: '#1a7f37', floor: '#818b98' })}
  @media (prefers-color-scheme: dark) {
    text { fill: #9198a1 }
    .title, .panel { fill: #f0f6fc }
    .grid { stroke: #30363d }
    .axis { stroke: #656c76 }
    ${colors({ native: '#ff7b72', wasm: '#e3b341', yjs: '#58a6ff', hocuspocus: '#56d364', floor: '#9198a1' })}
  }`

/**
 * A figure. Panels are `{title, x, y, series}`; an axis is `{label, format}`, both are logarithmic; a series is
 * `{label, client, isVariant, points: [[x, y], ...]}`. The series of the first panel make the legend.
 */
export function figure({ title, subtitle, panels, legend }) {
  const width = Math.max(panels.length * PANEL.width, 2 * PANEL.width) + 2 * MARGIN
  const rows = Math.ceil(legend.length / LEGEND_COLUMNS)
  const height = HEAD + PANEL.height + rows * LEGEND_ROW + MARGIN
  const parts = [
    text(MARGIN, 24, title, 'class="title"'),
    text(MARGIN, 43, subtitle),
    ...panels.map((panel, i) => group(MARGIN + i * PANEL.width, HEAD, drawPanel(panel))),
    group(MARGIN, HEAD + PANEL.height, drawLegend(legend, width - 2 * MARGIN))
  ]
  const size = `viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"`
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" aria-label="${escape(title)}">
<style>${STYLE}
</style>
${parts.join('\n')}
</svg>
`
}

function drawPanel({ title, x, y, series }) {
  const points = series.flatMap((it) => it.points)
  const xScale = logScale(
    points.map(([it]) => it),
    PANEL.left,
    PANEL.width - PANEL.right
  )
  const yScale = logScale(
    points.map(([, it]) => it),
    PANEL.height - PANEL.bottom,
    PANEL.top,
    true
  )
  const bottom = PANEL.height - PANEL.bottom
  return [
    text(PANEL.left, 18, `${title} (${y.label})`, 'class="panel"'),
    ...yScale.ticks.map((tick) => {
      const at = round(yScale.at(tick))
      return (
        `<path class="grid" d="M${PANEL.left} ${at}H${PANEL.width - PANEL.right}"/>` +
        text(PANEL.left - 8, at + 4, y.format(tick), 'text-anchor="end"')
      )
    }),
    `<path class="axis" d="M${PANEL.left} ${bottom}H${PANEL.width - PANEL.right}"/>`,
    ...xTicks(points).map((tick) => text(round(xScale.at(tick)), bottom + 18, x.format(tick), 'text-anchor="middle"')),
    text((PANEL.left + PANEL.width - PANEL.right) / 2, bottom + 36, x.label, 'text-anchor="middle"'),
    ...series.map((it) => drawSeries(it, xScale, yScale))
  ].join('\n')
}

function drawSeries({ client, isVariant, points }, xScale, yScale) {
  const places = points.map(([x, y]) => [round(xScale.at(x)), round(yScale.at(y))])
  const dots = places.map(([x, y]) => `<circle class="dot" cx="${x}" cy="${y}" r="3"/>`)
  const line = `<path class="${lineClass(client, isVariant)}" d="M${places.join('L')}"/>`
  return `<g class="${familyOf(client)}">${line}${dots.join('')}</g>`
}

function drawLegend(series, width) {
  const column = width / LEGEND_COLUMNS
  return series
    .map(({ label, client, isVariant }, i) => {
      const x = (i % LEGEND_COLUMNS) * column
      const y = Math.floor(i / LEGEND_COLUMNS) * LEGEND_ROW + 14
      const line = `<path class="${lineClass(client, isVariant)}" d="M${round(x)} ${y - 4}h26"/>`
      return `<g class="${familyOf(client)}">${line}</g>${text(round(x + 34), y, label)}`
    })
    .join('\n')
}

function lineClass(client, isVariant) {
  return `line${client === 'native' ? ' ours' : ''}${isVariant ? ' variant' : ''}`
}

function colors(byFamily) {
  const rules = Object.entries(byFamily).map(
    ([family, color]) => `.${family} .line { stroke: ${color} } .${family} .dot { fill: ${color} }`
  )
  return rules.join('\n  ')
}

function familyOf(client) {
  return FAMILIES[client] ?? client
}

/** From values to places. With `isWide` it begins and ends at ticks. */
function logScale(values, from, to, isWide = false) {
  const ticks = logTicks(Math.min(...values), Math.max(...values))
  const [low, high] = isWide ? [ticks[0], ticks.at(-1)] : [Math.min(...values), Math.max(...values)]
  const span = Math.log(high / low) || 1
  return { ticks, at: (value) => from + ((to - from) * Math.log(Math.max(value, low) / low)) / span }
}

/** Powers of ten around the values; in between, when those are few. */
function logTicks(low, high) {
  const first = Math.floor(Math.log10(low))
  const last = Math.ceil(Math.log10(high))
  const steps = last - first <= 2 ? [1, 2, 5] : [1]
  const ticks = []
  for (let power = first; power <= last; power++) ticks.push(...steps.map((step) => Number(`${step}e${power}`)))
  const begin = ticks.findLastIndex((tick) => tick <= low)
  const end = ticks.findIndex((tick) => tick >= high)
  return ticks.slice(begin, Math.max(end, begin + 1) + 1)
}

/** The sizes that were measured, without those whose labels would run into each other. */
function xTicks(points) {
  const sizes = Array.from(new Set(points.map(([x]) => x))).sort((a, b) => a - b)
  const span = Math.log(sizes.at(-1) / sizes[0]) || 1
  const isFar = (a, b) => Math.log(b / a) / span > 0.13
  return sizes.filter((size, i) => i === 0 || isFar(sizes[i - 1], size))
}

function text(x, y, content, attributes = '') {
  return `<text x="${x}" y="${y}" ${attributes}>${escape(content)}</text>`
}

function group(x, y, content) {
  return `<g transform="translate(${x} ${y})">\n${content}\n</g>`
}

function round(value) {
  return Math.round(value * 10) / 10
}

function escape(content) {
  return content.replace(/[&<>"]/g, (it) => `&#${it.charCodeAt(0)};`)
}
