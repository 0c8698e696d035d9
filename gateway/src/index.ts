export type { Authorize, AuthorizeRequest, Denial, Operation, Verdict } from './authorize.js';
export type { DocumentId } from './document-id.js';
export { createGateway, type Gateway } from './gateway.js';
export { LevelLogStore } from './level-log-store.js';
export type { LogPosition, LogRecord, LogStore, LogStream, Snapshot, SnapshotStore } from './log-store.js';
export type { GatewayOptions, Limits } from './options.js';
export type { Ack } from './subscription.js';
