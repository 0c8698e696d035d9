// The process of the servers. Does what the runner asks for, and tells how busy it was.
import { performance } from 'node:perf_hooks'
import { startNeutralServer } from './neutral.mjs'

const servers = new Map()
let utilization = performance.eventLoopUtilization()

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

  /** Time in ms since the last call that the event loop was busy. */
  busy() {
    const now = performance.eventLoopUtilization()
    const { active } = performance.eventLoopUtilization(now, utilization)
    utilization = now
    return active
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
