// A neutral server: speaks just enough Engine.IO and Socket.IO by hand, and writes bytes that were made beforehand.
import { createServer } from 'node:http'
import { createHash } from 'node:crypto'
import { frame } from './frames.mjs'

/** Sends `greeting` and then `body` to every client that asks for its document. */
export async function startServer(body) {
  const server = createServer()
  server.on('upgrade', (request, socket) => {
    const key = request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
    const accept = createHash('sha1').update(key).digest('base64')
    socket.setNoDelay()
    socket.on('error', () => socket.destroy())
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`
    )
    const open = { sid: 'bench', upgrades: [], pingInterval: 300_000, pingTimeout: 300_000, maxPayload: 1e9 }
    socket.write(frame(1, Buffer.from('0' + JSON.stringify(open))))
    let isJoined = false
    let hasSent = false
    socket.on('data', () => {
      // The first thing a client says is CONNECT; the first thing after it is about the document.
      if (!isJoined) {
        isJoined = true
        socket.write(frame(1, Buffer.from('40{"sid":"bench-socket"}')))
      } else if (!hasSent) {
        hasSent = true
        writeAll(socket, body)
      }
    })
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { port: server.address().port, close: () => (server.closeAllConnections(), server.close()) }
}

async function writeAll(socket, body) {
  const size = 1 << 20
  for (let at = 0; at < body.length && !socket.destroyed; at += size) {
    if (!socket.write(body.subarray(at, at + size))) {
      await new Promise((resolve) => socket.once('drain', resolve))
    }
  }
}
