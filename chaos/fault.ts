/** One thing that goes wrong. Times are in ms; `client` is a client's name. */
export type Fault =
  /** The connection ends in order, from the outside. */
  | { readonly kind: 'cut'; readonly client: string }
  /** Half of the next bytes in one direction, then a FIN. */
  | { readonly kind: 'truncate'; readonly client: string; readonly direction: Direction }
  /** Half of the next bytes in one direction, then a RST. */
  | { readonly kind: 'reset'; readonly client: string; readonly direction: Direction }
  /** Nothing passes, and nobody is told. */
  | { readonly kind: 'stall'; readonly client: string; readonly duration: number }
  /** One side is dead, and the other one is never told. */
  | { readonly kind: 'half-open'; readonly client: string; readonly alive: 'client' | 'server' }
  | { readonly kind: 'delay'; readonly client: string; readonly milliseconds: number; readonly duration: number }
  /** Bytes arrive in pieces of an odd size. */
  | { readonly kind: 'split'; readonly client: string; readonly size: number; readonly duration: number }
  /** Whoever connects is reset. */
  | { readonly kind: 'outage'; readonly client: string; readonly duration: number }
  /** Whoever connects never hears a word. */
  | { readonly kind: 'silence'; readonly client: string; readonly duration: number }
  /** SIGKILL for the gateway, and a new one on its folder. */
  | { readonly kind: 'kill'; readonly duration: number }
  /** The client's connection is cut; and the gateway gets SIGKILL the moment that the client says a flush is done. */
  | { readonly kind: 'kill-at-flush'; readonly client: string; readonly duration: number }
  /** SIGTERM for the gateway, which says good-bye. */
  | { readonly kind: 'restart'; readonly duration: number }
  /** The server disconnects the socket: from the namespace, or with its connection. */
  | { readonly kind: 'kick'; readonly client: string; readonly close: boolean }
  | { readonly kind: 'engine-close'; readonly client: string }
  /** Every token is refused from now on, and everybody is thrown out. */
  | { readonly kind: 'expire' }
  /** The connection ends with code 1009, as after a message that is too large. */
  | { readonly kind: 'too-large'; readonly client: string }
  /** The gateway takes and sends messages twice and in another order. */
  | { readonly kind: 'shuffle'; readonly seed: number; readonly duration: number }
  | { readonly kind: 'offline'; readonly client: string; readonly duration: number }
  | { readonly kind: 'remove-doc'; readonly client: string; readonly docId: string; readonly duration: number }
  /** The provider is destroyed and made anew, with its documents or with documents made from their state. */
  | { readonly kind: 'recreate'; readonly client: string; readonly from: 'docs' | 'state' }

export type FaultKind = Fault['kind']
export type Direction = 'up' | 'down'

/** One line for the printed plan. */
export function describe({ kind, ...details }: Fault): string {
  const words = Object.entries(details).map(([name, value]) => (name === 'client' ? String(value) : `${name}=${value}`))
  return [kind, ...words].join(' ')
}
