/**
 * The entry file of a worker's thread. What it does is in worker-process.ts.
 *
 * In a thread `process.exit` ends the thread alone. A signal would end the whole program, so none is sent: what would be a SIGKILL
 * is an exit with THREAD_KILLED_CODE, and what must hold then is held by the fence of its epoch, as everywhere.
 */
import { workerData } from 'node:worker_threads';
import { armFailpoints, HandlerDeadline, unframeBootstrap } from '@heirloom/wire';
import { markWorkerProcess } from './inside-worker.js';
import { logTo } from './log-line.js';
import { captureOutput } from './output-write.js';
import { THREAD_KILLED_CODE, threadOutput } from './thread-data.js';
import type { ThreadData } from './thread-data.js';
import { decodeWorkerBootstrap } from './worker-bootstrap.js';
import { WorkerProcess } from './worker-process.js';

const data = workerData as ThreadData; // Given by the driver of the same version.
const output = threadOutput(data);
// Before any code of the user's runs that could write.
captureOutput(output);
const bootstrap = decodeWorkerBootstrap(unframeBootstrap(data.bootstrap));
const kill = (): never => process.exit(THREAD_KILLED_CODE);
markWorkerProcess();
armFailpoints(bootstrap.faults, kill);

const worker = new WorkerProcess(bootstrap, {
  log: logTo(1, output),
  lifeline: new HandlerDeadline(data.deadline),
  rehearses: true,
  entitle: () => undefined,
  exit: (code) => process.exit(code),
  kill,
});
// This thread is Heirloom's own, so an error that nobody catches is its to report.
process.on('uncaughtException', (error) => worker.crash(error));
process.on('unhandledRejection', (reason) => worker.crash(reason));
await worker.start();
