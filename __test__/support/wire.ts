import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as authProtocol from 'y-protocols/auth'
import * as syncProtocol from 'y-protocols/sync'
import * as Y from 'yjs'

/*
 * The wire, written with official parts only (lib0, y-protocols, yjs): nothing of the product is used here, so that
 * the two can't share a mistake.
 */

export const SYNC = 'y-kafka-collabation-server-sync'
export const AWARENESS = 'y-kafka-collabation-server-awareness'
export const CONTROL = 'y-kafka-collabation-server-control'
export const EVENTS = [SYNC, AWARENESS, CONTROL]

export interface Metadata {
  roomId: string
  docId: string
  parentId?: string
  senderId?: string
  version?: string
  timestamp?: number
}

/** An event of the protocol, taken apart. */
export interface Frame {
  readonly event: string
  readonly metadata: Metadata
  readonly payload: Uint8Array
  readonly offset: string | undefined
}

export function envelope(metadata: Partial<Metadata>, payload: Uint8Array): Buffer {
  const json = Buffer.from(JSON.stringify(metadata))
  const length = Buffer.alloc(2)
  length.writeUInt16LE(json.length)
  return Buffer.concat([length, json, payload])
}

export function readFrame(event: string, data: Buffer, offset?: unknown): Frame {
  const end = 2 + data.readUInt16LE(0)
  const metadata = JSON.parse(data.subarray(2, end).toString())
  const payload = Uint8Array.from(data.subarray(end))
  return { event, metadata, payload, offset: typeof offset === 'string' ? offset : undefined }
}

/** A y message: its type, and what `write` adds. */
export function message(type: number, write: (encoder: encoding.Encoder) => void = () => {}): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, type)
    write(encoder)
  })
}

export const step1 = (doc: Y.Doc) => message(0, (encoder) => syncProtocol.writeSyncStep1(encoder, doc))
export const step2 = (doc: Y.Doc, vector?: Uint8Array) =>
  message(0, (encoder) => syncProtocol.writeSyncStep2(encoder, doc, vector))
/** A step 2 that carries these bytes, whatever they are. */
export const step2Of = (bytes: Uint8Array) =>
  message(0, (encoder) => {
    encoding.writeVarUint(encoder, syncProtocol.messageYjsSyncStep2)
    encoding.writeVarUint8Array(encoder, bytes)
  })
export const update = (bytes: Uint8Array) => message(0, (encoder) => syncProtocol.writeUpdate(encoder, bytes))
export const awareness = (bytes: Uint8Array) => message(1, (encoder) => encoding.writeVarUint8Array(encoder, bytes))
export const denied = (reason: string) => message(2, (encoder) => authProtocol.writePermissionDenied(encoder, reason))
export const queryAwareness = () => message(3)

/** The form of the TypeScript provider, which writes the type twice. */
export const doubled = (bytes: Uint8Array) => Uint8Array.from([bytes[0], ...bytes])

export const isStep1 = ({ payload }: Frame) => payload[0] === 0 && payload[1] === 0
export const isStep2 = ({ payload }: Frame) => payload[0] === 0 && payload[1] === 1
export const isUpdate = ({ payload }: Frame) => payload[0] === 0 && payload[1] === 2
export const isAwareness = ({ payload }: Frame) => payload[0] === 1
export const isQuery = ({ payload }: Frame) => payload[0] === 3

/** The bytes that a sync or awareness message carries. */
export function body(payload: Uint8Array): Uint8Array {
  const decoder = decoding.createDecoder(payload)
  if (decoding.readVarUint(decoder) === 0) decoding.readVarUint(decoder)
  return decoding.readVarUint8Array(decoder)
}

/** The message with one type byte, of whichever form it has. */
export function single(payload: Uint8Array): Uint8Array {
  try {
    readWhole(payload)
    return payload
  } catch {
    return payload.subarray(1)
  }
}

/** Reads one message as y-protocols do; throws unless that takes all of its bytes. */
export function readWhole(payload: Uint8Array): void {
  const decoder = decoding.createDecoder(payload)
  const type = decoding.readVarUint(decoder)
  if (type === 0) syncProtocol.readSyncMessage(decoder, encoding.createEncoder(), new Y.Doc(), null)
  else if (type === 1) decoding.readVarUint8Array(decoder)
  else if (type !== 3) throw new Error(`a client never sends type ${type}`)
  if (decoding.hasContent(decoder)) throw new Error('bytes are left')
}

/** What yjs makes of the bytes. */
export function docOf(...updates: Uint8Array[]): Y.Doc {
  const doc = new Y.Doc()
  for (const bytes of updates) Y.applyUpdate(doc, bytes)
  return doc
}

/** One update that inserts `text` at the start of the text `body`. */
export function textUpdate(text: string): Uint8Array {
  const doc = new Y.Doc()
  doc.getText('body').insert(0, text)
  return Y.encodeStateAsUpdate(doc)
}
