/** Watches a flag that must never be told twice in a row with the same value. */
export class Alternation {
  #value: boolean
  readonly #onViolation: (text: string) => void
  readonly #name: string

  /** @param value what holds before anything was told. */
  constructor(name: string, value: boolean, onViolation: (text: string) => void) {
    this.#name = name
    this.#value = value
    this.#onViolation = onViolation
  }

  get value(): boolean {
    return this.#value
  }

  tell(value: boolean): void {
    if (value === this.#value) this.#onViolation(`${this.#name} was ${value} twice`)
    this.#value = value
  }
}
