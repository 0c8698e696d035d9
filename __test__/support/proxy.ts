import type { ExecutionContext } from 'ava'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'

/** What a proxy may be asked for and by whom: a status line other than 200 refuses. */
export type Decide = (request: IncomingMessage, socket: Socket) => string | undefined

/** An HTTP proxy for CONNECT. Every name leads to this computer. */
export class Proxy {
  /** What it was asked for so far. */
  readonly requests: IncomingMessage[] = []
  readonly #sockets = new Set<Socket>()

  private constructor(readonly port: number) {}

  static async start(t: ExecutionContext, decide: Decide = () => '200 Connection established'): Promise<Proxy> {
    const http = createServer()
    await once(http.listen(0, '127.0.0.1'), 'listening')
    const proxy = new Proxy((http.address() as AddressInfo).port)
    t.teardown(() => {
      proxy.drop()
      http.close()
    })
    http.on('connect', (request, client: Socket) => proxy.#connect(request, client, decide))
    return proxy
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Resets every connection. */
  drop(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  /** From now on nothing goes through the connections that are there, in either direction, and none of them ends. */
  stall(): void {
    for (const socket of this.#sockets) socket.unpipe().pause()
  }

  #connect(request: IncomingMessage, client: Socket, decide: Decide): void {
    this.requests.push(request)
    this.#add(client)
    const status = decide(request, client)
    // Undecided: the test itself answers, or nobody does.
    if (status === undefined) return
    if (!status.startsWith('200')) return void client.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`)
    const server = connect(Number(request.url!.split(':').at(-1)), '127.0.0.1', () => {
      client.write(`HTTP/1.1 ${status}\r\n\r\n`)
      client.pipe(server).pipe(client)
    })
    this.#add(server)
    server.on('error', () => client.destroy())
  }

  #add(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket))
  }
}
