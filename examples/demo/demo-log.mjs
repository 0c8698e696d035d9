// Where the gateway of the demo keeps its log: on disk, or on a real Kafka broker.
import { randomUUID } from 'node:crypto'
import { KafkaLogStore, LevelLogStore } from '@y-kafka-collabation-server/gateway'
import { KafkaBroker } from '../../scripts/kafka/broker.mjs'

/** Needs no service. */
export class DiskLog {
  name = 'log on disk'
  #folder

  constructor(folder) {
    this.#folder = folder
  }

  /** What the gateway's command line needs. */
  get args() {
    return ['--data', this.#folder]
  }

  /** Opens it to read it, while no gateway runs. */
  open() {
    return LevelLogStore.open(this.#folder)
  }

  async stop() {}
}

/** A topic of its own, on the brokers of KAFKA_BROKERS or on one that is started for the demo. */
export class KafkaLog {
  name = 'log on Kafka'
  #broker
  #brokers
  #topic = `demo.${randomUUID()}`

  static async start() {
    const log = new KafkaLog()
    if (!process.env.KAFKA_BROKERS) log.#broker = await KafkaBroker.start()
    log.#brokers = process.env.KAFKA_BROKERS ?? log.#broker.address
    return log
  }

  get args() {
    return ['--kafka', this.#brokers, '--kafka-topic', this.#topic, '--kafka-partitions', '1']
  }

  open() {
    return KafkaLogStore.open({ brokers: this.#brokers.split(','), topic: this.#topic, partitions: 1 })
  }

  async stop() {
    await this.#broker?.stop()
  }
}
