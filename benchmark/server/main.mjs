// The process of the servers. Does what the runner asks for, and tells how busy it was.
import { startNeutralServer } from './neutral.mjs'

const servers = new Map()
let used = process.cpuUsage()

const requests = {
  async open({ kind, ...options }) {
    const start = kind === 'real' ? (await import('./real.mjs')).startRealServer : startNeutralServer
    const server = await start(kind === 'real' ? options.protocol : options)
    servers.set(server.port, server)
    return server.port
  },

  close({ port }) {
    servers.get(port).close()
    servers.delete(port)
  },

  /** CPU time in ms since the last call. */
  busy() {
    const { user, system } = process.cpuUsage(used)
    used = process.cpuUsage()
    return (user + system) / 1000
  }
}

process.on('message', async ({ id, request, ...options }) => {
  try {
    process.send({ id, result: await requests[request](options) })
  } catch (error) {
    process.send({ id, error: error.stack })
  }
})
process.on('disconnect', () => process.exit(0))
