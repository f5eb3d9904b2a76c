/**
 * The migration of an incarnation's tables on its way through the output gate: each step is a batch, and the next one is built when
 * it is released. What a step is, is in migration.ts.
 */
import { InvariantError } from '@heirloom/tables';
import { failpoint } from '@heirloom/wire';
import type { MigrationStep, TableGrant } from '@heirloom/wire';
import type { BatchEncoder } from './batch-encoder.js';
import type { TableDefinitions } from './handler-context.js';
import type { IncarnationPorts } from './incarnation-ports.js';
import { migrateTables } from './migration.js';
import type { OutputGate } from './output-gate.js';

export interface MigrationRunOptions {
  readonly definitions: TableDefinitions;
  readonly gate: OutputGate;
  readonly ports: Pick<IncarnationPorts, 'reader' | 'flush'>;
}

export class MigrationRun {
  private readonly options: MigrationRunOptions;
  private step: { readonly number: number; readonly released: () => void; readonly end: () => void } | undefined;

  constructor(options: MigrationRunOptions) {
    this.options = options;
  }

  /** Whether a step waits for its release: from there the next life goes on. */
  get isWaiting(): boolean {
    return this.step !== undefined;
  }

  /** Migrates what has to be, and resolves with the grants as they are then. Rejects as `migrateTables` does. */
  async run(grants: readonly TableGrant[], encoder: BatchEncoder): Promise<readonly TableGrant[]> {
    const { definitions, ports } = this.options;
    const reader = ports.reader();
    try {
      const commit = (step: MigrationStep): Promise<void> => this.commit(step, encoder);
      return await migrateTables({ definitions, grants, encoder, reader, commit });
    } finally {
      reader.close();
    }
  }

  /** Goes on if the step is released. */
  released(): void {
    const { step } = this;
    if (step === undefined || this.options.gate.released < step.number) return;
    this.step = undefined;
    step.released();
  }

  /** Ends the run, so that it closes the store. */
  cutOff(): void {
    this.step?.end();
  }

  /** Resolves when the step is released; never, if the worker was stopped meanwhile. */
  private commit(step: MigrationStep, encoder: BatchEncoder): Promise<void> {
    const { gate, ports } = this.options;
    const number = gate.lastNumber + 1;
    gate.append(encoder.migration(number, step));
    failpoint(`worker.migration:${step.step}`);
    return new Promise((resolve, reject) => {
      const end = (): void => reject(new InvariantError('a migration was cut off'));
      this.step = { number, released: resolve, end };
      ports.flush();
    });
  }
}
