// Does what a short program does, and must then end by itself. Prints one line.
import { Worker } from 'node:worker_threads'

const [mode] = process.argv.slice(2)
if (mode === 'documents' || mode === 'both') {
  const { YDoc } = (await import('../../index.js')).default
  const doc = new YDoc()
  doc.on('update', () => {})
  doc.getText('text').observe(() => {})
  doc.getText('text').insert(0, 'a')
  if (mode === 'documents') doc.beginTransaction()
}
if (mode !== 'documents') {
  // In mode "workers" the main thread never loads the addon: the last worker takes it down.
  for (let round = 0; round < 3; round++) {
    const worker = new Worker(new URL('./busy-worker.mjs', import.meta.url), { workerData: new Uint8Array([0, 0]) })
    await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
    await worker.terminate()
  }
}
console.log('done')
