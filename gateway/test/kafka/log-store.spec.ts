import { openKafkaStore } from '../support/kafka.js'
import { logStoreContract } from '../support/log-store-contract.js'

logStoreContract('on Kafka', (t) => openKafkaStore(t))
