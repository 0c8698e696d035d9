import { io } from 'socket.io-client'
import * as Y from 'yjs'

import { waitFor } from '../__test__/support/wait.ts'
import * as wire from '../__test__/support/wire.ts'
import { PATIENCE } from './client.ts'
import { contentOf, yjsReplica } from './replica.ts'

/** The contents of documents, as a client sees them that knew nothing before. */
export async function readFresh(
  url: string,
  { roomId, docIds, token }: { roomId: string; docIds: readonly string[]; token: string }
): Promise<Map<string, string>> {
  const contents = new Map<string, string>()
  const socket = io(url, {
    query: { roomId, docId: docIds[0], client: 'reader' },
    auth: { token },
    transports: ['websocket'],
    forceNew: true
  })
  try {
    await waitFor(socket, 'connect', undefined, PATIENCE)
    for (const docId of docIds) {
      const replica = yjsReplica(docId)
      const answered = waitFor<[Buffer]>(socket, wire.SYNC, (data) => isAnswer(docId, frameOf(data)), PATIENCE)
      socket.emit(wire.SYNC, wire.envelope({ roomId, docId }, wire.step1(replica.doc)))
      const [data] = await answered
      Y.applyUpdate(replica.doc, wire.body(frameOf(data).payload))
      contents.set(docId, contentOf(replica))
    }
    return contents
  } finally {
    socket.disconnect()
  }
}

function frameOf(data: Buffer): wire.Frame {
  return wire.readFrame(wire.SYNC, data)
}

function isAnswer(docId: string, frame: wire.Frame): boolean {
  return frame.metadata.docId === docId && wire.isStep2(frame)
}
