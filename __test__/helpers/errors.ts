import type { ExecutionContext } from 'ava'

/** Fails unless the call throws an Error with this `code`. */
export function throwsCode(t: ExecutionContext, call: () => unknown, code: string, label?: string): void {
  const error = t.throws(call, { any: true }, label) as unknown as (Error & { code?: string }) | undefined
  t.true(error instanceof Error, label)
  t.is(error?.code, code, label)
}
