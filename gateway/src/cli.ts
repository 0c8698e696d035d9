#!/usr/bin/env node
import { type Arguments, readArguments, USAGE } from './cli-arguments.js'
import { closeOnSignal } from './close-on-signal.js'
import { createGateway } from './gateway.js'
import { createLogger } from './logger.js'
import { connectRedis } from './redis.js'

async function main(): Promise<void> {
  const { port, host, data, kafka, redis: redisUrl, limits, logLevel } = argumentsOrExit()
  const logger = createLogger({ level: logLevel, isPretty: process.stderr.isTTY })
  const redis = redisUrl === undefined ? undefined : await connectRedis(redisUrl, logger)
  const gateway = createGateway({ ...limits, data, kafka, logger, adapter: redis?.adapter })
  const actualPort = await gateway.listen(port, host)
  const close = async () => {
    await gateway.close()
    await redis?.close()
  }
  closeOnSignal({ close }, fail)
  const log = kafka !== undefined ? `on Kafka ${kafka.brokers.join()}` : data === undefined ? 'in RAM' : `in ${data}`
  // The log goes to stderr. This line is all there is on stdout, for scripts that wait for it.
  process.stdout.write(`y-kafka-gateway listening on ${urlOf(host, actualPort)} (log ${log})\n`)
}

function argumentsOrExit(): Arguments {
  try {
    const parsed = readArguments(process.argv.slice(2))
    if (parsed !== undefined) return parsed
    process.stdout.write(USAGE)
    process.exit(0)
  } catch (error) {
    process.stderr.write(`y-kafka-gateway: ${(error as Error).message}\n\n${USAGE}`)
    process.exit(2)
  }
}

/** A URL that works on this machine, for scripts that wait for this line. */
function urlOf(host: string, port: number): string {
  const isAny = host === '0.0.0.0' || host === '::'
  const name = isAny ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host
  return `http://${name}:${port}`
}

function fail(error: unknown): never {
  // LevelDB's reason, such as a folder in use by another process, is in the cause.
  const { message, cause } = error as Error
  process.stderr.write(`y-kafka-gateway: ${message}${cause instanceof Error ? `: ${cause.message}` : ''}\n`)
  process.exit(1)
}

main().catch(fail)
