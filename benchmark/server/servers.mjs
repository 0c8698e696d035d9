// The runner's end of the process of the servers.
import { fork } from 'node:child_process'

export class Servers {
  #process = fork(new URL('main.mjs', import.meta.url))
  #requests = new Map()
  #ports = []
  #nextId = 0

  constructor() {
    this.#process.on('message', ({ id, result, error }) => {
      const { resolve, reject } = this.#requests.get(id)
      this.#requests.delete(id)
      if (error === undefined) resolve(result)
      else reject(new Error(error))
    })
    this.#process.on('exit', () => {
      for (const { reject } of this.#requests.values()) reject(new Error('the process of the servers has ended'))
    })
  }

  /** Port of a new neutral server, with the frames of a file if one is given. */
  neutral(protocol, body) {
    return this.#open({ kind: 'neutral', protocol, body })
  }

  /** Port of a new real server. */
  real(protocol) {
    return this.#open({ kind: 'real', protocol })
  }

  /** CPU time of the servers in ms since the last call. */
  busy() {
    return this.#ask('busy')
  }

  /** Closes all servers. */
  async closeAll() {
    for (const port of this.#ports.splice(0)) await this.#ask('close', { port })
  }

  end() {
    this.#process.disconnect()
  }

  async #open(options) {
    const port = await this.#ask('open', options)
    this.#ports.push(port)
    return port
  }

  #ask(request, options) {
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#requests.set(id, { resolve, reject })
      this.#process.send({ id, request, ...options })
    })
  }
}
