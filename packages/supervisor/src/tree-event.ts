/** What a supervision tree tells its observer; `path` holds the ids from the root, times are the tree's clock. */
import type { ChildExit } from './child-exit.js';

/** An incarnation of a child, worker or supervisor. */
export interface ChildOccurrence {
  readonly path: readonly string[];
  readonly incarnation: number;
}

/** What happened to one child of a supervisor. */
export type ChildTreeEvent =
  /** Its driver is about to be asked to start it. */
  | ({ readonly type: 'child_starting'; readonly isRestart: boolean } & ChildOccurrence)
  /** It is up. */
  | ({ readonly type: 'child_started' } & ChildOccurrence)
  /** It was up, or was told to stop, and is gone. */
  | ({ readonly type: 'child_exited'; readonly exit: ChildExit; readonly willRestart: boolean } & ChildOccurrence)
  /** It is to be started again, after `delayMs` when its backoff says so; `incarnation` is that of the next start. */
  | ({ readonly type: 'child_restarting'; readonly delayMs?: number } & ChildOccurrence)
  /** It was not up yet and is gone. */
  | ({
      readonly type: 'child_start_failed';
      readonly error: Error;
      readonly exit: ChildExit;
      readonly willRestart: boolean;
    } & ChildOccurrence)
  /** It is down and stays so, while its supervisor goes on: for good, or until somebody asks or siblings are restarted. */
  | ({ readonly type: 'child_ended'; readonly isForgotten: boolean } & ChildOccurrence)
  /** It was killed and has not been seen to exit within the kill wait. */
  | ({ readonly type: 'kill_overdue' } & ChildOccurrence);

/** What happened to a supervisor as a whole. */
export type SupervisorTreeEvent =
  /** Its intensity is exceeded, and it begins to stop its children. */
  | { readonly type: 'supervisor_gave_up'; readonly path: readonly string[]; readonly error: Error }
  /** Enough of its significant children have ended, this one the last, and it begins to stop the others. */
  | { readonly type: 'supervisor_auto_shutdown'; readonly path: readonly string[]; readonly child: string }
  /** All its children are gone; `error` says why when it was not told to stop. */
  | { readonly type: 'supervisor_stopped'; readonly path: readonly string[]; readonly error?: Error }
  /** The root gave up or the tree broke a rule: nothing is restarted any more. */
  | { readonly type: 'tree_failed'; readonly path: readonly string[]; readonly error: Error };

/** Everything a supervision tree reports. */
export type TreeEvent = ChildTreeEvent | SupervisorTreeEvent;

/** An event before its supervisor's path is known: `id` in place of the child's path. */
export type LocalEvent =
  | LocalOf<ChildTreeEvent>
  | Omit<Extract<SupervisorTreeEvent, { type: 'supervisor_gave_up' }>, 'path'>
  | Omit<Extract<SupervisorTreeEvent, { type: 'supervisor_auto_shutdown' }>, 'path'>;

// Distributes over the union, so that each event keeps its own fields.
type LocalOf<E> = E extends ChildOccurrence ? Omit<E, 'path'> & { readonly id: string } : never;
