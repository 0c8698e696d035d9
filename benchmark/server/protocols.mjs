// The protocols of the peers, by name.
import * as hocuspocus from './hocuspocus.mjs'
import * as socketIo from './socket-io.mjs'
import * as yWebsocket from './y-websocket.mjs'

/**
 * Each has
 * - `greeting()`: what the server says first, if anything;
 * - `syncMessage(docId, type, payload, offset)`: frames of a step 1, step 2 or update;
 * - `Session`: reads messages of one client; `read(opcode, payload)` gives `{type, docId, payload, confirmation}`,
 *   `{reply}` for what belongs to the connection, or nothing.
 */
export const protocols = { 'socket.io': socketIo, 'y-websocket': yWebsocket, hocuspocus }
