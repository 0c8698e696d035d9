/** Lets through `rate` per second on average, and up to `burst` at once. */
export class TokenBucket {
  readonly #rate: number
  readonly #burst: number
  #tokens: number
  #filledAt: number

  /** @param now milliseconds of a clock that never goes back; may start anywhere. */
  constructor(rate: number, burst: number, now: number) {
    this.#rate = rate
    this.#burst = burst
    this.#tokens = burst
    this.#filledAt = now
  }

  /** Takes a token; false if there is none. */
  take(now: number): boolean {
    if (this.#rate === Infinity) return true
    this.#fill(now)
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }

  /** Milliseconds until there are so many tokens, or the bucket is full. */
  timeUntil(tokens: number, now: number): number {
    if (this.#rate === Infinity) return 0
    this.#fill(now)
    return Math.max(0, ((Math.min(tokens, this.#burst) - this.#tokens) / this.#rate) * 1000)
  }

  #fill(now: number): void {
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#filledAt) / 1000) * this.#rate)
    this.#filledAt = now
  }
}
