#!/usr/bin/env node
import { parseArgs } from 'node:util'
import { createGateway, type Gateway } from './gateway.js'
import { KAFKA_ARGUMENTS, KAFKA_USAGE, readKafkaArguments } from './kafka-arguments.js'
import type { KafkaOptions } from './kafka-options.js'

const USAGE = `usage: y-kafka-gateway [--port 3000] [--host 127.0.0.1] [--data FOLDER] [--kafka HOST:PORT,...]

  --port              TCP port; 0 takes a free one
  --host              address to bind; 0.0.0.0 for all interfaces
  --data              folder of the log; without it the log is kept in RAM and lost on exit
${KAFKA_USAGE}  --help              this text
`

interface Arguments {
  readonly port: number
  readonly host: string
  readonly data: string | undefined
  readonly kafka: KafkaOptions | undefined
}

async function main(): Promise<void> {
  const { port, host, data, kafka } = readArguments()
  const gateway = createGateway({ data, kafka })
  const actualPort = await gateway.listen(port, host)
  closeOnSignal(gateway)
  const log = kafka !== undefined ? `on Kafka ${kafka.brokers.join()}` : data === undefined ? 'in RAM' : `in ${data}`
  process.stdout.write(`y-kafka-gateway listening on ${urlOf(host, actualPort)} (log ${log})\n`)
}

function readArguments(): Arguments {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: 'string', default: '3000' },
        host: { type: 'string', default: '127.0.0.1' },
        data: { type: 'string' },
        ...KAFKA_ARGUMENTS,
        help: { type: 'boolean', short: 'h', default: false }
      }
    })
    if (values.help) {
      process.stdout.write(USAGE)
      process.exit(0)
    }
    const port = Number(values.port)
    if (!/^\d+$/.test(values.port) || port > 65_535) throw new TypeError(`--port ${values.port} is not a TCP port`)
    return { port, host: values.host, data: values.data, kafka: readKafkaArguments(values, process.env) }
  } catch (error) {
    process.stderr.write(`y-kafka-gateway: ${(error as Error).message}\n\n${USAGE}`)
    process.exit(2)
  }
}

function closeOnSignal(gateway: Gateway): void {
  let isClosing = false
  const close = () => {
    if (isClosing) process.exit(1) // Asked twice: do not wait for anybody.
    isClosing = true
    gateway.close().then(() => process.exit(0), fail)
  }
  process.on('SIGTERM', close)
  process.on('SIGINT', close)
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
