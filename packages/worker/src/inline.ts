/** Runs a worker in the process that calls this, beside whatever else it does; the embedding process's inline driver is its host. */
import { HandlerDeadline, unframeBootstrap } from '@heirloom/wire';
import { logTo } from './log-line.js';
import type { OutputWrite } from './output-write.js';
import { decodeWorkerBootstrap } from './worker-bootstrap.js';
import type { WorkerHost } from './worker-host.js';
import { WorkerProcess } from './worker-process.js';

export interface InlineHost extends Pick<WorkerHost, 'exit' | 'kill'> {
  /** The memory of a HandlerDeadline. */
  readonly deadline: Float64Array;
  /** Takes the lines of its log. What it prints is the program's own output. */
  readonly write: OutputWrite;
}

export interface InlineWorker {
  /** Ends it at once: nothing that it still does has an effect, and tables refuse it. Not to be called by what it calls itself. */
  cutOff(): void;
}

/**
 * Starts the worker of a framed bootstrap. Its failpoints are not armed, as they would be the program's; it does not rehearse, as its
 * code is compiled with the first worker.
 */
export function startInline(bootstrap: Uint8Array, { deadline, write, exit, kill }: InlineHost): InlineWorker {
  const worker = new WorkerProcess(decodeWorkerBootstrap(unframeBootstrap(bootstrap)), {
    log: logTo(1, write),
    lifeline: new HandlerDeadline(deadline),
    rehearses: false,
    entitle: () => undefined,
    exit,
    kill,
  });
  worker.start().catch((error: unknown) => worker.crash(error));
  return worker;
}
