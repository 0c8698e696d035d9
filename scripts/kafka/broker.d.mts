/** A real Apache Kafka broker: see broker.mjs. */
export class KafkaBroker {
  /** @param options.properties settings of the broker beside those it has to have. */
  static start(options?: {
    properties?: Record<string, string | number | boolean>
    secure?: { keystore: string; password: string; username: string; userPassword: string }
  }): Promise<KafkaBroker>
  get address(): string
  get secureAddress(): string
  get pid(): number | undefined
  get folder(): string
  restart(): Promise<void>
  halt(): Promise<void>
  kill(): Promise<void>
  stop(): Promise<void>
  detach(): void
}
