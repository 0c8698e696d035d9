// As much of WebSocket as a server needs that speaks to well-behaved clients and must not cost much.
import { createHash } from 'node:crypto'

export const TEXT = 1
export const BINARY = 2
const CONTINUATION = 0
const CLOSE = 8
const PING = 9

/** Answers the upgrade request. */
export function accept(request, socket) {
  const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
  const digest = createHash('sha1').update(key).digest('base64')
  socket.setNoDelay()
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${digest}\r\n\r\n`
  )
}

/** A frame, final and unmasked. */
export function frame(opcode, payload) {
  const bytes = Buffer.allocUnsafe(headSize(payload.length) + payload.length)
  bytes.set(payload, writeHead(bytes, 0, opcode, payload.length))
  return bytes
}

/** Size of what stands in front of a payload. */
export function headSize(length) {
  return length < 126 ? 2 : length < 65_536 ? 4 : 10
}

/** Writes what stands in front of a payload; returns where that goes. */
export function writeHead(bytes, at, opcode, length) {
  bytes[at] = 0x80 | opcode
  if (length < 126) {
    bytes[at + 1] = length
  } else if (length < 65_536) {
    bytes[at + 1] = 126
    bytes.writeUInt16BE(length, at + 2)
  } else {
    bytes[at + 1] = 127
    bytes.writeBigUInt64BE(BigInt(length), at + 2)
  }
  return at + headSize(length)
}

/** Takes frames off what comes in, and puts messages together. */
export class FrameReader {
  /** Frames so far. */
  frames = 0
  #rest = Buffer.alloc(0)
  #parts = []
  #opcode = 0

  /** Calls `onMessage(opcode, payload)` for every message, and `onClose` when the client says so. */
  read(chunk, onMessage, onClose) {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    let at = 0
    for (let end; (end = endOfFrame(bytes, at)) <= bytes.length; at = end) {
      const opcode = bytes[at] & 15
      const payload = unmask(bytes, at, end)
      this.frames++
      if (opcode === CLOSE) return onClose()
      if (opcode >= PING) continue
      if (opcode !== CONTINUATION) this.#opcode = opcode
      const isFinal = (bytes[at] & 0x80) !== 0
      if (isFinal && this.#parts.length === 0) {
        onMessage(this.#opcode, payload)
      } else {
        this.#parts.push(payload)
        if (isFinal) onMessage(this.#opcode, Buffer.concat(this.#parts.splice(0)))
      }
    }
    this.#rest = bytes.subarray(at)
  }
}

/** Where a frame ends, infinity when not even its head is there. */
function endOfFrame(bytes, at) {
  const head = headOf(bytes, at)
  if (bytes.length < at + head) return Infinity
  const length = bytes[at + 1] & 127
  if (length < 126) return at + head + length
  return at + head + (length === 126 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2)))
}

/** Size of what is in front of the payload, the mask included: clients always mask. */
function headOf(bytes, at) {
  if (bytes.length < at + 2) return Infinity
  const length = bytes[at + 1] & 127
  return 4 + (length < 126 ? 2 : length === 126 ? 4 : 10)
}

function unmask(bytes, at, end) {
  const start = at + headOf(bytes, at)
  const payload = Buffer.from(bytes.subarray(start, end))
  for (let i = 0; i < payload.length; i++) payload[i] ^= bytes[start - 4 + (i & 3)]
  return payload
}
