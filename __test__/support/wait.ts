/** What all emitters of these tests have in common: Node's, Socket.IO's, yjs's and ours. */
export interface Emitter {
  on(event: string, listener: (...args: any[]) => void): unknown
  off(event: string, listener: (...args: any[]) => void): unknown
}

/** No event of these tests takes this long, in ms. */
const BOUND = 20_000

/** The arguments of the first event from now on that fits. Rejects when none comes within the bound. */
export function waitFor<Args extends any[] = any[]>(
  emitter: Emitter,
  event: string,
  fits: (...args: Args) => boolean = () => true,
  bound = BOUND
): Promise<Args> {
  // Made here, so that its stack shows who waited.
  const late = new Error(`no fitting '${event}' within ${bound} ms`)
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer)
      emitter.off(event, listener)
    }
    const listener = (...args: any[]) => {
      try {
        if (!fits(...(args as Args))) return
      } catch (error) {
        end()
        return reject(error)
      }
      end()
      resolve(args as Args)
    }
    const timer = setTimeout(() => {
      end()
      reject(late)
    }, bound)
    emitter.on(event, listener)
  })
}

/** Resolves when the condition holds: looks now, and again after each of these events. */
export async function until(emitter: Emitter, event: string, condition: () => boolean, bound = BOUND): Promise<void> {
  if (!condition()) await waitFor(emitter, event, condition, bound)
}

/** Fails after the bound, so that a promise of the product can't hang a test. */
export async function bounded<T>(promise: Promise<T>, what: string, bound = BOUND): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Error(`${what} did not settle within ${bound} ms`)
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late), bound)
  })
  try {
    return await Promise.race([promise, deadline])
  } finally {
    clearTimeout(timer)
  }
}

/** The first argument of each of these events, as they come: the array grows. */
export function collect(emitter: Emitter, ...events: string[]): unknown[] {
  const collected: unknown[] = []
  for (const event of events) emitter.on(event, (it) => collected.push(it))
  return collected
}
