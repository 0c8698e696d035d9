// Bot two, native: numbers the headings as they come in, answers comments, and rewrites parts while it is cut off.
import { headingsOf } from './delta.mjs'
import { commonCues, NativeBot } from './native-bot.mjs'
import { OFFLINE_NOTE, stroke } from './script.mjs'
import { perform, tell, until } from './stage.mjs'

const MAX_REPLACEMENTS = 8

const [, , url] = process.argv
const bot = new NativeBot('editor', url)
const { body, comments, provider, stats } = bot
const answered = new Set()

body.observe((_, { origin }) => {
  if (origin === provider) numberHeadings()
})
comments.observe((_, { origin }) => {
  if (origin === provider) answerComments()
})

perform({ ...commonCues(bot), disconnect, writeOffline, reconnect, finish })

async function disconnect() {
  provider.disconnect()
  await bot.seeDisconnected()
}

async function writeOffline() {
  const places = [...body.toString().matchAll(/\band\b/g)].slice(-MAX_REPLACEMENTS)
  for (const { index } of places.reverse()) {
    body.delete(index, 'and'.length)
    body.insert(index, '&')
    await stroke()
  }
  let at = body.toString().indexOf('\n') + 1 // below the title
  for (const word of OFFLINE_NOTE.match(/\S+\s/g)) {
    body.insert(at, word, { italic: true })
    at += word.length
    await stroke()
  }
  return { typed: OFFLINE_NOTE.length, replaced: places.length }
}

async function reconnect() {
  provider.connect()
  await bot.seeConnected()
  tell('connected', `again, socket ${provider.socket.id}`)
  return bot.seeSynced()
}

/** Resolves when every heading has its number and every comment its answer. */
async function finish({ headings, titles }) {
  const isNumbered = ({ text, title }) => text !== title
  const isDone = () => {
    return headingsOf(body.toDelta()).filter(isNumbered).length === headings && answered.size === titles
  }
  await until((check) => bot.docs.forEach((doc) => doc.on('update', check)), isDone)
}

function numberHeadings() {
  const added = []
  let shift = 0
  for (const [order, { index, text, title, attributes }] of headingsOf(body.toDelta()).entries()) {
    if (text !== title) continue
    const number = `${order + 1}. `
    body.insert(index + shift, number, attributes)
    shift += number.length
    added.push(`"${number}${title}"`)
  }
  if (added.length === 0) return
  stats.set('numbered by', bot.name)
  stats.set('last writer', bot.name)
  tell('typed', `${added.length === 1 ? 'a number' : 'numbers'}: ${added.join(', ')}`)
}

function answerComments() {
  for (const { by, on } of comments.toJson()) {
    if (by === bot.name || answered.has(on)) continue
    answered.add(on)
    comments.push([{ by: bot.name, on, says: 'numbered' }])
  }
}
