import type { ExecutionContext } from 'ava'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

const PRODUCE = 0

/** Stands between a Kafka broker and its clients. Can lose the broker's answers to what was produced. */
export class BrokerProxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #brokerPort = 0
  /** How many answers to Produce requests are to be lost, each with its connection. */
  answersToLose = 0
  /** How many were lost. */
  lostAnswers = 0

  private constructor() {
    this.#server = createServer((client) => this.#relay(client))
  }

  /** It listens; the broker comes later, because the broker has to tell its clients the proxy's address. */
  static async start(t: ExecutionContext): Promise<BrokerProxy> {
    const proxy = new BrokerProxy()
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening')
    t.teardown(() => proxy.#close())
    return proxy
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Where the broker is, as `host:port`. */
  set broker(address: string) {
    this.#brokerPort = Number(address.split(':')[1])
  }

  #relay(client: Socket): void {
    const broker = connect(this.#brokerPort, '127.0.0.1')
    const toLose = new Set<number>()
    const end = () => {
      client.destroy()
      broker.destroy()
    }
    for (const socket of [client, broker]) {
      this.#sockets.add(socket)
      socket.on('error', end).on('close', () => {
        this.#sockets.delete(socket)
        end()
      })
    }
    onFrames(client, (frame) => {
      if (frame.readInt16BE(4) === PRODUCE && this.answersToLose > 0) {
        this.answersToLose--
        toLose.add(frame.readInt32BE(8))
      }
      broker.write(frame)
    })
    onFrames(broker, (frame) => {
      if (!toLose.has(frame.readInt32BE(4))) return void client.write(frame)
      // The broker has written the records, and nobody hears of it.
      this.lostAnswers++
      end()
    })
  }

  async #close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await once(this.#server.close(), 'close')
  }
}

/** Kafka's frames: a length of four bytes, then so many. */
function onFrames(socket: Socket, handle: (frame: Buffer) => void): void {
  let waiting = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    waiting = Buffer.concat([waiting, chunk])
    while (waiting.length >= 4 && waiting.length >= 4 + waiting.readInt32BE(0)) {
      const end = 4 + waiting.readInt32BE(0)
      const frame = waiting.subarray(0, end)
      waiting = waiting.subarray(end)
      handle(frame)
    }
  })
}
