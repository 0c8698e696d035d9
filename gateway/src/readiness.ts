import type { LogStore } from './log-store.js'
import { isSettledWithin } from './time-limit.js'

/** How long the log may take to answer, in milliseconds. */
const PROBE_TIMEOUT = 2000

/** A document that nobody has: asking for its position reads the log and leaves nothing behind. */
const PROBE = { roomId: 'readyz', docId: 'readyz' }

/** Whether a gateway should get new connections. */
export class Readiness {
  #store: Pick<LogStore, 'highWatermark'> | undefined
  #probe: Promise<boolean> | undefined
  #isDraining = false

  /** The log is open. */
  begin(store: Pick<LogStore, 'highWatermark'>): void {
    this.#store = store
  }

  /** Not ready from now on. */
  drain(): void {
    this.#isDraining = true
  }

  /** Why the gateway is not ready; undefined when it is. */
  async obstacle(): Promise<string | undefined> {
    if (this.#isDraining) return 'draining'
    if (this.#store === undefined) return 'starting'
    // One at a time: a log that hangs must not gather a probe from every health check.
    this.#probe ??= this.#ask(this.#store).finally(() => {
      this.#probe = undefined
    })
    let answers = false
    const probe = this.#probe.then((doesAnswer) => {
      answers = doesAnswer
    })
    await isSettledWithin(PROBE_TIMEOUT, probe)
    return answers ? undefined : 'the log does not answer'
  }

  #ask(store: Pick<LogStore, 'highWatermark'>): Promise<boolean> {
    return store.highWatermark(PROBE).then(
      () => true,
      () => false
    )
  }
}
