import { type DocumentId, LevelLogStore, type LogPosition } from '../../src/index.js';

/** A log in RAM that can be told to hold appends back, or to fail them. */
export class ControlledStore {
  /** What appends are rejected with. */
  failure: Error | undefined;
  readonly #inner: LevelLogStore;
  #gate: Promise<void> | undefined;
  #openGate: () => void = () => {};

  private constructor(inner: LevelLogStore) {
    this.#inner = inner;
  }

  static async open(): Promise<ControlledStore & LevelLogStore> {
    const inner = await LevelLogStore.open();
    return new Proxy(new ControlledStore(inner), {
      get(target, name) {
        const owner = name in target ? target : inner;
        const value: unknown = Reflect.get(owner, name);
        return typeof value === 'function' ? value.bind(owner) : value;
      },
    }) as ControlledStore & LevelLogStore;
  }

  holdBack(): void {
    this.#gate = new Promise((resolve) => {
      this.#openGate = resolve;
    });
  }

  letGo(): void {
    this.#gate = undefined;
    this.#openGate();
  }

  async append(document: DocumentId, value: Uint8Array): Promise<LogPosition> {
    await this.#gate;
    if (this.failure !== undefined) throw this.failure;
    return this.#inner.append(document, value);
  }
}
