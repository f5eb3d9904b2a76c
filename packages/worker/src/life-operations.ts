/**
 * What a worker asks of the router for the time of its life, and the calls by which it is told.
 *
 * 1. What is asked belongs to the life and not to the call: a handler that is run again in the next life asks anew, as what the last
 *    life had asked for went with it. So `init` may ask, too.
 * 2. It happens when it is made, and stays if the handler throws later. As others see it, it waits in the output gate (G4).
 */

const OPERATIONS = ['life.monitor', 'life.demonitor'] as const;

export type LifeOperation = (typeof OPERATIONS)[number];

export function isLifeOperation(operation: string): operation is LifeOperation {
  return (OPERATIONS as readonly string[]).includes(operation);
}

/** The call that tells of a monitored life that has ended. No call of a definition may begin with `$`. */
export const DOWN_CALL = '$down';
