import test from 'ava'

import { checklist } from '../scripts/api-checklist.mjs'

test('every_name_of_ywasm_is_here_and_mentioned_by_a_test', (t) => {
  const { rows, missing, arrived, untested } = checklist()
  t.true(rows.length > 260)
  t.deepEqual(missing, [], 'missing')
  t.deepEqual(arrived, [], 'no longer missing: remove it from EXPECTED_MISSING')
  t.deepEqual(untested, [], 'mentioned by no test')
})
