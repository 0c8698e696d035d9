// What every client process measures: time, event-loop stalls, CPU, memory.
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'

export const { port, total, hash, mode } = JSON.parse(process.argv[2])

const RESOLUTION = 1
const histogram = monitorEventLoopDelay({ resolution: RESOLUTION })
let started
let cpu

export function begin() {
  cpu = process.cpuUsage()
  started = performance.now()
  histogram.enable()
}

/** Calls `isDone` every few milliseconds; reports once it says so. */
export function reportWhen(isDone, extra = () => ({})) {
  const timer = setInterval(() => {
    if (!isDone()) return
    clearInterval(timer)
    histogram.disable()
    const used = process.cpuUsage(cpu)
    // The timer itself is late by up to its resolution.
    const milliseconds = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - RESOLUTION)
    process.send({
      time: performance.now() - started,
      stallMax: milliseconds(histogram.max),
      stallP99: milliseconds(histogram.percentile(99)),
      cpu: (used.user + used.system) / 1000,
      rss: process.resourceUsage().maxRSS / 1024,
      ...extra()
    })
    process.exit(0)
  }, 5)
}
