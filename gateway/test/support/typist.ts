import { setImmediate } from 'node:timers/promises'
import type { NativeClient } from './native.js'

/** Types numbered words at the end of a client's text, tick by tick, until it is told to stop. */
export class Typist {
  readonly #client: NativeClient
  readonly #name: string
  readonly #typing: Promise<void>
  #isStopped = false
  #count = 0

  constructor(client: NativeClient, name: string) {
    this.#client = client
    this.#name = name
    this.#typing = this.#type()
  }

  /** How many words were typed. */
  get count(): number {
    return this.#count
  }

  /** Resolves when all words are in the log. */
  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#typing
    await this.#client.flush()
  }

  /** How many of the words typed a text has, each exactly once. */
  wordsIn(text: string): number {
    const words = text.split(' ').filter((word) => word.startsWith(this.#name))
    return new Set(words).size === words.length ? words.length : -1
  }

  async #type(): Promise<void> {
    while (!this.#isStopped) {
      this.#client.text.push(`${this.#name}${this.#count++} `)
      await setImmediate()
    }
  }
}

/** Resolves when the typists have typed so many words more. */
export async function typed(typists: readonly Typist[], words: number): Promise<void> {
  const goals = typists.map(({ count }) => count + words)
  while (typists.some(({ count }, index) => count < goals[index]!)) await setImmediate()
}
