import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

import type { Direction } from './fault.ts'
import { type Ending, Pipe, type Weather } from './pipe.ts'

/** What becomes of whoever connects. */
type Door = 'open' | 'reset' | 'silent'

interface Connection {
  readonly client: Socket
  readonly server: Socket
  readonly pipes: Readonly<Record<Direction, Pipe>>
}

/** The way of one provider to the gateway, and what goes wrong on it. */
export class Proxy {
  /** Connections that reached the gateway. */
  connections = 0
  readonly #server: Server
  readonly #target: () => number | undefined
  readonly #weather: Weather = { isStalled: false, delay: 0, size: undefined }
  readonly #open = new Set<Connection>()
  readonly #sockets = new Set<Socket>()
  readonly #clients = new Set<Socket>()
  #door: Door = 'open'

  private constructor(target: () => number | undefined) {
    this.#target = target
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client))
  }

  /** @param target the gateway's port, undefined while it is down. */
  static async start(target: () => number | undefined): Promise<Proxy> {
    const proxy = new Proxy(target)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get url(): string {
    return `ws://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Connections that their client has not ended. */
  get liveClients(): number {
    return [...this.#clients].filter((client) => !client.destroyed && !client.readableEnded).length
  }

  /** Those of them whose other side is dead. */
  get deafClients(): number {
    return [...this.#open].filter(({ client, pipes }) => pipes.up.isDeaf && !client.destroyed).length
  }

  /** Ends every connection in order. Returns how many there were. */
  cut(): number {
    const open = [...this.#open]
    for (const { client, server } of open) {
      client.destroySoon()
      server.destroySoon()
    }
    return open.length
  }

  /** The next bytes in one direction are the last. Returns how many connections that concerns. */
  endWithin(direction: Direction, ending: Ending): number {
    for (const { pipes } of this.#open) pipes[direction].ending = ending
    return this.#open.size
  }

  /** One side of every connection dies. The side that lives is never told. */
  halfOpen(alive: 'client' | 'server'): number {
    const open = [...this.#open]
    for (const { client, server, pipes } of open) {
      pipes.up.isDeaf = true
      pipes.down.isDeaf = true
      ;(alive === 'client' ? server : client).resetAndDestroy()
    }
    return open.length
  }

  setWeather(weather: Partial<Weather>): void {
    Object.assign(this.#weather, weather)
    for (const { pipes } of this.#open) for (const pipe of Object.values(pipes)) pipe.pump()
  }

  setDoor(door: Door): void {
    this.#door = door
  }

  /** Good weather, an open door, and nothing armed. What is half open stays so: those who live must notice. */
  heal(): void {
    this.setDoor('open')
    for (const { pipes } of this.#open) for (const pipe of Object.values(pipes)) pipe.ending = undefined
    this.setWeather({ isStalled: false, delay: 0, size: undefined })
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #accept(client: Socket): void {
    this.#keep(client)
    this.#clients.add(client)
    client.once('close', () => this.#clients.delete(client))
    const port = this.#target()
    // As a port that nobody listens on. To dial such a port from here might find nobody but the dialling socket.
    if (this.#door === 'reset' || port === undefined) return void client.resetAndDestroy()
    if (this.#door === 'silent') return void client.resume().on('end', () => client.destroy())
    const server = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    this.#keep(server)
    this.#join(client, server)
  }

  #join(client: Socket, server: Socket): void {
    const end = (ending: Ending) => {
      for (const socket of [client, server]) {
        if (ending === 'reset') socket.resetAndDestroy()
        else socket.destroySoon()
      }
    }
    const up = new Pipe(client, server, this.#weather, end)
    const down = new Pipe(server, client, this.#weather, end)
    const connection: Connection = { client, server, pipes: { up, down } }
    server.once('connect', () => this.connections++)
    this.#open.add(connection)
    const closed = (other: Socket) => () => {
      // Whoever is kept in the dark stays connected until it notices.
      if (!up.isDeaf) other.destroySoon()
      if (other.destroyed || !up.isDeaf) this.#open.delete(connection)
    }
    client.once('close', closed(server))
    server.once('close', closed(client))
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {}) // A reset is what this is for; 'close' follows.
    socket.once('close', () => this.#sockets.delete(socket))
  }
}
