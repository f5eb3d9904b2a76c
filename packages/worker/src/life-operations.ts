/**
 * What a worker asks of the router for the time of its life, and the calls by which it is told.
 *
 * 1. What is asked belongs to the life and not to the call: a handler that is run again in the next life asks anew, as what the last
 *    life had asked for went with it. So `init` may ask, too.
 * 2. It happens when it is made, and stays if the handler throws later. As others see it, it waits in the output gate (G4).
 */
import type { AskTarget } from './ask-target.js';

/** What stands in place of a table where the router itself is asked: no table has this name. */
export const ROUTER = '';

const OPERATIONS = ['monitor', 'demonitor', 'link', 'unlink'] as const;

/** What is asked: the operation, about a worker. */
export interface LifeTarget {
  readonly worker: string;
  readonly table: typeof ROUTER;
  readonly operation: (typeof OPERATIONS)[number];
}

export function isLifeOperation(target: AskTarget): target is LifeTarget & typeof target {
  return target.table === ROUTER && (OPERATIONS as readonly string[]).includes(target.operation);
}

/** The call that tells of a monitored life that has ended. No call of a definition may begin with `$`. */
export const DOWN_CALL = '$down';
/** The call that tells a worker which traps exits of the end of a life that it is linked to. */
export const EXIT_CALL = '$exit';
