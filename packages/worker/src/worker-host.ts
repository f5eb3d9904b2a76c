/**
 * Where a worker runs, as the worker sees it: a process, a thread, or the program itself (worker-process.ts is the same in all).
 *
 * 1. What ends is the worker alone. In a process or a thread `exit` and `kill` do not return. In the program they do, and nothing
 *    that the worker does afterwards has an effect.
 * 2. What was handed to a socket before `exit` leaves.
 */
import type { Lifeline } from '@heirloom/wire';
import type { WorkerLog } from './handler-context.js';

export interface WorkerHost {
  readonly log: WorkerLog;
  /** Who watches the time of handlers. */
  readonly lifeline: Lifeline;
  /** Whether a standby rehearses; where the code of a takeover is compiled already, there is nothing to be won. */
  readonly rehearses: boolean;
  /** Says to a person what runs here. */
  readonly entitle: (title: string) => void;
  readonly exit: (code: number) => void;
  /** Ends at once, as by SIGKILL. */
  readonly kill: () => void;
}
