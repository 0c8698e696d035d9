import * as decoding from 'lib0/decoding'
import * as Y from 'yjs'
import { Refusal } from './refusal.js'

/** A Yjs V1 update that was decoded and found applicable. */
export interface Update {
  readonly bytes: Uint8Array
  readonly content: ReturnType<typeof Y.decodeUpdate>
}

/**
 * Decodes an update without applying it. Throws a `bad-message` refusal unless it is V1, fills `bytes` exactly and can
 * be applied to any document. A record in the log reaches every client forever, so nothing doubtful gets in.
 */
export function parseUpdate(bytes: Uint8Array): Update {
  const content = decode(bytes)
  for (const struct of content.structs) {
    const { client, clock } = struct.id
    if (struct.length < 1) throw malformed('a struct is empty')
    if (!(struct instanceof Y.Item)) continue
    for (const reference of [struct.origin, struct.rightOrigin, struct.parent]) {
      // Yjs waits for missing structs of other clients, but takes an author's own earlier ones for granted.
      if (reference instanceof Y.ID && reference.client === client && reference.clock >= clock) {
        throw malformed('an item refers to itself or to its future')
      }
    }
  }
  for (const ranges of content.ds.clients.values()) {
    if (ranges.some((range) => range.len < 1)) throw malformed('a deletion is empty')
  }
  return { bytes, content }
}

/** Whether the document has all structs and all deletions of the update already. */
export function isContained(update: Update, doc: Y.Doc): boolean {
  const { store } = doc
  for (const struct of update.content.structs) {
    if (struct instanceof Y.Skip) continue
    if (struct.id.clock + struct.length > Y.getState(store, struct.id.client)) return false
  }
  for (const [client, ranges] of update.content.ds.clients) {
    const structs = store.clients.get(client) ?? []
    const state = Y.getState(store, client)
    for (const { clock, len } of ranges) {
      if (clock + len > state) return false
      for (let i = Y.findIndexSS(structs, clock); i < structs.length && structs[i]!.id.clock < clock + len; i++) {
        if (!structs[i]!.deleted) return false
      }
    }
  }
  return true
}

/** Whether the state vector names structs that the document lacks. Throws a `bad-message` refusal. */
export function isAhead(stateVector: Uint8Array, doc: Y.Doc): boolean {
  for (const [client, clock] of parseStateVector(stateVector)) {
    if (clock > Y.getState(doc.store, client)) return true
  }
  return false
}

function parseStateVector(bytes: Uint8Array): Map<number, number> {
  try {
    return Y.decodeStateVector(bytes)
  } catch {
    throw malformed('the state vector is truncated')
  }
}

function decode(bytes: Uint8Array): Update['content'] {
  let decoder: decoding.Decoder | undefined
  // Yjs ignores what follows the delete set, which is how a V2 update passes as an empty V1 one: acked, and lost.
  class RememberedDecoder extends Y.UpdateDecoderV1 {
    constructor(inner: decoding.Decoder) {
      super(inner)
      decoder = inner
    }
  }
  let content: Update['content']
  try {
    content = Y.decodeUpdateV2(bytes, RememberedDecoder)
  } catch {
    throw malformed('it does not decode')
  }
  if (decoder === undefined || decoding.hasContent(decoder)) throw malformed('bytes follow its end')
  return content
}

function malformed(reason: string): Refusal {
  return new Refusal('bad-message', `update: ${reason}`)
}
