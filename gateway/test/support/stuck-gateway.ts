// A gateway process whose log never answers, and which would wait for it for ever.
import { closeOnSignal, createGateway } from '../../src/index.js'
import { ControlledStore } from './controlled-store.js'

const store = await ControlledStore.open()
store.holdBack()
const gateway = createGateway({ store, drainTimeout: 2 ** 31 - 1 })
const port = await gateway.listen()
closeOnSignal(gateway, (error) => console.error(error))
console.log(`http://127.0.0.1:${port}`)
