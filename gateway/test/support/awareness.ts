import * as encoding from 'lib0/encoding'
import * as awarenessProtocol from 'y-protocols/awareness'
import * as Y from 'yjs'
import { AWARENESS, body, type Client, isAwareness } from './client.js'

/** An awareness message of these states. */
export function states(entries: [clientId: number, clock: number, state: unknown][]): Uint8Array {
  const update = encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, entries.length)
    for (const [clientId, clock, state] of entries) {
      encoding.writeVarUint(encoder, clientId)
      encoding.writeVarUint(encoder, clock)
      encoding.writeVarString(encoder, JSON.stringify(state))
    }
  })
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, 1)
    encoding.writeVarUint8Array(encoder, update)
  })
}

/** What an official awareness instance makes of all frames that a client got. */
export function seenBy(client: Client): Record<string, unknown> {
  const awareness = new awarenessProtocol.Awareness(new Y.Doc())
  awareness.setLocalState(null)
  for (const { payload } of client.frames.filter(isAwareness)) {
    awarenessProtocol.applyAwarenessUpdate(awareness, body(payload), 'test')
  }
  awareness.destroy()
  return Object.fromEntries(awareness.getStates())
}

/** Resolves when the client sees exactly these states, now or after one of the frames to come. */
export async function whenSeen(client: Client, expected: Record<string, unknown>): Promise<void> {
  const isSeen = () => JSON.stringify(seenBy(client)) === JSON.stringify(expected)
  if (isSeen()) return
  await new Promise<void>((resolve) => {
    const check = () => {
      if (!isSeen()) return
      client.socket.off(AWARENESS, check)
      resolve()
    }
    client.socket.on(AWARENESS, check)
  })
}
