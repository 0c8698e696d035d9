/** A small seeded generator, so that a failure can be repeated: `SEED=123 npx ava …`. */
export class Random {
  readonly seed: number
  #state: number

  constructor(seed = Number(process.env.SEED ?? Math.floor(Math.random() * 0x7fffffff))) {
    this.seed = seed
    this.#state = seed >>> 0
  }

  /** A whole number from 0 to `end` - 1. */
  below(end: number): number {
    // mulberry32
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000) * end)
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]
  }

  chance(percent: number): boolean {
    return this.below(100) < percent
  }

  shuffle<T>(items: T[]): T[] {
    for (let index = items.length - 1; index > 0; index--) {
      const other = this.below(index + 1)
      ;[items[index], items[other]] = [items[other], items[index]]
    }
    return items
  }
}
