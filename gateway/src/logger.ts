import { pino, type Logger, stdSerializers } from 'pino'
import { PinoPretty } from 'pino-pretty'

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

export type LogLevel = (typeof LOG_LEVELS)[number]

interface LoggerOptions {
  readonly level: LogLevel
  /** Coloured lines for a person, instead of a JSON object per line. */
  readonly isPretty?: boolean
}

/** A logger on stderr. Written at once, so that nothing is lost when the process ends. */
export function createLogger({ level, isPretty = false }: LoggerOptions): Logger {
  const destination = isPretty
    ? PinoPretty({
        destination: process.stderr.fd,
        sync: true,
        singleLine: true,
        ignore: 'pid,hostname,name',
        translateTime: 'SYS:HH:MM:ss.l'
      })
    : pino.destination(process.stderr.fd)
  return pino({ name: 'y-kafka-gateway', level }, destination)
}

/**
 * The logger as the gateway uses it: of an error, it writes the type, the code, the message and the stack. The other
 * properties that libraries put on their errors may hold what a client sent, and that is nobody's business.
 */
export function withSafeErrors(logger: Logger): Logger {
  return logger.child({}, { serializers: { err: describeError } })
}

function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error)
  // The message and the stack have those of the causes in them.
  const { type, message, stack, code } = stdSerializers.err(error) as unknown as Record<string, unknown>
  return { type, code, message, stack }
}
