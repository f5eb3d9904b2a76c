/** The entry file of a worker's process. What it does is in worker-process.ts. */
import { dirname } from 'node:path';
import { armFailpoints, readBootstrap, watchLifeline } from '@heirloom/wire';
import { markWorkerProcess } from './inside-worker.js';
import { logTo } from './log-line.js';
import { captureOutput } from './output-write.js';
import { decodeWorkerBootstrap } from './worker-bootstrap.js';
import { WorkerProcess } from './worker-process.js';

// Before any code of the user's runs that could write.
captureOutput();
const bootstrap = decodeWorkerBootstrap(readBootstrap());
process.title = `heirloom standby ${bootstrap.worker}`;
const lifeline = watchLifeline({
  socketDirectory: dirname(bootstrap.routerSocketPath),
  heartbeatMs: bootstrap.heartbeatMs,
});
// A group's SIGINT reaches this process too; the embedding process decides what becomes of it.
process.on('SIGINT', () => undefined);
markWorkerProcess();
armFailpoints(bootstrap.faults);

const worker = new WorkerProcess(bootstrap, {
  log: logTo(1),
  lifeline,
  rehearses: true,
  entitle: (title) => {
    process.title = title;
  },
  exit: (code) => process.exit(code),
  kill: () => process.kill(process.pid, 'SIGKILL'),
});
// This process is Heirloom's own, so an error that nobody catches is its to report.
process.on('uncaughtException', (error) => worker.crash(error));
process.on('unhandledRejection', (reason) => worker.crash(reason));
await worker.start();
