import type { ExecutionContext } from 'ava'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createGateway, type Gateway, type GatewayOptions } from '../../gateway/src/index.js'

/** The gateway on a free port, closed with the test. An error that it reports fails the test. */
export async function startGateway(
  t: ExecutionContext,
  options: GatewayOptions & { port?: number } = {}
): Promise<{ gateway: Gateway; url: string; port: number }> {
  const { port: wanted = 0, ...rest } = options
  const gateway = createGateway({ onError: (error, context) => t.fail(`${context}: ${String(error)}`), ...rest })
  t.teardown(() => gateway.close())
  const port = await gateway.listen(wanted)
  return { gateway, port, url: `ws://127.0.0.1:${port}` }
}

export async function temporaryFolder(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'provider-native-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}
