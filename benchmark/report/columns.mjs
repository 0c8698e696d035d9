// What the tables show of the figures.

export const TIME = { key: 'time', head: 'time', format: duration }
export const CPU = { key: 'cpu', head: 'CPU time', format: duration }
export const RATE = { key: 'perSecond', head: 'per second', format: rate }
export const EVENTS = { key: 'events', head: 'events', format: count }
export const STALL_MAX = { key: 'stallMax', head: 'stall max', format: milliseconds }
export const STALL_P99 = { key: 'stallP99', head: 'stall p99', format: milliseconds }
export const RSS = { key: 'rss', head: 'peak RSS', format: (value) => `${value.toFixed(0)} MB` }
export const RSS_EACH = { key: 'rssEach', head: 'RSS each', format: (value) => `${value.toFixed(1)} kB` }
export const BYTES_UP = { key: 'bytesUp', head: 'bytes up', format: (value) => `${value.toFixed(1)} B` }
export const BYTES_DOWN = { key: 'bytesDown', head: 'bytes down', format: (value) => `${value.toFixed(1)} B` }
export const FRAMES_UP = { key: 'framesUp', head: 'frames up', format: (value) => value.toFixed(2) }
export const LATENCY_P50 = { key: 'p50', head: 'p50', format: milliseconds }
export const LATENCY_P99 = { key: 'p99', head: 'p99', format: milliseconds }

export function duration(value) {
  return value < 1000 ? milliseconds(value) : `${(value / 1000).toFixed(2)} s`
}

export function milliseconds(value) {
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ms`
}

export function count(value) {
  return value.toLocaleString('en')
}

/** How often the reference's figure holds a row's: above 1 the row is better. */
export function ratio(value) {
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)}x`
}

function rate(value) {
  return value < 1e6 ? `${(value / 1e3).toFixed(value < 1e4 ? 1 : 0)} k/s` : `${(value / 1e6).toFixed(2)} M/s`
}
