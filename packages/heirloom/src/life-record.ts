/**
 * What one life of a worker leaves behind for the report on its end, as it becomes known: written by worker-life.ts, read by
 * exit-desk.ts.
 */
import type { EpochClosed } from '@heirloom/wire';
import type { ProcessDeath } from './child-process.js';
import type { ReportedLife } from './exit-desk.js';
import type { ExitFacts, ExitPhase } from './exit-report.js';
import type { WorkerProcess } from './worker-source.js';

export class LifeRecord implements ReportedLife {
  readonly #worker: string;
  readonly #startedAt = performance.now();
  #process: WorkerProcess | undefined;
  #epoch: number | undefined;
  #isStopping = false;
  #end: { readonly death: ProcessDeath; readonly error: Error | undefined; readonly at: number } | undefined;
  #call: ExitFacts['call'];
  #rerun = 0;
  #lsn: number | undefined;

  constructor(worker: string) {
    this.#worker = worker;
  }

  runsIn(process: WorkerProcess): void {
    this.#process = process;
  }

  hasEpoch(epoch: number): void {
    this.#epoch = epoch;
  }

  isToldToStop(): void {
    this.#isStopping = true;
  }

  died(death: ProcessDeath, error: Error | undefined): void {
    this.#end = { death, error, at: performance.now() };
  }

  closed({ lsn }: EpochClosed): void {
    this.#lsn = lsn;
  }

  judged(rerun: number, call: { readonly name: string; readonly callId: number } | undefined): void {
    this.#rerun = rerun;
    this.#call = call && { name: call.name, id: call.callId };
  }

  get logged(): Promise<void> | undefined {
    return this.#end === undefined ? undefined : this.#process?.process.logged;
  }

  exitFacts(): ExitFacts {
    const process = this.#process;
    const endedAt = this.#end?.at ?? performance.now();
    return {
      worker: this.#worker,
      epoch: this.#epoch,
      pid: process?.process.pid,
      phase: this.#phase(),
      death: this.#end?.death,
      hasIgnored: process?.hasIgnored ?? false,
      error: this.#end?.error,
      call: this.#call,
      rerun: this.#rerun,
      lsn: this.#lsn,
      endedAt: Math.round(performance.timeOrigin + endedAt),
      uptimeMs: endedAt - this.#startedAt,
      lastLines: process?.process.log.lastLines ?? [],
    };
  }

  #phase(): ExitPhase {
    if (this.#isStopping) return 'stopping';
    return this.#process?.wasActive === true ? 'running' : 'starting';
  }
}
