/** What the embedding process needs to start workers and to talk to them; light, as it loads nothing of a worker. */
export { onAbort } from './abort-waiters.js';
export { ASKS_OPEN_MAX } from './ask-session.js';
export { askError, isAskedWrite, targetDetails, targetName } from './ask-target.js';
export type { AskTarget } from './ask-target.js';
export { byName } from './by-name.js';
export { checkCastName, encodeCastArguments } from './outbox.js';
export { MAILBOX_BYTES_MAX, MAILBOX_CALLS_MAX } from './mailbox.js';
export { SUSPECT_WINDOW } from './output-gate.js';
export { outputTaken, THREAD_KILLED_CODE } from './thread-data.js';
export { REMOTE_READS, REMOTE_WRITES, TABLE_CALL_PREFIX } from './table-call-names.js';
export { CALL_TO_DISCARD, TIMER_CALL_PREFIX } from './timer-call-names.js';
export { TIMERS_MAX } from './timer.js';
export { encodeWorkerBootstrap } from './worker-bootstrap.js';
export type { ThreadData, ThreadOutput } from './thread-data.js';
export type { WorkerBootstrap } from './worker-bootstrap.js';

/** The entry file of a worker's process, to be given to Node. */
export const workerProcess: URL = new URL('./process.js', import.meta.url);
/** The entry file of a thread that a worker runs in. */
export const workerThread: URL = new URL('./thread.js', import.meta.url);
