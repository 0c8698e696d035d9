import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { createGateway, type Gateway, type GatewayOptions } from '../../src/index.js'

/** A gateway on a free port, closed with the test. An error that it reports fails the test unless it is expected. */
export async function startGateway(
  t: ExecutionContext,
  options: GatewayOptions = {}
): Promise<{ gateway: Gateway; url: string }> {
  const onError = (error: unknown, context: string) => t.fail(`${context}: ${String(error)}`)
  const gateway = createGateway({ onError, ...options })
  t.teardown(() => gateway.close())
  const port = await gateway.listen()
  return { gateway, url: `http://127.0.0.1:${port}` }
}

export async function temporaryFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'y-kafka-gateway-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}
