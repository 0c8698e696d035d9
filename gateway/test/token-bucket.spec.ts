import test from 'ava'
import { TokenBucket } from '../src/token-bucket.js'

/** How many tokens can be taken now. */
function drain(bucket: TokenBucket, now: number): number {
  let count = 0
  while (count < 1000 && bucket.take(now)) count++
  return count
}

test('lets a burst through, and then the rate', (t) => {
  const bucket = new TokenBucket(10, 5, 1000)
  t.is(drain(bucket, 1000), 5)
  t.is(drain(bucket, 1099), 0)
  t.is(drain(bucket, 1100), 1)
  t.is(drain(bucket, 1300), 2)
  t.is(drain(bucket, 60_000), 5, 'never more than the burst')
})

test('loses nothing of slow rates when it is asked often', (t) => {
  const bucket = new TokenBucket(1, 1, 0)
  t.is(drain(bucket, 0), 1)
  let taken = 0
  for (let now = 1; now <= 10_000; now++) if (bucket.take(now)) taken++
  t.is(taken, 10)
})

test('tells when there will be tokens', (t) => {
  const bucket = new TokenBucket(10, 5, 0)
  t.is(bucket.timeUntil(3, 0), 0)
  drain(bucket, 0)
  t.is(bucket.timeUntil(1, 0), 100)
  t.is(bucket.timeUntil(3, 100), 200)
  t.is(bucket.timeUntil(1000, 100), 400, 'when it is full')
  t.true(bucket.take(100))
  t.false(bucket.take(199))
  t.true(bucket.take(200))
})

test('an infinite rate lets everything through', (t) => {
  const bucket = new TokenBucket(Infinity, 1, 0)
  t.is(drain(bucket, 0), 1000)
  t.is(bucket.timeUntil(5, 0), 0)
})
