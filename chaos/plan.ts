import { describe, type Fault, type FaultKind } from './fault.ts'
import { Random } from './random.ts'

export interface ClientPlan {
  readonly name: string
  readonly type: 'native' | 'yjs'
  readonly seed: number
  /** In ms; 0 for never. Most have none, or a lost message would be mended before anybody saw it. */
  readonly resyncInterval: number
}

export interface Step {
  /** Pause before it, in ms. */
  readonly pause: number
  readonly fault: Fault
}

export interface Round {
  readonly steps: readonly Step[]
  /** Edits of each client. */
  readonly edits: number
  /** Clients that also make an edit larger than the server's message limit. */
  readonly large: readonly string[]
}

/** How often each fault is drawn. Those that take long to be noticed are rare: more happens in the same time. */
const WEIGHTS: Readonly<Record<FaultKind, number>> = {
  cut: 6,
  truncate: 6,
  reset: 8,
  stall: 5,
  'half-open': 3,
  delay: 4,
  split: 5,
  outage: 3,
  silence: 2,
  kill: 4,
  'kill-at-flush': 5,
  restart: 2,
  kick: 4,
  'engine-close': 3,
  expire: 3,
  'too-large': 3,
  shuffle: 6,
  offline: 4,
  'remove-doc': 5,
  recreate: 5
}

/** Everything that a seed decides. What happens in between, the machine decides. */
export class Plan {
  readonly seed: number
  readonly documents: readonly string[]
  /** Clients by process. */
  readonly processes: readonly (readonly ClientPlan[])[]
  readonly #random: Random
  readonly #clients: readonly ClientPlan[]

  constructor(seed: number) {
    this.seed = seed
    this.#random = new Random(seed)
    const count = this.#random.int(2, 4)
    this.documents = Array.from({ length: count }, (_, index) => `doc-${index}`)
    this.processes = [this.#makeClients('native'), this.#makeClients('native'), this.#makeClients('yjs')]
    this.#clients = this.processes.flat()
    for (const [index, client] of this.#clients.entries()) Object.assign(client, { name: `${client.type}${index}` })
  }

  /** The next round. */
  nextRound(): Round {
    const random = this.#random.fork()
    const steps = Array.from({ length: random.int(10, 14) }, () => ({
      pause: random.int(20, 400),
      fault: this.#drawFault(random)
    }))
    const large = this.#clients.filter(({ type }) => type === 'native' && random.chance(0.2)).map(({ name }) => name)
    return { steps, edits: random.int(100, 300), large }
  }

  /** Lines that tell what a run of this seed is made of. */
  describe(): string[] {
    const clients = this.#clients.map(({ name, resyncInterval }) => `${name} (resync ${resyncInterval || 'never'})`)
    return [`plan of seed ${this.seed}: ${this.documents.length} documents; ${clients.join(', ')}`]
  }

  #makeClients(type: ClientPlan['type']): ClientPlan[] {
    return Array.from({ length: this.#random.int(1, 2) }, () => ({
      name: '',
      type,
      seed: this.#random.int(0, 0xffff_ffff),
      resyncInterval: this.#random.chance(0.7) ? 0 : this.#random.int(500, 5000)
    }))
  }

  #drawFault(random: Random): Fault {
    const kind = random.weighted(WEIGHTS)
    const client = random.pick(this.#clients).name
    const direction = random.pick(['up', 'down'] as const)
    const duration = random.int(100, 1200)
    switch (kind) {
      case 'truncate':
      case 'reset':
        return { kind, client, direction }
      case 'stall':
      case 'outage':
      case 'silence':
      case 'offline':
        return { kind, client, duration }
      case 'half-open':
        return { kind, client, alive: random.pick(['client', 'server']) }
      case 'delay':
        return { kind, client, milliseconds: random.int(10, 200), duration }
      case 'split':
        return { kind, client, size: random.pick([1, 3, 7, 13]), duration }
      case 'kill-at-flush':
        return { kind, client, duration: random.int(0, 300) }
      case 'kill':
      case 'restart':
        return { kind, duration: random.int(0, 300) }
      case 'kick':
        return { kind, client, close: random.chance(0.5) }
      case 'shuffle':
        return { kind, seed: random.int(0, 0xffff_ffff), duration }
      case 'remove-doc':
        return { kind, client, docId: random.pick(this.documents), duration: random.int(0, 600) }
      case 'recreate':
        return { kind, client, from: random.pick(['docs', 'state']) }
      case 'expire':
        return { kind }
      default:
        return { kind, client }
    }
  }
}

export function describeRound({ steps, edits, large }: Round, index: number): string[] {
  const also = large.length > 0 ? `, a large one of ${large.join(', ')}` : ''
  const head = `  round ${index + 1}: ${edits} edits per client${also}`
  return [head, ...steps.map(({ pause, fault }) => `    +${String(pause).padStart(3)} ms  ${describe(fault)}`)]
}
