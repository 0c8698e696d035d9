import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'

import test from 'ava'

import { encodeStateAsUpdate, YDoc } from '../index.js'

const WORKER = new URL('./helpers/busy-worker.mjs', import.meta.url)

/** Starts a worker, waits until it is in the middle of its work and terminates it. */
async function terminateMidWork(workerData: Uint8Array): Promise<void> {
  const worker = new Worker(WORKER, { workerData })
  await new Promise<void>((resolve, reject) => {
    worker.once('message', () => resolve())
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('the worker ended too early')))
  })
  await worker.terminate()
}

test('workers_that_are_terminated_mid_work_leave_the_main_thread_alone', async (t) => {
  const doc = new YDoc()
  const text = doc.getText('text')
  let events = 0
  text.observe(() => events++)
  for (let round = 0; round < 10; round++) {
    const workers = [1, 2].map(() => terminateMidWork(encodeStateAsUpdate(doc)))
    let isDone = false
    const all = Promise.all(workers).finally(() => (isDone = true))
    while (!isDone) {
      text.push('x')
      await new Promise((resolve) => setImmediate(resolve))
      if (text.length() > 2_000) text.delete(0, 1_000)
    }
    await all
  }
  const before = events
  text.push('still here')
  t.is(events, before + 1)
  t.true(text.toString().endsWith('still here'))
})

test('documents_do_not_cross_threads_but_updates_do', async (t) => {
  const doc = new YDoc()
  doc.getText('text').insert(0, 'from main')
  const code = `
    const { parentPort, workerData } = require('node:worker_threads')
    const { YDoc, applyUpdate, encodeStateAsUpdate } = require(${JSON.stringify(fileURLToPath(new URL('../index.js', import.meta.url)))})
    const doc = new YDoc()
    applyUpdate(doc, workerData)
    doc.getText('text').push(', from worker')
    parentPort.postMessage(encodeStateAsUpdate(doc))
  `
  const worker = new Worker(code, { eval: true, workerData: encodeStateAsUpdate(doc), execArgv: [] })
  const update = await new Promise<Uint8Array>((resolve, reject) =>
    worker.once('message', resolve).once('error', reject)
  )
  doc.beginTransaction().applyV1(update)
  t.is(doc.getText('text').toString(), 'from main, from worker')
  t.throws(() => structuredClone(doc).getText('text'))
})

for (const mode of ['documents', 'workers', 'both']) {
  test(`a_process_ends_by_itself_after_using_${mode}`, async (t) => {
    const main = fileURLToPath(new URL('./helpers/exit-main.mjs', import.meta.url))
    // Killed only if it hangs; a crash gives another exit code.
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', main, mode], { timeout: 60_000 })
    t.is(stdout.trim(), 'done')
  })
}
