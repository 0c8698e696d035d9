import { type DocumentId, LevelLogStore, type LogPosition } from '../../src/index.js'

/** A log in RAM that can be told to hold appends or snapshots back, or to fail them. */
export class ControlledStore {
  /** What appends are rejected with. */
  failure: Error | undefined
  /** What loading a document is rejected with. */
  loadFailure: Error | undefined
  /** How many tails were begun and not stopped. */
  openTails = 0
  /** The documents that were loaded, each time. */
  readonly loaded: string[] = []
  /** The documents of which a snapshot was begun, each time. */
  readonly snapshots: string[] = []
  readonly #inner: LevelLogStore
  #appendGate: Promise<void> | undefined
  #snapshotGate: Promise<void> | undefined
  #openGates: () => void = () => {}

  private constructor(inner: LevelLogStore) {
    this.#inner = inner
  }

  static async open(): Promise<ControlledStore & LevelLogStore> {
    const inner = await LevelLogStore.open()
    return new Proxy(new ControlledStore(inner), {
      get(target, name) {
        const owner = name in target ? target : inner
        const value: unknown = Reflect.get(owner, name)
        return typeof value === 'function' ? value.bind(owner) : value
      }
    }) as ControlledStore & LevelLogStore
  }

  holdBack(): void {
    this.#appendGate = this.#gate()
  }

  holdSnapshotsBack(): void {
    this.#snapshotGate = this.#gate()
  }

  letGo(): void {
    this.#appendGate = undefined
    this.#snapshotGate = undefined
    this.#openGates()
  }

  async putSnapshot(...args: Parameters<LevelLogStore['putSnapshot']>): Promise<void> {
    this.snapshots.push(args[0].docId)
    await this.#snapshotGate
    return this.#inner.putSnapshot(...args)
  }

  async append(document: DocumentId, value: Uint8Array): Promise<LogPosition> {
    await this.#appendGate
    if (this.failure !== undefined) throw this.failure
    return this.#inner.append(document, value)
  }

  async tail(...args: Parameters<LevelLogStore['tail']>): Promise<() => void> {
    if (this.loadFailure !== undefined) throw this.loadFailure
    this.loaded.push(args[0].docId)
    const stop = await this.#inner.tail(...args)
    this.openTails++
    return () => {
      this.openTails--
      stop()
    }
  }

  #gate(): Promise<void> {
    return new Promise((resolve) => {
      this.#openGates = resolve
    })
  }
}
