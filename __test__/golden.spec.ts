import test from 'ava'
import { decodePacket } from 'engine.io-parser'
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Decoder, PacketType, type Packet } from 'socket.io-parser'
import * as authProtocol from 'y-protocols/auth'
import { applyAwarenessUpdate as yApplyAwarenessUpdate, Awareness as YAwareness } from 'y-protocols/awareness'
import * as syncProtocol from 'y-protocols/sync'
import * as Y from 'yjs'

import {
  applyAwarenessUpdate,
  applyUpdate,
  Awareness,
  encodeAwarenessUpdate,
  encodeStateAsUpdate,
  encodeStateVector,
  mergeUpdatesV1,
  YDoc
} from '../index.js'
import { temporaryFolder } from './support/gateway.ts'
import { readFrame, SYNC } from './support/wire.ts'

/*
 * The vectors of fixtures/protocol.json read back: by the official libraries, so that what they wrote is what the file
 * says, and by the addon, where it lets JavaScript at its codecs. tests/golden.rs reads the same file.
 */

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FIXTURES = `${ROOT}fixtures/protocol.json`
const { vectors } = JSON.parse(readFileSync(FIXTURES, 'utf8')) as { vectors: Record<string, any>[] }

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'))
const hex = (array: Uint8Array) => Buffer.from(array).toString('hex')

/** Vectors of one kind; fails the test when there are fewer than there should be. */
function of(t: { true(value: boolean, message: string): unknown }, kind: string, least: number) {
  const found = vectors.filter((vector) => vector.kind === kind)
  t.true(found.length >= least, `${found.length} vectors of kind ${kind}`)
  return found
}

const withBinary = (value: any): any => {
  if (Array.isArray(value)) return value.map(withBinary)
  if (typeof value?.$binary === 'string') return Buffer.from(value.$binary, 'hex')
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withBinary(inner)]))
}

test('generating_the_vectors_again_gives_the_identical_file', async (t) => {
  const again = `${await temporaryFolder(t)}/protocol.json`
  await promisify(execFile)(process.execPath, [`${ROOT}scripts/golden-vectors.mjs`, again])
  t.true(
    readFileSync(again).equals(readFileSync(FIXTURES)),
    'run scripts/golden-vectors.mjs and look at the difference'
  )
})

test('engine_io_packets_are_read_as_the_file_says', (t) => {
  for (const { label, text, type, data, binary } of of(t, 'engine-packet', 15)) {
    const packet = decodePacket(text, 'nodebuffer')
    t.is(packet.type, type, label)
    if (binary !== undefined) t.deepEqual(packet.data, Buffer.from(binary, 'hex'), label)
    else if (data !== undefined) t.is(packet.data, data, label)
  }
})

test('socket_io_packets_are_read_as_the_file_says', (t) => {
  for (const { label, header, attachments, type, namespace, id, data } of of(t, 'socket-packet', 30)) {
    const packets: Packet[] = []
    const decoder = new Decoder().on('decoded', (packet: Packet) => packets.push(packet))
    decoder.add(header.slice(1))
    for (const attachment of attachments) decoder.add(Buffer.from(attachment, 'hex'))
    const [packet] = packets
    t.is(packets.length, 1, label)
    t.is(PacketType[packet.type].toLowerCase().replace('binary_', ''), type, label)
    t.deepEqual([packet.nsp, packet.id], [namespace, id], label)
    if (data !== undefined) t.deepEqual(packet.data, withBinary(data), label)
  }
})

test('invalid_socket_io_packets_are_refused_as_the_file_says', (t) => {
  for (const { label, frames, error } of of(t, 'invalid-socket-packet', 30)) {
    const decoder = new Decoder()
    t.throws(() => frames.forEach((frame: unknown) => decoder.add(withBinary(frame))), { message: error }, label)
  }
})

test('envelopes_are_read_as_the_file_says', (t) => {
  for (const vector of of(t, 'envelope', 5)) {
    const { metadata, payload } = readFrame(SYNC, Buffer.from(vector.hex, 'hex'))
    t.deepEqual(metadata, vector.metadata, vector.label)
    t.is(hex(payload), vector.payload, vector.label)
  }
})

test('y_messages_are_read_as_the_file_says', (t) => {
  const channels: Record<string, number> = { awareness: 1, 'permission-denied': 2, 'query-awareness': 3 }
  for (const { label, hex: message, doubled, type, body, reason } of of(t, 'y-message', 10)) {
    const decoder = decoding.createDecoder(bytes(message))
    t.is(decoding.readVarUint(decoder), channels[type] ?? 0, label)
    t.is(doubled, message.slice(0, 2) + message, label)
    if (type === 'permission-denied') {
      authProtocol.readAuthMessage(decoder, null as never, (_, it) => t.is(it, reason, label))
    } else if (type !== 'query-awareness') {
      const subtypes: Record<string, number> = { 'sync-step-1': 0, 'sync-step-2': 1, update: 2 }
      if (type in subtypes) t.is(decoding.readVarUint(decoder), subtypes[type], label)
      t.is(hex(decoding.readVarUint8Array(decoder)), body, label)
    }
    t.false(decoding.hasContent(decoder), `${label}: nothing is left`)
  }
})

test('sync_messages_have_the_effect_that_y_protocols_give_them', (t) => {
  const [stepTwo] = vectors.filter(({ kind, label }) => kind === 'y-message' && label === 'step 2')
  const decoder = decoding.createDecoder(bytes(stepTwo.hex))
  decoding.readVarUint(decoder)
  const doc = new Y.Doc()
  syncProtocol.readSyncMessage(decoder, encoding.createEncoder(), doc, null)
  t.is(doc.getText('body').toString(), 'hello')
})

test('awareness_updates_are_read_alike_by_y_protocols_and_the_addon', (t) => {
  for (const { label, hex: update, entries } of of(t, 'awareness', 5)) {
    const theirs = new YAwareness(new Y.Doc())
    theirs.setLocalState(null)
    t.teardown(() => theirs.destroy())
    const ours = new Awareness(new YDoc())
    yApplyAwarenessUpdate(theirs, bytes(update), null)
    applyAwarenessUpdate(ours, bytes(update))
    for (const { clientId, clock, state } of entries) {
      t.is(ours.meta.get(clientId)?.clock, clock, label)
      t.deepEqual(ours.getStates().get(clientId) ?? null, JSON.parse(state), label)
      // They take clock 0 of a client they don't know for old news; the addon is more generous.
      if (clock > 0) t.deepEqual(theirs.getStates().get(clientId) ?? null, JSON.parse(state), label)
    }
    t.is(
      hex(
        encodeAwarenessUpdate(
          ours,
          entries.map((entry: { clientId: number }) => entry.clientId)
        )
      ),
      update,
      label
    )
  }
})

test('updates_are_read_alike_by_yjs_and_the_addon', (t) => {
  for (const { label, hex: update, stateVector, text } of of(t, 'update', 35)) {
    const theirs = new Y.Doc()
    const ours = new YDoc()
    Y.applyUpdate(theirs, bytes(update))
    applyUpdate(ours, bytes(update))
    const vectorOf = (vector: Uint8Array) => [...Y.decodeStateVector(vector)].sort()
    t.deepEqual(vectorOf(encodeStateVector(ours)), vectorOf(bytes(stateVector)), label)
    t.is(hex(Y.encodeStateVector(theirs)), stateVector, label)
    if (text !== null) t.is(ours.getText('body').toString(), text, label)
    // What the addon writes in turn, yjs can read.
    const copy = new Y.Doc()
    Y.applyUpdate(copy, encodeStateAsUpdate(ours))
    t.is(hex(Y.encodeStateVector(copy)), stateVector, label)
    if (text !== null) t.is(copy.getText('body').toString(), text, label)
  }
})

test('updates_that_only_yjs_can_read_are_refused_and_change_nothing', (t) => {
  for (const { label, hex: update } of of(t, 'unsupported-update', 2)) {
    t.notThrows(() => Y.applyUpdate(new Y.Doc(), bytes(update)), label)
    const doc = new YDoc()
    t.throws(() => applyUpdate(doc, bytes(update)), { code: 'ERR_INVALID_UPDATE' }, label)
    t.is(hex(encodeStateVector(doc)), '00', label)
  }
})

test('merged_updates_amount_to_the_same_document', (t) => {
  for (const { label, updates, merged, stateVector, text } of of(t, 'merge', 8)) {
    const ours = mergeUpdatesV1(updates.map(bytes))
    for (const update of [ours, bytes(merged)]) {
      const doc = new Y.Doc()
      Y.applyUpdate(doc, update)
      t.is(hex(Y.encodeStateVector(doc)), stateVector, label)
      if (text !== null) t.is(doc.getText('body').toString(), text, label)
    }
  }
})
