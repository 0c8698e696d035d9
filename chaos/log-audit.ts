import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as Y from 'yjs'

import { readFrame, body } from '../__test__/support/wire.ts'
import { LevelLogStore } from '../gateway/src/level-log-store.js'
import { contentOf, yjsReplica } from './replica.ts'

/** What a log on disk holds, read without the gateway. */
export interface LoggedDocument {
  readonly docId: string
  readonly content: string
  /** The offset of its last record or snapshot. */
  readonly offset: bigint
}

export interface LogContent {
  readonly documents: readonly LoggedDocument[]
  readonly violations: readonly string[]
}

/** Reads a copy of the log of a gateway that is down: to open the log itself would change what the next one finds. */
export async function readLog(folder: string, roomId: string, docIds: readonly string[]): Promise<LogContent> {
  const copy = await mkdtemp(join(tmpdir(), 'chaos-audit-'))
  try {
    await cp(folder, copy, { recursive: true })
    const store = await LevelLogStore.open(copy)
    try {
      return await readStore(store, roomId, docIds)
    } finally {
      await store.close()
    }
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
}

async function readStore(store: LevelLogStore, roomId: string, docIds: readonly string[]): Promise<LogContent> {
  const violations: string[] = []
  const documents: LoggedDocument[] = []
  const owners = new Map<bigint, string>()
  for (const docId of docIds) {
    const snapshot = await store.getSnapshot({ roomId, docId })
    const replica = yjsReplica(docId, snapshot?.state)
    let offset = snapshot?.offset ?? -1n
    for await (const record of store.read({ roomId, docId }, offset + 1n)) {
      const other = owners.get(record.offset)
      if (other !== undefined) violations.push(`${other} and ${docId} share offset ${record.offset}`)
      owners.set(record.offset, docId)
      if (record.offset <= offset) violations.push(`${docId}: offset ${record.offset} after ${offset}`)
      offset = record.offset
      Y.applyUpdate(replica.doc, body(readFrame('log', Buffer.from(record.value)).payload))
    }
    const next = await store.highWatermark({ roomId, docId })
    if (offset >= next) violations.push(`${docId}: offset ${offset}, but the next one will be ${next}`)
    documents.push({ docId, offset, content: contentOf(replica) })
  }
  return { documents, violations }
}
