/**
 * The calls that a worker has for its timers: `$timer.<handler>` runs one that is due, and CALL_TO_DISCARD takes out one that killed its
 * worker too often. Both come from the router alone, with a timer's name and generation.
 *
 * 1. A timer that is not as it was said to be is passed over, and changes nothing.
 * 2. A timer has no caller: what its handler returns is dropped.
 */
import type { CallMessage } from '@heirloom/wire';
import type { AnyHandler } from './definition.js';
import type { HandlerContext, TableDefinitions } from './handler-context.js';
import { isThenable } from './thenable.js';
import { CALL_TO_DISCARD, TIMER_CALL_PREFIX } from './timer-call-names.js';
import type { Timers } from './timers.js';

/** Which timer a call is of, and which of its generations. */
export interface FiredTimer {
  readonly name: string;
  readonly generation: string;
}

/** The timer that a call fires; undefined for any other call. */
export function firedTimer({ name, arguments: [timer, generation] }: CallMessage): FiredTimer | undefined {
  if (!name.startsWith(TIMER_CALL_PREFIX)) return undefined;
  return { name: String(timer), generation: String(generation) };
}

/** Makes the calls, by name. */
export function timerCalls(
  handlers: Readonly<Record<string, AnyHandler>>,
  timers: Timers,
): ReadonlyMap<string, AnyHandler> {
  const calls = new Map<string, AnyHandler>();
  if (Object.keys(handlers).length === 0) return calls;
  for (const [name, handler] of Object.entries(handlers)) {
    // A timer's handler gets the arguments that the timer was started with.
    const run = handler as (context: HandlerContext<TableDefinitions>, ...args: readonly unknown[]) => unknown;
    calls.set(
      TIMER_CALL_PREFIX + name,
      (context: HandlerContext<TableDefinitions>, timer: string, generation: string) => {
        const args = timers.consume(timer, generation);
        return args === undefined ? undefined : dropped(run(context, ...args));
      },
    );
  }
  calls.set(CALL_TO_DISCARD, (_context: never, timer: string, generation: string) => timers.discard(timer, generation));
  return calls;
}

function dropped(result: unknown): unknown {
  return isThenable(result) ? Promise.resolve(result).then(() => undefined) : undefined;
}
