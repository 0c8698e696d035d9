import test from 'ava'
import { LevelLogStore } from '../src/index.js'
import { temporaryFolder } from './support/gateway.js'
import { A, logStoreContract, shown, value } from './support/log-store-contract.js'

logStoreContract('in RAM', () => LevelLogStore.open())
logStoreContract('on disk', async (t) => LevelLogStore.open(await temporaryFolder(t)))

test('in RAM: rooms do not share offsets', async (t) => {
  const store = await LevelLogStore.open()
  await store.append(A, value('1'))
  const { offset } = await store.append({ roomId: 'other', docId: 'a' }, value('2'))
  t.is(offset, 0n)
})

test('in RAM: topics keep to the alphabet of Kafka', async (t) => {
  const store = await LevelLogStore.open()
  t.is(store.locate(A).topic, 'ykc.sync.room')
  for (const roomId of ['ä', 'a b', '\0', 'x'.repeat(128), '🙂'.repeat(64)]) {
    t.regex(store.locate({ roomId, docId: 'd' }).topic, /^[a-zA-Z0-9._-]{1,249}$/)
  }
})

test('on disk: records and snapshots survive, and no offset is given twice', async (t) => {
  const folder = await temporaryFolder(t)
  const before = await LevelLogStore.open(folder)
  await Promise.all(['0', '1', '2'].map((text) => before.append(A, value(text))))
  await before.putSnapshot(A, { offset: 2n, state: value('state') }) // deletes all records
  await before.close()

  const after = await LevelLogStore.open(folder)
  t.is((await after.append(A, value('3'))).offset, 3n)
  t.deepEqual(await shown(after.read(A, 0n)), ['3:3'])
  t.is((await after.getSnapshot(A))?.offset, 2n)
  await after.close()
})

test('on disk: a folder in use is refused', async (t) => {
  const folder = await temporaryFolder(t)
  const store = await LevelLogStore.open(folder)
  await t.throwsAsync(LevelLogStore.open(folder))
  await store.close()
})
