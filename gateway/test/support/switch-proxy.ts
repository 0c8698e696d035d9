import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { ExecutionContext } from 'ava'

/** A load balancer: TCP connections go to one gateway, until they are told to go to another one. */
export class SwitchProxy {
  readonly #server = createServer((client) => this.#accept(client))
  readonly #sockets = new Set<Socket>()
  readonly #upstreams = new Set<Socket>()
  #target: number

  private constructor(target: number) {
    this.#target = target
  }

  static async start(t: ExecutionContext, { port }: { port: number }): Promise<SwitchProxy> {
    const proxy = new SwitchProxy(port)
    await once(proxy.#server.listen(0, '127.0.0.1'), 'listening')
    t.teardown(() => {
      proxy.cut()
      proxy.#server.close()
    })
    return proxy
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** New connections go there. */
  switchTo({ port }: { port: number }): void {
    this.#target = port
  }

  /** Lets nothing through from the gateway to the clients any more, on the connections there are. */
  muteGateway(): void {
    for (const upstream of this.#upstreams) upstream.unpipe().resume()
  }

  /** Ends all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #accept(client: Socket): void {
    const upstream = connect(this.#target, '127.0.0.1')
    client.pipe(upstream).pipe(client)
    this.#upstreams.add(upstream)
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client]
    ] as const) {
      this.#sockets.add(socket)
      socket.on('error', () => {}) // the close that follows is all that counts
      socket.on('close', () => {
        this.#sockets.delete(socket)
        this.#upstreams.delete(socket)
        other.destroy()
      })
    }
  }
}
