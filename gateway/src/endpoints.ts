import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Metrics } from './metrics.js'
import type { Readiness } from './readiness.js'

interface Answer {
  readonly status: number
  readonly body: string
  readonly contentType?: string
}

interface EndpointsOptions {
  readonly readiness: Readiness
  readonly metrics: Metrics
  readonly report: (error: unknown, context: string) => void
}

const NOT_FOUND: Answer = { status: 404, body: 'not found\n' }

/** What the gateway answers besides Socket.IO: `/healthz`, `/readyz` and `/metrics`. */
export function createEndpoints({ readiness, metrics, report }: EndpointsOptions): RequestListener {
  const endpoints = new Map<string, () => Answer | Promise<Answer>>([
    ['/healthz', () => ({ status: 200, body: 'ok\n' })],
    ['/readyz', () => answerReadiness(readiness)],
    ['/metrics', () => answerMetrics(metrics)]
  ])
  const answer = async ({ method, url = '' }: IncomingMessage): Promise<Answer> => {
    const endpoint = endpoints.get(url.split('?', 1)[0]!)
    if (endpoint === undefined) return NOT_FOUND
    if (method !== 'GET' && method !== 'HEAD') return { status: 405, body: 'GET or HEAD\n' }
    try {
      return await endpoint()
    } catch (error) {
      report(error, `answering ${url}`)
      return { status: 500, body: 'failed\n' }
    }
  }
  return (request, response) => void answer(request).then((result) => send(response, result))
}

async function answerReadiness(readiness: Readiness): Promise<Answer> {
  const obstacle = await readiness.obstacle()
  return obstacle === undefined ? { status: 200, body: 'ready\n' } : { status: 503, body: `${obstacle}\n` }
}

async function answerMetrics({ registry }: Metrics): Promise<Answer> {
  return { status: 200, body: await registry.metrics(), contentType: registry.contentType }
}

function send(response: ServerResponse, { status, body, contentType = 'text/plain; charset=utf-8' }: Answer): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' })
  response.end(body)
}
