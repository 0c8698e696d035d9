import { setTimeout } from 'node:timers/promises'

import type { RemoteClient } from './client-host.ts'
import type { Fault, FaultKind } from './fault.ts'
import type { GatewayHost } from './gateway-host.ts'

/** How long a kill waits for a flush, in ms. */
const FLUSH_PATIENCE = 1000

/** Makes faults happen, and ends those that last. */
export class Injector {
  /** Faults that took effect: a connection that is not there can't be cut. */
  readonly counts: Partial<Record<FaultKind, number>> = {}
  readonly #gateway: GatewayHost
  readonly #clients: ReadonlyMap<string, RemoteClient>
  readonly #onGatewayDown: () => Promise<void>
  readonly #lasting = new Set<Promise<void>>()
  readonly #onFlushed = new Map<string, () => void>()

  /** @param onGatewayDown is called each time the gateway was killed, before it is started again. */
  constructor(gateway: GatewayHost, clients: readonly RemoteClient[], onGatewayDown: () => Promise<void>) {
    this.#gateway = gateway
    this.#clients = new Map(clients.map((client) => [client.name, client]))
    this.#onGatewayDown = onGatewayDown
  }

  async inject(fault: Fault): Promise<void> {
    if (await this.#inject(fault)) this.counts[fault.kind] = (this.counts[fault.kind] ?? 0) + 1
  }

  /** A client says that a flush is done. */
  handleFlushed(client: string): void {
    this.#onFlushed.get(client)?.()
  }

  /** Resolves when every fault that lasts has ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#lasting)
    for (const { proxy } of this.#clients.values()) proxy.heal()
  }

  /** Whether it took effect. */
  async #inject(fault: Fault): Promise<boolean> {
    switch (fault.kind) {
      case 'cut':
        return this.#proxyOf(fault).cut() > 0
      case 'truncate':
      case 'reset':
        return this.#proxyOf(fault).endWithin(fault.direction, fault.kind) > 0
      case 'stall':
        return this.#weather(fault, { isStalled: true }, { isStalled: false })
      case 'half-open':
        return this.#proxyOf(fault).halfOpen(fault.alive) > 0
      case 'delay':
        return this.#weather(fault, { delay: fault.milliseconds }, { delay: 0 })
      case 'split':
        return this.#weather(fault, { size: fault.size }, { size: undefined })
      case 'outage':
      case 'silence':
        return this.#shut(fault, fault.kind === 'outage' ? 'reset' : 'silent')
      case 'kill':
      case 'restart':
        return this.#restart(fault)
      case 'kill-at-flush':
        await this.#flushAfterCut(fault)
        return this.#restart({ ...fault, kind: 'kill' })
      case 'kick':
        return this.#ask((link) => link.call('kick', fault.client, fault.close))
      case 'engine-close':
        return this.#ask((link) => link.call('closeEngine', fault.client))
      case 'expire':
        return (await this.#ask(() => this.#gateway.expire())) || true
      case 'too-large':
        return this.#sendTooLarge(fault)
      case 'shuffle':
        return this.#shuffle(fault)
      case 'offline':
      case 'remove-doc':
      case 'recreate':
        return this.#tell(fault)
    }
  }

  #find({ client }: { client: string }): RemoteClient {
    return this.#clients.get(client)!
  }

  #proxyOf(fault: { client: string }) {
    return this.#find(fault).proxy
  }

  #weather(
    fault: { client: string; duration: number },
    bad: Parameters<RemoteClient['proxy']['setWeather']>[0],
    good: typeof bad
  ): boolean {
    const proxy = this.#proxyOf(fault)
    proxy.setWeather(bad)
    this.#after(fault.duration, () => proxy.setWeather(good))
    return true
  }

  #shut(fault: { client: string; duration: number }, door: 'reset' | 'silent'): boolean {
    const proxy = this.#proxyOf(fault)
    proxy.setDoor(door)
    proxy.cut()
    this.#after(fault.duration, () => proxy.setDoor('open'))
    return true
  }

  /** Edits that were on their way when the connection went must not count as flushed before they are in the log. */
  async #flushAfterCut({ client }: { client: string }): Promise<void> {
    const { link, proxy } = this.#find({ client })
    const flushed = new Promise<void>((resolve) => this.#onFlushed.set(client, resolve))
    proxy.cut()
    await link.call('flush', client)
    await Promise.race([flushed, setTimeout(FLUSH_PATIENCE)])
    this.#onFlushed.delete(client)
  }

  async #restart({ kind, duration }: { kind: 'kill' | 'restart'; duration: number }): Promise<boolean> {
    if (this.#gateway.port === undefined) return false
    await this.#gateway.stop(kind === 'kill' ? 'SIGKILL' : 'SIGTERM')
    this.#after(duration, async () => {
      await this.#onGatewayDown()
      await this.#gateway.start()
    })
    return true
  }

  async #sendTooLarge({ client }: { client: string }): Promise<boolean> {
    const { link, type } = this.#find({ client })
    // The product measures its messages; there the server has to make the mistake.
    if (type === 'yjs') return link.call('sendTooLarge', client)
    return this.#ask((gateway) => gateway.call('closeTooLarge', client))
  }

  async #shuffle({ seed, duration }: { seed: number; duration: number }): Promise<boolean> {
    if (!(await this.#ask((link) => link.call('shuffle', seed).then(() => 1)))) return false
    this.#after(duration, async () => {
      await this.#ask((link) => link.call('shuffle', undefined).then(() => 1))
    })
    return true
  }

  async #tell(fault: Extract<Fault, { kind: 'offline' | 'remove-doc' | 'recreate' }>): Promise<boolean> {
    const { link } = this.#find(fault)
    const { client, kind } = fault
    if (kind === 'recreate') {
      await link.call('recreate', client, fault.from)
      return true
    }
    if (kind === 'offline') {
      await link.call('goOffline', client)
      this.#after(fault.duration, () => link.call('goOnline', client))
      return true
    }
    const isRemoved = await link.call('removeDoc', client, fault.docId)
    if (isRemoved) this.#after(fault.duration, () => link.call('addDoc', client, fault.docId))
    return isRemoved
  }

  /** Asks the gateway, which may be down, or die of another fault before it answers. */
  async #ask(question: (link: NonNullable<GatewayHost['link']>) => Promise<number>): Promise<boolean> {
    const { link } = this.#gateway
    if (link === undefined) return false
    try {
      return (await question(link)) > 0
    } catch (error) {
      if (this.#gateway.link === link) throw error
      return false
    }
  }

  #after(duration: number, end: () => void | Promise<void>): void {
    const lasting = setTimeout(duration)
      .then(end)
      .finally(() => this.#lasting.delete(lasting))
    this.#lasting.add(lasting)
  }
}
