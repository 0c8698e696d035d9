// Where and with what a run was made.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, release, totalmem, type } from 'node:os'

const PEERS = ['yjs', 'ywasm', 'y-websocket', '@hocuspocus/provider', '@hocuspocus/server', 'socket.io-client', 'ws']

export function describeMachine() {
  const cores = cpus()
  return {
    cpu: cores[0].model.trim(),
    cores: cores.length,
    memory: `${Math.round(totalmem() / 2 ** 30)} GB`,
    system: `${type()} ${release()}`,
    node: process.version
  }
}

/** Versions of all that is measured: ours, the peers', and yrs, which the floor shares with us. */
export function versions() {
  const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
  const found = { native: JSON.parse(read('package.json')).version }
  found.yrs = /name = "yrs"\nversion = "([^"]+)"/.exec(read('Cargo.lock'))?.[1]
  for (const peer of PEERS) found[peer] = versionOf(peer)
  return found
}

/** Not every package exports its package.json. */
function versionOf(name) {
  const folder = createRequire(import.meta.url)
    .resolve.paths(name)
    .map((path) => `${path}/${name}/package.json`)
  for (const file of folder) {
    try {
      return JSON.parse(readFileSync(file, 'utf8')).version
    } catch (error) {
      if (error.code !== 'ENOENT') throw error
    }
  }
  return undefined
}
