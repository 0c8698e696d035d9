import type { Socket } from 'socket.io'
import type { Random } from './random.ts'

/** What is held back passes at the latest after this time, in ms. */
const HOLD = 40
const DUPLICATE = 0.1
const HOLD_BACK = 0.2

/** First characters of Socket.IO packets with events and acks, plain and binary. Others keep their place. */
const MESSAGES = new Set(['2', '3', '5', '6'])
const CONTROL = 'y-kafka-collabation-server-control'

/** Messages of one direction of one socket: some pass twice, some later than what came after them. */
class Lane {
  readonly #random: () => Random | undefined
  readonly #held = new Set<() => void>()

  constructor(random: () => Random | undefined) {
    this.#random = random
  }

  pass(deliver: () => void): void {
    const random = this.#random()
    if (random === undefined) return deliver()
    if (random.chance(HOLD_BACK)) return this.#hold(deliver)
    deliver()
    if (random.chance(DUPLICATE)) deliver()
    if (random.chance(0.3)) this.release()
  }

  /** Nothing that came before is behind what comes now. */
  release(): void {
    for (const deliver of this.#held) deliver()
    this.#held.clear()
  }

  #hold(deliver: () => void): void {
    this.#held.add(deliver)
    setTimeout(() => {
      if (this.#held.delete(deliver)) deliver()
    }, HOLD).unref()
  }
}

/** Duplicates and reorders whole Socket.IO messages of a socket while `random` gives numbers. */
export function shuffle(socket: Socket, random: () => Random | undefined): void {
  const up = new Lane(random)
  socket.use((event, next) => {
    // Control messages subscribe and unsubscribe, as connections do: no transport moves them.
    if (event[0] !== CONTROL) return up.pass(next)
    up.release()
    next()
  })
  const down = new Lane(random)
  const { client } = socket as unknown as {
    client: { writeToEngine(packets: readonly unknown[], options: unknown): void }
  }
  const write = client.writeToEngine.bind(client)
  client.writeToEngine = (packets, options) => {
    const [head] = packets
    if (typeof head === 'string' && MESSAGES.has(head[0]!)) return down.pass(() => write(packets, options))
    down.release()
    write(packets, options)
  }
}
