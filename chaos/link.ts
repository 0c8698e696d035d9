/** Functions that the other process may call. */
export type Methods = { [name: string]: (...args: any[]) => unknown }

/** The IPC side of a process: `process` itself, or a child. */
interface Port {
  send?(message: unknown, callback: (error: Error | null) => void): boolean
  on(event: 'message', listener: (message: any) => void): unknown
  once(event: 'disconnect', listener: () => void): unknown
}

type Message = { call: number; method: string; args: unknown[] } | { answer: number; result?: unknown; error?: string }

/** Calls between two processes, in both directions. Messages arrive in the order in which they were sent. */
export class Link<Remote extends Methods> {
  readonly #port: Port
  readonly #own: Methods
  readonly #waiting = new Map<number, { resolve: (result: any) => void; reject: (error: Error) => void }>()
  #last = 0
  #isClosed = false

  constructor(port: Port, own: Methods) {
    this.#port = port
    this.#own = own
    port.on('message', (message: Message) => void this.#take(message))
    port.once('disconnect', () => {
      this.#isClosed = true
      for (const { reject } of this.#waiting.values()) reject(new Error('the other process is gone'))
      this.#waiting.clear()
    })
  }

  /** Rejects with what the function threw, or when the other process ends before it answered. */
  call<Name extends keyof Remote & string>(
    method: Name,
    ...args: Parameters<Remote[Name]>
  ): Promise<Awaited<ReturnType<Remote[Name]>>> {
    if (this.#isClosed) return Promise.reject(new Error('the other process is gone'))
    const call = ++this.#last
    return new Promise((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject })
      this.#send({ call, method, args })
    })
  }

  async #take(message: Message): Promise<void> {
    if ('answer' in message) {
      const waiting = this.#waiting.get(message.answer)
      this.#waiting.delete(message.answer)
      if (message.error === undefined) waiting?.resolve(message.result)
      else waiting?.reject(new Error(message.error))
      return
    }
    try {
      const result = await this.#own[message.method]!(...message.args)
      this.#send({ answer: message.call, result })
    } catch (error) {
      this.#send({
        answer: message.call,
        error: error instanceof Error ? (error.stack ?? error.message) : String(error)
      })
    }
  }

  #send(message: Message): void {
    // Whether it arrived shows in the answer; a process that is gone takes nothing.
    if (!this.#isClosed) this.#port.send?.(message, () => {})
  }
}
