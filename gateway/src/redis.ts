import type { Logger } from 'pino'
import type { ServerOptions } from 'socket.io'

/** An adapter for `createGateway`, and the end of its connections. */
export interface RedisConnection {
  readonly adapter: NonNullable<ServerOptions['adapter']>
  /** Resolves when what was published before is sent, or Redis can't be reached. To be called after the gateway's. */
  close(): Promise<void>
}

/** What is used of a client of `redis`. */
interface Client {
  readonly isReady: boolean
  connect(): Promise<unknown>
  close(): Promise<unknown>
  destroy(): void
  duplicate(options?: object): Client
  on(event: 'error' | 'ready', listener: (error: Error) => void): unknown
}

/**
 * Connects to Redis, with the optional packages `redis` and `@socket.io/redis-adapter`. Does not wait for Redis: until
 * it is there, and whenever it is not, the gateway works without sharing awareness. Rejects when a package is missing.
 */
export async function connectRedis(url: string, logger: Logger): Promise<RedisConnection> {
  const [{ createClient }, { createAdapter }] = await loadPackages()
  // Awareness is worth nothing later: what can't be published now is dropped instead of queued.
  const publisher = createClient({ url, disableOfflineQueue: true }) as unknown as Client
  const subscriber = publisher.duplicate({ disableOfflineQueue: false })
  logState(publisher, logger)
  subscriber.on('error', () => {}) // the publisher's tells the same
  for (const client of [publisher, subscriber]) client.connect().catch(() => {}) // ended before it was connected
  return {
    adapter: createAdapter(tolerant(publisher, logger), tolerant(subscriber, logger)),
    async close() {
      await Promise.all([publisher, subscriber].map(closeClient))
    }
  }
}

async function loadPackages() {
  try {
    return await Promise.all([import('redis'), import('@socket.io/redis-adapter')])
  } catch (error) {
    throw new Error('Redis needs two more packages: npm install redis @socket.io/redis-adapter', { cause: error })
  }
}

/** One line when Redis is lost, however many attempts follow, and one when it is back. */
function logState(client: Client, logger: Logger): void {
  let isReported = false
  client.on('error', (err) => {
    if (!isReported) logger.error({ err }, 'redis is not available; awareness stays within this gateway')
    isReported = true
  })
  client.on('ready', () => {
    isReported = false
    logger.info('redis is available')
  })
}

/** The adapter never looks at the promises of its client, and one that is rejected unseen would end the process. */
function tolerant(client: Client, logger: Logger): Client {
  return new Proxy(client, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        const result: unknown = Reflect.apply(value, target, args)
        if (!(result instanceof Promise)) return result
        return result.catch((err: unknown) => {
          if (target.isReady) logger.warn({ err }, `redis refused ${String(name)}`)
        })
      }
    }
  })
}

async function closeClient(client: Client): Promise<void> {
  if (client.isReady) await client.close().catch(() => {})
  else client.destroy()
}
