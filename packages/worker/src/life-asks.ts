/** What handlers and `init` do with the lives of other workers: questions of their session that belong to the life (life-operations.ts). */
import type { AskSession } from './ask-session.js';
import type { AnyWorkerDefinition } from './definition.js';
import { WorkerError } from './errors.js';
import type { LifeTools } from './life-tools.js';
import { ROUTER } from './life-operations.js';
import type { LifeTarget } from './life-operations.js';
import { registryOf } from './registry-asks.js';
import { namedWorker } from './worker-ref.js';

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
    registry: (name) => registryOf(session, name),
  };
}

function checkCallback(definition: AnyWorkerDefinition, callback: 'down', tool: string): void {
  if (definition[callback] !== undefined) return;
  const message = `${tool} tells by '${callback}', which the definition of this worker has not. Define it beside 'calls'.`;
  throw new WorkerError('ERR_WORKER_CALLBACK', message, { callback });
}
