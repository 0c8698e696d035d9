import type { Socket } from 'node:net'
import { setImmediate, setTimeout } from 'node:timers/promises'

/** Read no further while this much waits. */
const HIGH_WATER = 1 << 20

/** How bytes pass through a pipe. */
export interface Weather {
  isStalled: boolean
  /** In ms. */
  delay: number
  /** Bytes per write; undefined for as they came. */
  size: number | undefined
}

/** Half of the next bytes pass, and then the connection ends. */
export type Ending = 'truncate' | 'reset'

interface Chunk {
  readonly bytes: Buffer
  readonly due: number
}

/** One direction of a connection. */
export class Pipe {
  /** Ends the connection with half of the next bytes. */
  ending: Ending | undefined
  /** Swallows everything: the other side is gone, and this one is not told. */
  isDeaf = false
  readonly #from: Socket
  readonly #to: Socket
  readonly #weather: Weather
  readonly #onEnding: (ending: Ending) => void
  readonly #chunks: Chunk[] = []
  #bytes = 0
  #isPumping = false
  #hasEnded = false

  constructor(from: Socket, to: Socket, weather: Weather, onEnding: (ending: Ending) => void) {
    this.#from = from
    this.#to = to
    this.#weather = weather
    this.#onEnding = onEnding
    from.on('data', (bytes: Buffer) => this.#take(bytes))
    from.on('end', () => {
      this.#hasEnded = true
      if (this.isDeaf) from.destroy()
      else this.pump()
    })
  }

  /** Goes on after a stall. */
  pump(): void {
    if (this.#isPumping) return
    this.#isPumping = true
    void this.#drain().finally(() => {
      this.#isPumping = false
    })
  }

  #take(bytes: Buffer): void {
    if (this.isDeaf) return
    this.#chunks.push({ bytes, due: performance.now() + this.#weather.delay })
    this.#bytes += bytes.length
    if (this.#bytes > HIGH_WATER) this.#from.pause()
    this.pump()
  }

  async #drain(): Promise<void> {
    while (!this.#weather.isStalled && this.#chunks.length > 0) {
      const { bytes, due } = this.#chunks.shift()!
      const wait = due - performance.now()
      if (wait > 0) await setTimeout(wait)
      this.#bytes -= bytes.length
      if (this.#bytes <= HIGH_WATER) this.#from.resume()
      if (this.isDeaf || this.#to.destroyed) return
      if (this.ending !== undefined) return this.#end(this.ending, bytes)
      await this.#write(bytes)
    }
    if (this.#hasEnded && this.#chunks.length === 0 && !this.isDeaf) this.#to.end()
  }

  async #write(bytes: Buffer): Promise<void> {
    const size = this.#weather.size ?? bytes.length
    for (let start = 0; start < bytes.length && !this.#to.destroyed; start += size) {
      const hasRoom = this.#to.write(bytes.subarray(start, start + size))
      if (!hasRoom) await Promise.race(['drain', 'close'].map((event) => heard(this.#to, event)))
      else if (size < bytes.length) await setImmediate()
    }
  }

  #end(ending: Ending, bytes: Buffer): void {
    this.ending = undefined
    this.isDeaf = true
    this.#to.write(bytes.subarray(0, bytes.length >> 1), () => this.#onEnding(ending))
  }
}

function heard(socket: Socket, event: string): Promise<void> {
  return new Promise((resolve) => socket.once(event, () => resolve()))
}
