/** Runs a worker in the process that calls this, beside whatever else it does; the embedding process's inline driver is its host. */
import { HandlerDeadline, unframeBootstrap } from '@heirloom/wire';
import { logThrough } from './log-line.js';
import { decodeWorkerBootstrap } from './worker-bootstrap.js';
import type { WorkerHost } from './worker-host.js';
import { WorkerProcess } from './worker-process.js';

export interface InlineHost extends Pick<WorkerHost, 'exit' | 'kill'> {
  /** The memory of a HandlerDeadline. */
  readonly deadline: Float64Array;
  /** Takes a line of the log with its end. */
  readonly writeLog: (line: string) => void;
}

export interface InlineWorker {
  /** Ends it at once: nothing that it still does has an effect, and tables refuse it. Not to be called by what it calls itself. */
  cutOff(): void;
}

/**
 * Starts the worker of a framed bootstrap. Its failpoints are not armed, as they would be the program's; it does not rehearse, as its
 * code is compiled with the first worker.
 */
export function startInline(bootstrap: Uint8Array, { deadline, writeLog, exit, kill }: InlineHost): InlineWorker {
  const worker = new WorkerProcess(decodeWorkerBootstrap(unframeBootstrap(bootstrap)), {
    log: logThrough((line) => {
      writeLog(line);
      return true;
    }),
    lifeline: new HandlerDeadline(deadline),
    rehearses: false,
    entitle: () => undefined,
    exit,
    kill,
  });
  worker.start().catch((error: unknown) => worker.crash(error));
  return worker;
}
