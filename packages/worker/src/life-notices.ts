/**
 * What a worker is told of the lives of others: calls that the router makes, each for one life of this worker.
 *
 * 1. A notice that was on its way when its life ended is for nobody: the next life answers it and does nothing, as it has asked for
 *    nothing yet.
 * 2. A notice runs as any call does, as a batch of its own. As it has no caller who could be told that it threw, the worker
 *    crashes then, as a gen_server does.
 */
import { decodeError } from '@heirloom/wire';
import type { AnyHandler, AnyWorkerDefinition } from './definition.js';
import type { HandlerContext, NamedTables } from './handler-context.js';
import { DOWN_CALL, EXIT_CALL } from './life-operations.js';

/** How the life of a worker ended: by itself, as it was told, by a failure of its own, by a signal; or it was down already. */
export type EndReason = 'normal' | 'shutdown' | 'crash' | 'killed' | 'noproc';

/** What `monitor` gives: the worker, and a number that is the monitor's own. */
export interface Monitor {
  readonly worker: string;
  readonly number: number;
}

/** How a worker that traps exits is told that a life which it is linked to has ended. */
export interface ExitMessage {
  /** The worker whose life it was. */
  readonly worker: string;
  /** Which of its lives; undefined when it had none. */
  readonly epoch: number | undefined;
  readonly reason: EndReason;
  /** What it could still say of its end. */
  readonly error: Error | undefined;
}

/** How a worker is told that a life which it monitors has ended. */
export interface DownMessage extends ExitMessage {
  /** The number of the monitor. */
  readonly monitor: number;
}

type Notice = Omit<ExitMessage, 'error'> & { readonly error: unknown };
type Callback = (message: unknown, context: HandlerContext<NamedTables>) => unknown;

/** The handlers of the notices of a worker. */
export function noticeCalls({
  down,
  exit,
}: AnyWorkerDefinition): readonly (readonly [name: string, handler: AnyHandler])[] {
  const handler = (callback: Callback | undefined) => {
    return (context: HandlerContext<NamedTables>, epoch: number, { error, ...notice }: Notice): unknown => {
      if (epoch !== context.worker.incarnation || callback === undefined) return undefined;
      const message = Object.freeze({ ...notice, error: error === undefined ? undefined : decodeError(error) });
      const result = callback(message, context);
      // Nobody gets what it returns.
      return result === undefined ? undefined : Promise.resolve(result).then(() => undefined);
    };
  };
  // The definition has erased the type of its own tables.
  return [
    [DOWN_CALL, handler(down as Callback | undefined)],
    [EXIT_CALL, handler(exit as Callback | undefined)],
  ];
}

export function isNotice(call: string): boolean {
  return call === DOWN_CALL || call === EXIT_CALL;
}
