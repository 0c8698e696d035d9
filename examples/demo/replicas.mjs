// Compares what the replicas hold.
import { once } from 'node:events'

/** How long, in ms, replicas may differ after everything was flushed. */
const DEADLINE = 5000

/**
 * Resolves, with a digest per participant, as soon as all hold the same. Rejects with what differs when they still do
 * at the deadline.
 */
export async function converge(participants) {
  const deadline = AbortSignal.timeout(DEADLINE)
  const names = participants.map(({ name }) => name)
  for (;;) {
    // Listened to before asking, so that no change falls between the answer and the wait for the next one.
    const waiting = new AbortController()
    const signal = AbortSignal.any([deadline, waiting.signal])
    const change = Promise.race(participants.map((participant) => once(participant, 'changed', { signal })))
    change.catch(() => {})
    try {
      const digests = await Promise.all(participants.map((participant) => participant.cue('digest')))
      const difference = describeDifference(names, digests)
      if (difference === undefined) return digests
      await change.catch(() => {
        throw new Error(`the replicas still differ ${DEADLINE / 1000} s after the last confirmation\n${difference}`)
      })
    } finally {
      waiting.abort()
    }
  }
}

/** Throws, with what differs, unless all digests are the same. */
export function assertSame(names, digests) {
  const difference = describeDifference(names, digests)
  if (difference !== undefined) throw new Error(`the replicas differ\n${difference}`)
}

/** Rows for a table: one per part, with the hash that each replica has. */
export function digestRows(names, digests) {
  const head = ['', ...names, '']
  const rows = Object.entries(digests[0]).map(([part, { size }]) => {
    return [part, ...digests.map((digest) => digest[part].hash), size]
  })
  return [head, ...rows]
}

/** Tells, with an error, what differs: who waits for something in vain may lack an update that others have. */
export async function explain(error, participants) {
  const answers = await Promise.allSettled(participants.map((participant) => participant.cue('digest')))
  if (answers.some(({ status }) => status === 'rejected')) return error
  const names = participants.map(({ name }) => name)
  const digests = answers.map(({ value }) => value)
  return new Error(`${error.message}\n${describeDifference(names, digests) ?? '  all replicas are equal'}`)
}

function describeDifference(names, digests) {
  const lines = []
  for (const part of Object.keys(digests[0])) {
    if (new Set(digests.map((digest) => digest[part].hash)).size === 1) continue
    const held = digests.map((digest, index) => {
      const { hash, size } = digest[part]
      return `${names[index]} ${hash} (${size})`
    })
    lines.push(`  ${part}: ${held.join(', ')}`)
  }
  return lines.length === 0 ? undefined : lines.join('\n')
}
