import { monitorEventLoopDelay } from 'node:perf_hooks'

const RESOLUTION_MS = 10
const QUANTILES = [0.5, 0.99, 1] as const

/** How late timers fire, from `start` to `stop`. */
export class EventLoopLag {
  readonly #histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })

  start(): void {
    this.#histogram.enable()
  }

  stop(): void {
    this.#histogram.disable()
  }

  /** Quantiles since the last call, in seconds. */
  read(): [quantile: number, seconds: number][] {
    const lags = QUANTILES.map((quantile): [number, number] => {
      // Node records the time between two timers, of which the resolution is no delay.
      const delay = this.#histogram.percentile(quantile * 100) / 1e9 - RESOLUTION_MS / 1000
      return [quantile, Math.max(0, delay)]
    })
    this.#histogram.reset()
    return lags
  }
}
