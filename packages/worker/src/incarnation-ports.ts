/** What an incarnation asks of the process that it lives in; tests give it a process of their own. */
import type { AskMessage, LeaveMessage, Outcome, TimerDueMessage } from '@heirloom/wire';
import type { WorkerLog } from './handler-context.js';
import type { RowReader } from './hydration.js';

/** What an incarnation needs of its process. */
export interface IncarnationPorts {
  /** Queues a reply to the router. */
  readonly reply: (outcome: Outcome) => void;
  /** Queues what a handler asks of another worker. */
  readonly ask: (message: AskMessage) => void;
  readonly leave: (message: LeaveMessage) => void;
  /** Queues the note that a timer is due. */
  readonly timerDue: (message: TimerDueMessage) => void;
  /** Runs a task in so many milliseconds instead of the one that it was given before; undefined for no task. */
  readonly setAlarm: (delayMs: number | undefined, task: () => void) => void;
  /** Hands everything that is queued, batches of the gate among it, to the sockets. */
  readonly flush: () => void;
  /** Whether the router does not read its replies. */
  readonly isCongested: () => boolean;
  /** Runs a task behind the frames that are being delivered. */
  readonly defer: (task: () => void) => void;
  readonly handlerBegins: (callId: number, timeoutMs: number) => void;
  readonly handlerEnded: () => void;
  readonly now: () => number;
  readonly log: WorkerLog;
  /** Opens the store for reading. */
  readonly reader: () => RowReader;
  /** `init` is done and released; no call has begun yet. With `isContinuing` none is to be sent before `onContinued`. */
  readonly onActive: (isContinuing: boolean) => void;
  readonly onContinued: () => void;
  readonly onInitFailed: (error: unknown) => void;
  /** `init` chose not to run, and left nothing. */
  readonly onIgnored: () => void;
  /** Everything that had arrived before `stop` is done and released. */
  readonly onStopped: () => void;
  /** Takes an error that nobody else can: the worker crashes of it. */
  readonly onBug: (error: unknown) => void;
  /** A handler threw in a worker that crashes then; its error has been sent. */
  readonly onCrash: (error: unknown, callId: number) => void;
}
