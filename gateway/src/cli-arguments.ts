import { parseArgs } from 'node:util'
import { KAFKA_ARGUMENTS, KAFKA_USAGE, readKafkaArguments } from './kafka-arguments.js'
import type { KafkaOptions } from './kafka-options.js'
import { LOG_LEVELS, type LogLevel } from './logger.js'
import { LIMIT_NAMES, type Limits } from './options.js'

export const USAGE = `usage: y-kafka-gateway [--port 3000] [--host 127.0.0.1] [--data FOLDER] [--kafka HOST:PORT,...]
                       [--redis URL] [--limit NAME=NUMBER]... [--log-level info]

  --port              TCP port; 0 takes a free one
  --host              address to bind; 0.0.0.0 for all interfaces
  --data              folder of the log; without it the log is kept in RAM and lost on exit
${KAFKA_USAGE}  --redis             redis://HOST:PORT, to share awareness with other gateways
  --limit             a limit of the gateway's README, such as maxConnections=10000; may be repeated
  --log-level         ${LOG_LEVELS.join(', ')}
  --help              this text
`

export interface Arguments {
  readonly port: number
  readonly host: string
  readonly data: string | undefined
  readonly kafka: KafkaOptions | undefined
  readonly redis: string | undefined
  readonly limits: Partial<Limits>
  readonly logLevel: LogLevel
}

/** Reads the command line; undefined when it asks for help. Throws a `TypeError` that says what is wrong. */
export function readArguments(args: readonly string[]): Arguments | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      port: { type: 'string', default: '3000' },
      host: { type: 'string', default: '127.0.0.1' },
      data: { type: 'string' },
      ...KAFKA_ARGUMENTS,
      redis: { type: 'string' },
      limit: { type: 'string', multiple: true, default: [] },
      'log-level': { type: 'string', default: 'info' },
      help: { type: 'boolean', short: 'h', default: false }
    }
  })
  if (values.help) return undefined
  const { host, data, redis } = values
  const limits = Object.fromEntries(values.limit.map(readLimit))
  const kafka = readKafkaArguments(values, process.env)
  return { port: readPort(values.port), host, data, kafka, redis, limits, logLevel: readLogLevel(values['log-level']) }
}

function readPort(value: string): number {
  const port = Number(value)
  if (!/^\d+$/.test(value) || port > 65_535) throw new TypeError(`--port ${value} is not a TCP port`)
  return port
}

function readLimit(value: string): [string, number] {
  const [name = '', number = ''] = value.split('=', 2)
  if (!(LIMIT_NAMES as readonly string[]).includes(name))
    throw new TypeError(`--limit ${value}: there is no such limit`)
  if (!/^\d+$/.test(number)) throw new TypeError(`--limit ${value}: its value must be a positive integer`)
  return [name, Number(number)]
}

function readLogLevel(value: string): LogLevel {
  const level = LOG_LEVELS.find((name) => name === value)
  if (level === undefined) throw new TypeError(`--log-level ${value} is not one of ${LOG_LEVELS.join(', ')}`)
  return level
}
