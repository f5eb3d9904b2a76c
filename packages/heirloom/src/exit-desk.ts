/**
 * Where the ends of workers' lives are put together: what the life knows, what its supervisor decided, and the last of its output.
 *
 * A life is announced when it begins, so that its end is reported whether its exit is seen or not. No recovery waits here.
 */
import type { RestartCount, TreeEvent } from '@heirloom/supervisor';
import { rootCause } from './errors.js';
import type { EventHub } from './events.js';
import type { ExitFacts, ExitReport } from './exit-report.js';
import { exitReport, logExit } from './exit-report.js';
import type { Logger } from './process-log.js';

/** A life as it is seen from here. */
export interface ReportedLife {
  /** What it knows of its end; it may learn more lines until `logged`. */
  exitFacts(): ExitFacts;
  /** Settles when the output of a process that is gone was read; undefined when no process was seen to go. */
  readonly logged: Promise<void> | undefined;
}

type EndOfChild = Extract<TreeEvent, { type: 'child_exited' | 'child_start_failed' }>;

export class ExitDesk {
  readonly #logger: Logger;
  readonly #events: EventHub;
  readonly #lives = new Map<string, ReportedLife>();
  readonly #open = new Set<Promise<void>>();

  constructor(logger: Logger, events: EventHub) {
    this.#logger = logger;
    this.#events = events;
  }

  /** A life begins: the start of a child of the tree. */
  begins(
    { path, incarnation }: { readonly path: readonly string[]; readonly incarnation: number },
    life: ReportedLife,
  ): void {
    this.#lives.set(keyOf(path, incarnation), life);
  }

  /** Its supervisor says that it has ended. Gives back whether it was the life of a worker. */
  ended(event: EndOfChild, restarts: RestartCount | undefined): boolean {
    const key = keyOf(event.path, event.incarnation);
    const life = this.#lives.get(key);
    if (life === undefined) return false;
    this.#lives.delete(key);
    const report = this.#report(life, event, restarts);
    this.#open.add(report);
    void report.finally(() => this.#open.delete(report));
    return true;
  }

  /** Resolves when every report of what has ended is made. */
  async settled(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open);
  }

  async #report(life: ReportedLife, event: EndOfChild, restarts: RestartCount | undefined): Promise<void> {
    await life.logged;
    const startError = event.type === 'child_start_failed' ? rootCause(event.error) : event.exit.error;
    const isAbandoned = event.exit.abandoned === true;
    const verdict = { willRestart: event.willRestart, isAbandoned, startError, restarts };
    const report: ExitReport = exitReport(life.exitFacts(), verdict);
    logExit(this.#logger, report);
    this.#events.emit('exit', report);
  }
}

function keyOf(path: readonly string[], incarnation: number): string {
  return JSON.stringify([incarnation, ...path]);
}
