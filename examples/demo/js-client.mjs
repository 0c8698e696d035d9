// The reviewer, a plain JavaScript client: comments on what it reads, and marks the text while it does.
import * as Y from 'yjs'
import { headingsOf } from './delta.mjs'
import { digest } from './digest.mjs'
import { PlainClient } from './plain-client.mjs'
import { describeOffsets, DOCUMENTS, OFFLINE_NOTE, README, REVIEW, REVIEW_MARK, ROOM, stroke } from './script.mjs'
import { announce, areSame, perform, tell, until } from './stage.mjs'

const NAME = 'reviewer'

const [, , url] = process.argv
const client = new PlainClient(url, ROOM, DOCUMENTS, { name: NAME })
const body = client.docs.get(README).getText('body')
const stats = client.docs.get(README).getMap('stats')
const comments = client.docs.get(REVIEW).getArray('comments')
const awareness = client.awareness.get(README)
const commented = new Set()
const authors = new Map()
/** The update that brought the editor's note: its offset, and its author. */
let noteSource
let isWatched = false

body.observe((_, { origin }) => {
  if (origin !== client) return
  if (noteSource === undefined && body.toString().includes(OFFLINE_NOTE)) noteSource = client.latest
  commentOnHeadings()
})
awareness.on('change', () => {
  for (const [clientId, { name }] of awareness.getStates()) authors.set(clientId, name)
})

perform({
  async join({ expected }) {
    await when(() => client.socket.connected)
    tell('connected', `plain socket.io-client and yjs, socket ${client.socket.id}`)
    await when(() => client.isSynced)
    tell('synced', describeOffsets(client.offsets))
    await seePresent({ names: expected })
    return position()
  },

  async markTitle() {
    await when(() => body.length > 0)
    for (const [index, letter] of [...REVIEW_MARK].entries()) {
      body.insert(index, letter, {})
      stats.set('last writer', NAME)
      await stroke()
    }
    tell('typed', `"${REVIEW_MARK.trim()}" in front of the title`)
  },

  /** Resolves when every heading is commented on, and the mark is gone. */
  async finish({ titles }) {
    await when(() => commented.size === titles)
    body.delete(body.toString().indexOf(REVIEW_MARK), REVIEW_MARK.length)
    for (const word of `Reviewed by a plain Yjs client: ${titles} sections.\n`.match(/\S+\s/g)) {
      body.insert(body.length, word, { italic: true })
      await stroke()
    }
    tell('typed', `took "${REVIEW_MARK.trim()}" off the title, signed below the last line`)
  },

  seePresent,

  async seeNote() {
    await when(() => noteSource !== undefined)
    return noteSource
  },

  async seeDisconnected() {
    await when(() => !client.socket.connected)
    return position()
  },

  /** Resolves when connected again, and both sides have what the other has. */
  async seeSynced() {
    await when(() => client.isFlushed)
    return position()
  },

  async sign({ event }) {
    stats.set(`${NAME} was here after`, event)
    await when(() => client.isFlushed)
    return position()
  },

  async flush() {
    await when(() => client.isFlushed)
    return position()
  },

  /** Who wrote how many characters of the text, as the CRDT itself has it. */
  authorship() {
    const counts = {}
    for (let item = body._start; item !== null; item = item.right) {
      if (item.deleted || !(item.content instanceof Y.ContentString)) continue
      const author = authors.get(item.id.client)
      counts[author] = (counts[author] ?? 0) + item.length
    }
    return counts
  },

  digest() {
    if (!isWatched) for (const doc of client.docs.values()) doc.on('update', () => announce('changed'))
    isWatched = true
    return digest({
      text: body.toString(),
      delta: body.toDelta(),
      map: stats.toJSON(),
      array: comments.toJSON(),
      vectors: [...client.docs.values()].map((doc) => Y.encodeStateVector(doc))
    })
  },

  leave() {
    client.close()
  }
})

function commentOnHeadings() {
  const added = []
  for (const { title } of headingsOf(body.toDelta())) {
    if (commented.has(title)) continue
    commented.add(title)
    comments.push([{ by: NAME, on: title, says: `found after ${body.length} characters` }])
    added.push(`"${title}"`)
  }
  if (added.length > 0) tell('commented', `on ${added.join(', ')}`)
}

async function seePresent({ names }) {
  await when(() =>
    areSame(
      [...awareness.getStates().values()].map(({ name }) => name),
      names
    )
  )
}

function when(condition) {
  return until((check) => client.onProgress(check), condition)
}

function position() {
  const { socket, edits, offsets, acked } = client
  return { socketId: socket.id, edits, offsets, acked }
}
