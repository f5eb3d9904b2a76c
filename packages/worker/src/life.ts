/**
 * What a worker has beside its tables and calls: timers, what it continues with, and its version. They share the hidden table (life-table.ts) and
 * the handlers' batches.
 *
 * 1. A worker whose definition has none of it, and that has none stored, has no hidden table, and pays for nothing.
 * 2. What handlers do here is committed and undone with their tables (G2).
 */
import type { TableGrant } from '@heirloom/wire';
import type { BatchEncoder } from './batch-encoder.js';
import { Continuations } from './continuations.js';
import type { ContinueOrigin } from './continuations.js';
import type { AnyWorkerDefinition } from './definition.js';
import type { ContinueWith } from './handler-context.js';
import type { IncarnationPorts } from './incarnation-ports.js';
import { LifeLease } from './life-lease.js';
import { LIFE_TABLE, LIFE_TABLE_NAME, LifeTable } from './life-table.js';
import type { WorkerTimers } from './timer.js';
import { Timers } from './timers.js';
import type { Transaction } from './transaction.js';
import { FIRST_VERSION, versionToMigrate } from './worker-version.js';

/** Whether a definition needs the hidden table. */
export function usesLifeTable({ timers, handleContinue, version }: AnyWorkerDefinition): boolean {
  return Object.keys(timers).length > 0 || handleContinue !== undefined || version !== undefined;
}

/** What every handler gets of it. */
export interface LentLife {
  readonly timers: WorkerTimers;
  readonly continueWith: ContinueWith;
}

export interface LifeOptions {
  readonly definition: AnyWorkerDefinition;
  readonly transaction: Transaction;
  readonly ports: Pick<IncarnationPorts, 'now' | 'log' | 'timerDue' | 'setAlarm' | 'reader'>;
}

export class Life {
  readonly timers: Timers;
  readonly continuations: Continuations;
  private readonly options: LifeOptions;
  private table: LifeTable | undefined;
  private lease: LifeLease | undefined;

  constructor(options: LifeOptions) {
    this.options = options;
    const { now, timerDue: due, setAlarm } = options.ports;
    this.timers = new Timers({ handlers: Object.keys(options.definition.timers), now, due, setAlarm });
    this.continuations = new Continuations(options.definition.handleContinue !== undefined);
  }

  /** Takes what is stored, if the worker has a hidden table among those that it was granted; returns the others. */
  load(epoch: number, grants: readonly TableGrant[], encoder: BatchEncoder): readonly TableGrant[] {
    const grant = grants.find(({ name }) => name === LIFE_TABLE_NAME);
    if (grant === undefined) return grants;
    const { transaction, ports } = this.options;
    const table = new LifeTable(transaction.addHidden(LIFE_TABLE_NAME, LIFE_TABLE));
    this.table = table;
    table.load(grant, encoder.codecOf(LIFE_TABLE_NAME), ports.reader);
    const missing = this.timers.load(epoch, table);
    if (missing.length > 0) {
      const message = 'Timers are stored whose handlers this code does not have. They wait for one that has them.';
      ports.log.warn(message, { handlers: missing });
    }
    if (this.continuations.load(table)) {
      ports.log.warn('A continuation is stored, and this code has no handleContinue. It waits for one that has.');
    }
    return grants.filter((other) => other !== grant);
  }

  /** The version to migrate from, undefined for none. Throws WorkerError ERR_WORKER_VERSION. */
  versionToMigrate(worker: string, hasBegun: boolean): number | undefined {
    const { version = FIRST_VERSION, migrate } = this.options.definition;
    const stored = this.table?.version;
    return versionToMigrate(worker, { stored, hasBegun }, { version, hasMigrate: migrate !== undefined });
  }

  /** Stores the declared version with the batch of the handler that has begun, unless it is. */
  storeVersion(): void {
    const { version } = this.options.definition;
    if (version !== undefined && this.table?.version !== version) this.table?.setVersion(version);
  }

  /** A handler begins; `origin` says on whose behalf it may continue, undefined if it may not. */
  begin(origin: ContinueOrigin | undefined): LentLife {
    const lease = new LifeLease();
    this.lease = lease;
    return { timers: this.timers.begin(lease), continueWith: this.continuations.begin(origin, lease) };
  }

  commit(): void {
    this.lease?.close();
    this.timers.commit();
    this.continuations.commit();
  }

  rollback(): void {
    this.lease?.close();
    this.timers.rollback();
    this.continuations.rollback();
  }
}
