/** What handlers and `init` do with the lives of other workers: questions of their session that belong to the life (life-operations.ts). */
import type { AskSession } from './ask-session.js';
import type { AnyWorkerDefinition } from './definition.js';
import { WorkerError } from './errors.js';
import type { Monitor } from './life-notices.js';
import { ROUTER } from './life-operations.js';
import type { LifeTarget } from './life-operations.js';
import type { WorkerRef } from './worker-ref.js';
import { namedWorker } from './worker-ref.js';

/** The lives of other workers, for as long as this life goes on. */
export interface LifeTools {
  /**
   * Has this worker told, by `down` of its definition, when the present life of another worker ends (erlang:monitor/2): once, or
   * at once with the reason `'noproc'` when that worker is down, or there is none of this name. What was monitored in a life is
   * not monitored in the next one: do it in `init`. Rejects with WorkerError ERR_WORKER_CALLBACK when the definition has no
   * `down`, ERR_WORKER_LIMIT for more than 16,384 monitors, ERR_WORKER_REFERENCE; and as every question does.
   */
  readonly monitor: (reference: WorkerRef) => Promise<Monitor>;
  /** Takes a monitor back. False when it was told of its end already, or is about to be. */
  readonly demonitor: (monitor: Monitor) => Promise<boolean>;
  /**
   * Links the present lives of this worker and another one (erlang:link/1): when one ends other than `'normal'`, the other one is
   * ended, too, with the same reason, and its supervisor decides. One whose definition says `trapExit: true` is told by `exit` of
   * its definition instead. Being stopped by its supervisor is an end, too, with the reason `'shutdown'`. A worker that is linked
   * already stays so. Rejects with WorkerError ERR_WORKER_NOPROC when the other one is down, or there is none of this name (one that
   * traps exits is told so by `exit` instead), ERR_WORKER_REFERENCE; and as every question does.
   */
  readonly link: (reference: WorkerRef) => Promise<void>;
  /** Takes back a link, whoever has made it. When the promise resolves, this life does not end by it any more. */
  readonly unlink: (reference: WorkerRef) => Promise<void>;
}

export function lifeTools(
  session: AskSession,
  definition: AnyWorkerDefinition,
  workers: ReadonlySet<string>,
): LifeTools {
  const ask = (operation: LifeTarget['operation'], worker: string, ...operands: readonly unknown[]): Promise<unknown> =>
    session.ask({ worker, table: ROUTER, operation }, operands, {});
  return {
    monitor: async (reference) => {
      checkCallback(definition, 'down', 'monitor');
      const worker = namedWorker(reference, workers);
      const number = (await ask('monitor', worker)) as number; // The router's answer.
      return Object.freeze({ worker, number });
    },
    demonitor: async ({ worker, number }) => (await ask('demonitor', worker, number)) as boolean, // The router's answer.
    link: async (reference) => void (await ask('link', namedWorker(reference, workers))),
    unlink: async (reference) => void (await ask('unlink', namedWorker(reference, workers))),
  };
}

function checkCallback(definition: AnyWorkerDefinition, callback: 'down', tool: string): void {
  if (definition[callback] !== undefined) return;
  const message = `${tool} tells by '${callback}', which the definition of this worker has not. Define it beside 'calls'.`;
  throw new WorkerError('ERR_WORKER_CALLBACK', message, { callback });
}
