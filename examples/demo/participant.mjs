// A participant as main.mjs sees it: a process that is given cues.
import { fork } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { say } from './narrator.mjs'

/** How long, in ms, a participant may take to answer a cue, and to end after `leave`. */
const DEADLINE = 10_000

/** Emits `failure` with an `Error`, and what the participant announces. */
export class Participant extends EventEmitter {
  #child
  #waiting = new Map()
  #lastId = 0
  #hasLeft = false

  constructor(name, file, args) {
    super()
    this.name = name
    this.#child = fork(fileURLToPath(new URL(file, import.meta.url)), args)
    this.#child.on('message', (message) => this.#receive(message))
    this.#child.on('exit', (code, signal) => {
      if (!this.#hasLeft) this.#fail(`ended in the middle (${signal ?? `exit code ${code}`})`)
    })
  }

  /** Resolves with the participant's answer; rejects with its reason, or when there is none in time. */
  cue(cue, data = {}) {
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.#answer(id, { reason: `no answer to "${cue}" in ${DEADLINE / 1000} s` }),
        DEADLINE
      )
      this.#waiting.set(id, { resolve, reject, timer })
      this.#child.send({ id, cue, data }, (error) => {
        if (error) this.#answer(id, { reason: `"${cue}" did not reach it: ${error.message}` })
      })
    })
  }

  /** Resolves when the process ended by itself, in order. */
  async leave() {
    this.#hasLeft = true
    const exit = once(this.#child, 'exit', { signal: AbortSignal.timeout(DEADLINE) })
    await this.cue('leave')
    const [code, signal] = await exit.catch(() => {
      throw new Error(`${this.name} did not end after it left`)
    })
    if (code !== 0) throw new Error(`${this.name} ended with ${signal ?? `exit code ${code}`}`)
  }

  /** Resolves when the process is gone. */
  async kill() {
    this.#hasLeft = true
    if (this.#child.kill('SIGKILL')) await once(this.#child, 'exit')
  }

  #receive({ tell, event, failure, id, ...answer }) {
    if (tell !== undefined) say(this.name, tell.what, tell.text)
    else if (event !== undefined) this.emit(event)
    else if (failure !== undefined) this.#fail(failure)
    else this.#answer(id, answer)
  }

  #answer(id, { result, reason }) {
    const { resolve, reject, timer } = this.#waiting.get(id) ?? {}
    this.#waiting.delete(id)
    clearTimeout(timer)
    if (reason === undefined) resolve?.(result)
    else reject?.(new Error(`${this.name}: ${reason}`))
  }

  #fail(reason) {
    this.emit('failure', new Error(`${this.name}: ${reason}`))
  }
}
