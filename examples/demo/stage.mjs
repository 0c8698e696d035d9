// A participant's end of its conversation with main.mjs: cues come in, results and announcements go out.

/** One line for the account that main.mjs prints. */
export function tell(what, text) {
  process.send({ tell: { what, text } })
}

/** Lets main.mjs know that something happened. */
export function announce(event) {
  process.send({ event })
}

/** Answers cues by calling the function of that name. After `leave` the process has to end by itself. */
export function perform(cues) {
  const abandoned = () => process.exit(1)
  process.on('disconnect', abandoned)
  // Ctrl-C reaches the whole process group; main.mjs decides what it means.
  process.on('SIGINT', () => {})
  process.on('message', async ({ id, cue, data }) => {
    const answer = await run(cues[cue], data)
    process.send({ id, ...answer }, () => {
      if (cue !== 'leave') return
      process.off('disconnect', abandoned)
      process.disconnect()
    })
  })
}

/** Resolves when the condition holds, looking again whenever `subscribe`'s callback is called. */
export function until(subscribe, condition) {
  return new Promise((resolve, reject) => {
    let isDone = false
    const check = () => {
      try {
        if (isDone || !condition()) return
        isDone = true
        resolve()
      } catch (error) {
        reject(error)
      }
    }
    subscribe(check)
    check()
  })
}

/** Whether two lists hold the same names, in any order. */
export function areSame(a, b) {
  return [...a].sort().join() === [...b].sort().join()
}

async function run(cue, data) {
  try {
    return { result: await cue(data) }
  } catch (error) {
    return { reason: error.stack }
  }
}
