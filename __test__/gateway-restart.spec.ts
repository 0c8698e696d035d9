// Gateways that end while native clients go on editing: as a rolling restart, and as a crash.
import test, { type ExecutionContext } from 'ava'

import type { ProtocolManager, YArray, YDoc } from '../index.js'
import { temporaryFolder } from './support/gateway.ts'
import { GatewayProcess } from './support/gateway-process.ts'
import { openDoc, whenSynced } from './support/provider.ts'
import { waitFor } from './support/wait.ts'
import { YjsClient } from './support/yjs-client.ts'

const WRITERS = 3
const ROUNDS = 3
const EDITS_PER_LIFE = 40

/** A client that adds numbered entries to the list they all share, one per tick, until it is told to stop. */
class Writer {
  readonly provider: ProtocolManager
  readonly #doc: YDoc
  readonly #list: YArray
  readonly #name: string
  #isWriting = true
  written = 0

  constructor(t: ExecutionContext, url: string, name: string) {
    const { provider, doc } = openDoc(t, url, 'doc')
    this.provider = provider
    this.#doc = doc
    this.#list = doc.getArray('entries')
    this.#name = name
    provider.on('error', (error: Error) => t.fail(`${name}: ${error}`))
  }

  /** Resolves when it has stopped. */
  async write(): Promise<void> {
    while (this.#isWriting) {
      this.#list.push([`${this.#name} ${this.written++}`])
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }

  stop(): void {
    this.#isWriting = false
  }

  /** Resolves when it was told of so many changes of others, so that edits went all the way. */
  async hear(changes: number): Promise<void> {
    let heard = 0
    await waitFor(this.#doc, 'update', () => ++heard >= changes)
  }
}

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`restarts_by_${signal}_under_load_lose_and_double_nothing`, async (t) => {
    const data = await temporaryFolder(t)
    let gateway = await GatewayProcess.start(t, data, '--port', '0')
    const { url, port } = gateway
    const writers = Array.from({ length: WRITERS }, (_, index) => new Writer(t, url, `writer-${index}`))
    await Promise.all(writers.map(({ provider }) => whenSynced(provider, 'doc')))
    const writing = writers.map((writer) => writer.write())
    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all(writers.map((writer) => writer.hear(EDITS_PER_LIFE)))
      const end = await gateway.end(signal)
      t.deepEqual(end, signal === 'SIGTERM' ? { code: 0, signal: null } : { code: null, signal })
      gateway = await GatewayProcess.start(t, data, '--port', String(port))
    }
    for (const writer of writers) writer.stop()
    await Promise.all(writing)
    await Promise.all(writers.map(({ provider }) => provider.flush({ timeout: 60_000 })))
    // What was flushed is in the log, and not only with those who wrote it.
    for (const { provider } of writers) provider.destroy()
    await gateway.end('SIGKILL')
    await GatewayProcess.start(t, data, '--port', String(port))

    const { doc } = await (await YjsClient.connect(t, url)).open('doc')
    const entries = doc.getArray<string>('entries').toArray()
    const expected = writers.flatMap(({ written }, writer) =>
      Array.from({ length: written }, (_, index) => `writer-${writer} ${index}`)
    )
    t.deepEqual([...entries].sort(), expected.sort())
  })
}
