// A gateway in a process of its own. Started by `fork`, this file is that process.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createGateway } from '@y-kafka-collabation-server/gateway'

export class BenchGateway {
  #child

  constructor(child, port) {
    this.#child = child
    this.url = `http://127.0.0.1:${port}`
  }

  /** @param options of `createGateway`; they have to fit into JSON. */
  static async start(options) {
    const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(options)])
    const failure = once(child, 'exit').then(([code]) => {
      throw new Error(`the gateway ended with code ${code}`)
    })
    failure.catch(() => {}) // ends so, too
    const [port] = await Promise.race([once(child, 'message'), failure])
    return new BenchGateway(child, port)
  }

  async stop() {
    this.#child.disconnect()
    await once(this.#child, 'exit')
  }
}

if (process.send !== undefined && process.argv[1] === fileURLToPath(import.meta.url)) {
  // One idle document: joining another evicts it, so that each join loads from the store.
  const gateway = createGateway({ ...JSON.parse(process.argv[2]), maxIdleDocuments: 1 })
  process.on('disconnect', () => gateway.close().then(() => process.exit()))
  process.send(await gateway.listen())
}
