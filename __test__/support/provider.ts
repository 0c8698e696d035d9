import type { ExecutionContext } from 'ava'

import { ProtocolManager, YDoc } from '../../index.js'
import type { ProtocolProviderOptions, ProviderStatus } from '../../index.js'
import { waitFor } from './wait.ts'

/** Reconnects without the delays of production. */
const QUICK = { reconnectionDelay: 10, reconnectionDelayMax: 40, randomizationFactor: 0.5 }

/** A provider for the room `room`, destroyed with the test. */
export function startProvider(t: ExecutionContext, url: string, options: Partial<ProtocolProviderOptions> = {}) {
  const socketOptions = { ...QUICK, ...options.socketOptions }
  const provider = new ProtocolManager({ url, roomId: 'room', ...options, socketOptions })
  t.teardown(() => provider.destroy())
  return provider
}

/** A provider and a document of it. */
export function openDoc(t: ExecutionContext, url: string, docId: string, options?: Partial<ProtocolProviderOptions>) {
  const provider = startProvider(t, url, options)
  const doc = new YDoc()
  provider.addDoc(doc, { docId })
  return { provider, doc, text: doc.getText('body') }
}

/** Resolves when the document is synced, now or later. */
export async function whenSynced(provider: ProtocolManager, docId: string): Promise<void> {
  if (provider.getDocState(docId)?.synced) return
  await waitFor(provider, 'synced', (event) => event.docId === docId && event.state)
}

/** Resolves when the provider has this status, now or later. */
export async function whenStatus(provider: ProtocolManager, status: ProviderStatus): Promise<void> {
  if (provider.status === status) return
  await waitFor(provider, 'status', (event) => event.status === status)
}
