// What happens in the demo, from the first to the last line. Every step waits for what it needs, never for time.
import { once } from 'node:events'
import { assertLogged, authorRows, readLog } from './log-audit.mjs'
import { heading, passed, say, table } from './narrator.mjs'
import { assertSame, converge, digestRows, explain } from './replicas.mjs'
import { describeOffsets } from './script.mjs'

/**
 * Resolves when all has been shown; rejects with the reason when anything is not as it should be.
 * `start(name, file, ...args)` starts a participant, `log` is where the gateway keeps its log, `file` what is imported.
 */
export async function play({ gateway, start, log, file }) {
  heading('Three processes, two documents, one connection each')
  await gateway.start({ port: 0, log })
  say('gateway', 'listening', `on ${gateway.url}, process ${gateway.pid}, ${log.name}`)
  const importer = start('importer', './bot-importer.mjs', file)
  const editor = start('editor', './bot-editor.mjs')
  const reviewer = start('reviewer', './js-client.mjs')
  const cast = [importer, editor, reviewer]
  /** Names by socket id: the log knows authors by their sockets. */
  const authors = new Map()
  const joined = await all(cast, 'join', { expected: names(cast) })
  joined.forEach(({ socketId }, i) => authors.set(socketId, cast[i].name))
  say('all', 'presence', `${names(cast).join(', ')} see each other`)

  heading('They write at the same time, one of them without a network for a while')
  await write(cast, authors).catch(async (error) => {
    throw await explain(error, cast)
  })

  heading('Every edit is confirmed, and all replicas are equal')
  const flushed = await all(cast, 'flush')
  flushed.forEach(({ edits }, i) => say(cast[i].name, 'flushed', `${edits} edits, all confirmed by the log`))
  const digests = await converge(cast)
  table(digestRows(names(cast), digests))
  const counts = Object.entries(await reviewer.cue('authorship')).map(([name, count]) => `${name} ${count}`)
  say('reviewer', 'counted', `characters in the text: ${counts.join(', ')}`)

  heading(`What the ${log.name} says, while the gateway is stopped`)
  const positions = await stop(gateway, cast, 'SIGTERM')
  const logged = await readLog(log)
  positions.forEach((position, i) => assertLogged(cast[i].name, position, logged))
  table(authorRows(logged, authors))
  assertSame([...names(cast), 'the log'], [...digests, logged.digest])
  const last = logged.records.length - 1
  say('gateway', 'log', `${logged.topic}: offsets 0 to ${last} without a gap; replayed, it is the same text`)

  heading('The gateway comes back, and is killed right after it confirmed an edit')
  await restart(gateway, cast, log)
  const signed = await all(cast, 'sign', { event: 'SIGTERM' })
  const highest = Math.max(...signed.flatMap(({ offsets }) => Object.values(offsets)))
  say('gateway', 'confirmed', `one more edit of each, up to offset ${highest}`)
  await stop(gateway, cast, 'SIGKILL')
  await restart(gateway, cast, log)
  const reader = start('reader', './bot-reader.mjs')
  const everybody = [...cast, reader]
  await reader.cue('join', { expected: names(everybody) })
  const final = await converge(everybody)
  table(digestRows(names(everybody), final))
  await Promise.all(everybody.map((participant) => participant.leave()))
  await gateway.stop('SIGTERM')
  const { records, digest } = await readLog(log)
  assertSame([...names(everybody), 'the log'], [...final, digest])

  heading('Shown')
  passed('two native bots and a plain Yjs client wrote the same text, formats, map and array')
  passed(`every edit has an offset: ${records.length} records without a gap, which make the same documents`)
  passed('what was typed offline arrived, and nothing was lost by SIGTERM or SIGKILL')
  passed('a newcomer reads everything back from the log')
}

/** Resolves when nobody has anything to write any more. */
async function write(cast, authors) {
  const [importer, editor, reviewer] = cast
  const marking = reviewer.cue('markTitle')
  const cutting = cutOff(cast, authors)
  const importing = importer.cue('importFile').then(async ({ lines, words, ...counts }) => {
    say('importer', 'finished', `${lines} lines, ${words} words`)
    await all([editor, reviewer], 'finish', counts)
  })
  await Promise.all([marking, cutting, importing])
}

/** The editor loses its connection after a third of the import, and is back after two. */
async function cutOff([importer, editor, reviewer], authors) {
  const others = [importer, reviewer]
  const twoThirds = once(importer, 'two thirds')
  await once(importer, 'third')
  await editor.cue('disconnect')
  say('editor', 'offline', 'cut off from the gateway')
  await all(others, 'seePresent', { names: names(others) })
  say('reviewer', 'presence', `sees ${names(others).join(', ')}: the editor is gone`)
  const { typed, replaced } = await editor.cue('writeOffline')
  say('editor', 'typed', `offline: "&" for "and" in ${replaced} places, a note of ${typed} characters below the title`)
  await twoThirds
  const { socketId, offsets } = await editor.cue('reconnect')
  authors.set(socketId, editor.name)
  say('editor', 'synced', describeOffsets(offsets))
  const [, { offset, senderId }] = await all(others, 'seeNote')
  say('reviewer', 'received', `the note, with offset ${offset} from ${authors.get(senderId)}`)
  await all(others, 'seePresent', { names: names([importer, editor, reviewer]) })
  say('reviewer', 'presence', `sees ${names([importer, editor, reviewer]).join(', ')}: the editor is back`)
}

/** Resolves when the gateway has ended and everybody has noticed, with where everybody is in the log. */
async function stop(gateway, cast, signal) {
  const { pid } = gateway
  const [ending, positions] = await Promise.all([gateway.stop(signal), all(cast, 'seeDisconnected')])
  say('gateway', 'stopped', `process ${pid} by ${signal}${ending === 0 ? ', in order' : ''}`)
  if (signal === 'SIGTERM' && ending !== 0) throw new Error(`the gateway ended with ${ending} after ${signal}`)
  return positions
}

/** Resolves when the gateway is back at its port, and everybody is connected and synced again. */
async function restart(gateway, cast, log) {
  await gateway.start({ port: gateway.port, log })
  say('gateway', 'listening', `on ${gateway.url}, process ${gateway.pid}, same log`)
  await all(cast, 'seeSynced')
  say('gateway', 'synced', `${names(cast).join(', ')} came back by themselves`)
}

function all(cast, cue, data) {
  return Promise.all(cast.map((participant) => participant.cue(cue, data)))
}

function names(cast) {
  return cast.map(({ name }) => name)
}
