// What every client measures: time, stalls of the event loop, CPU time, memory.
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { describeText } from '../inputs/describe-text.mjs'

const RESOLUTION = 1
const MB = 1 << 20

export class Meter {
  #stalls = monitorEventLoopDelay({ resolution: RESOLUTION })
  #started
  #cpu

  /** A meter that has begun. What went on before in this process does not count. */
  static async start() {
    const meter = new Meter()
    globalThis.gc()
    meter.#stalls.enable()
    await setTimeout(20)
    meter.#stalls.reset()
    meter.#cpu = process.cpuUsage()
    meter.#started = performance.now()
    return meter
  }

  /** Figures up to now: ms and MB. */
  async stop() {
    const time = performance.now() - this.#started
    const { user, system } = process.cpuUsage(this.#cpu)
    // A stall counts once it is over.
    await setTimeout(5)
    this.#stalls.disable()
    // The monitor's own timer is late by up to its resolution.
    const milliseconds = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - RESOLUTION)
    return {
      time,
      cpu: (user + system) / 1000,
      stallMax: milliseconds(this.#stalls.max),
      stallP99: milliseconds(this.#stalls.percentile(99)),
      rss: process.resourceUsage().maxRSS / 1024
    }
  }
}

/** Resident memory in MB, after what nobody needs is gone. */
export async function residentMemory() {
  for (let i = 0; i < 3; i++) {
    globalThis.gc()
    await setTimeout(20)
  }
  return process.memoryUsage.rss() / MB
}

/** Resolves once a condition holds, which is looked at every 2 ms. */
export function until(condition) {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (!condition()) return
      clearInterval(timer)
      resolve()
    }, 2)
  })
}

/** A promise, and the function that resolves it once it was called so many times. */
export function countdown(count) {
  let tick
  const done = new Promise((resolve) => {
    tick = () => --count === 0 && resolve()
  })
  return { done, tick }
}

/** Value at a share of sorted values. */
export function percentile(values, share) {
  return values[Math.min(values.length - 1, Math.floor(values.length * share))]
}

/** Throws unless a client has arrived at the text that was to be expected. */
export function expectText(text, { length, hash }) {
  const actual = describeText(text.toString())
  if (actual.hash !== hash) throw new Error(`the text is another one: ${actual.length} characters, not ${length}`)
}
