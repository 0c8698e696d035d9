import { type ProtocolProviderOptions, ProtocolManager, type ProviderError } from '../index.js'
import { Alternation } from './alternation.ts'
import { Client, type ClientOptions, PATIENCE } from './client.ts'
import { OffsetWatch } from './offset-watch.ts'
import { nativeReplica, type NativeReplica } from './replica.ts'

/** Why a flush may fail while things go wrong. */
const EXPECTED_REJECTIONS = new Set(['ERR_TIMEOUT', 'ERR_DESTROYED', 'ERR_PERMISSION_DENIED'])

/** The product. */
export class NativeClient extends Client<NativeReplica> {
  #provider: ProtocolManager
  #isWanted = true
  #removals = 0
  #synced = new Map<string, Alternation>()
  #unsynced = new Map<string, Alternation>()

  constructor(options: ClientOptions) {
    super(options)
    this.#provider = this.#makeProvider()
    for (const docId of options.docIds) {
      this.replicas.set(docId, nativeReplica(docId))
      this.addDoc(docId)
    }
  }

  goOnline(): void {
    this.#isWanted = true
    this.#provider.connect()
  }

  goOffline(): void {
    this.#isWanted = false
    this.#provider.disconnect()
  }

  addDoc(docId: string): void {
    this.added.add(docId)
    this.#provider.addDoc(this.replicas.get(docId)!.doc, { docId })
  }

  removeDoc(docId: string): boolean {
    if (!this.added.has(docId)) return false
    this.#removals++
    this.#provider.removeDoc(docId)
    this.noteRemoved(docId)
    return true
  }

  recreate(from: 'docs' | 'state'): void {
    this.#provider.destroy()
    this.#isWanted = true
    if (from === 'state') {
      for (const [docId, replica] of this.replicas) this.replicas.set(docId, nativeReplica(docId, replica.encode()))
    }
    this.#provider = this.#makeProvider()
    for (const docId of this.added) this.addDoc(docId)
  }

  unrest(): string[] {
    const { status, hasUnsyncedChanges } = this.#provider
    const problems: string[] = []
    if (status !== 'connected') problems.push(`is ${status}`)
    if (hasUnsyncedChanges) problems.push('has unsynced changes')
    for (const docId of this.added) {
      if (!this.#synced.get(docId)!.value) problems.push(`was not told that ${docId} is synced`)
      if (this.#unsynced.get(docId)!.value) problems.push(`was not told that ${docId} has no unsynced changes`)
      if (!this.#provider.getDocState(docId)!.synced) problems.push(`${docId} is not synced`)
    }
    return problems
  }

  destroy(): void {
    this.#provider.destroy()
  }

  protected async untilSettled(): Promise<void> {
    const provider = this.#provider
    await provider.flush({ timeout: PATIENCE })
    await Promise.all([...this.added].map((docId) => provider.whenSynced(docId, { timeout: PATIENCE })))
    await provider.flush({ timeout: PATIENCE })
    if (provider.hasUnsyncedChanges) this.violation('has unsynced changes after a flush')
  }

  protected async untilFlushed(): Promise<boolean> {
    const removals = this.#removals
    try {
      await this.#provider.flush({ timeout: 20_000 })
      return true
    } catch (error) {
      const { code } = error as ProviderError
      const wasRemoved = code === 'ERR_UNKNOWN_DOC' && removals < this.#removals
      if (!wasRemoved && !EXPECTED_REJECTIONS.has(code)) this.violation(`flush rejected: ${String(error)}`)
      return false
    }
  }

  #makeProvider(): ProtocolManager {
    const { plan, url, roomId } = this.options
    const provider = new ProtocolManager({
      url,
      roomId,
      params: { client: plan.name },
      token: this.#makeToken(),
      resyncInterval: plan.resyncInterval,
      connectionTimeout: 3000,
      socketOptions: { reconnectionDelay: 20, reconnectionDelayMax: 200 }
    })
    this.#watch(provider)
    provider.on('connection-error', ({ willRetry }) => {
      // Refused for good: the token went out of date twice in a row. An application would log in again.
      if (!willRetry) setTimeout(() => this.#isWanted && this.#provider === provider && provider.connect(), 20)
    })
    return provider
  }

  /** A token is kept until it is refused, as applications do. */
  #makeToken(): NonNullable<ProtocolProviderOptions['token']> {
    let token: string | undefined
    return async () => {
      const kept = token
      token = undefined
      if (kept !== undefined) return kept
      return (token = await this.options.reports.token())
    }
  }

  /** Everything a provider promises about its events. */
  #watch(provider: ProtocolManager): void {
    const violation = (text: string) => this.violation(text)
    const offsets = new OffsetWatch(violation)
    const synced = (this.#synced = new Map<string, Alternation>())
    const unsynced = (this.#unsynced = new Map<string, Alternation>())
    const highest = new Map<string, bigint>()
    let last = 'disconnected'
    provider.on('status', ({ status }) => {
      if (status === last) violation(`status was ${status} twice`)
      if (status === 'connected') {
        if (last !== 'connecting') violation(`status went from ${last} to connected`)
        offsets.connect()
      }
      last = status
    })
    provider.on('doc-loaded', (docId) => {
      highest.delete(docId)
      synced.set(docId, new Alternation(`synced of ${docId}`, false, violation))
      unsynced.set(docId, new Alternation(`unsyncedChanges of ${docId}`, false, violation))
    })
    provider.on('synced', ({ docId, state }) => synced.get(docId)!.tell(state))
    provider.on('unsyncedChanges', ({ docId, state }) => unsynced.get(docId)!.tell(state))
    provider.on('message-sync', (payload, metadata, offset) => {
      offsets.message(metadata, payload, offset)
      const known = BigInt(provider.getDocState(metadata.docId)?.offset ?? -1)
      const before = highest.get(metadata.docId) ?? -1n
      if (known < before && this.added.has(metadata.docId)) violation(`offset of ${metadata.docId} fell to ${known}`)
      highest.set(metadata.docId, known)
    })
    provider.on('error', ({ code, message, docId }) => {
      // Said of documents that leave with edits, and true.
      if (code === 'ERR_CONNECTION' && this.#removals > 0 && message.includes('was removed')) return
      violation(`error event: ${code} ${message} (${docId})`)
    })
  }
}
