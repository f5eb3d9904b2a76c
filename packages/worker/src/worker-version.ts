/**
 * The version of a worker: which form what it has stored as a whole is of, as gen_server's code_change knows it. Pure.
 *
 *   nothing stored ──▶ the declared version, nothing to migrate
 *   stored lower   ──▶ `migrate` runs, before `init`, and the declared version is stored with its batch
 *   stored higher  ──▶ refused: ERR_WORKER_VERSION
 *
 * 1. A worker that has rows but never said its version has version 1; so has one whose code says none.
 * 2. The version is a row of the hidden table, so it is migrated once (G3). A worker whose code says no version any more is refused
 *    likewise, as the table is granted to it all the same.
 */
import { showValue } from '@heirloom/tables';
import { WorkerError } from './errors.js';

/** The version of a worker that says none. */
export const FIRST_VERSION = 1;

export interface VersionState {
  /** What is stored; undefined for nothing. */
  readonly stored: number | undefined;
  /** Whether the worker has ever begun on this store. */
  readonly hasBegun: boolean;
}

export interface DeclaredVersion {
  readonly version: number;
  readonly hasMigrate: boolean;
}

/** The version to migrate from; undefined when nothing is to be migrated. Throws WorkerError ERR_WORKER_VERSION. */
export function versionToMigrate(
  worker: string,
  { stored, hasBegun }: VersionState,
  { version, hasMigrate }: DeclaredVersion,
): number | undefined {
  if (!hasBegun) return undefined;
  const from = stored ?? FIRST_VERSION;
  if (from === version) return undefined;
  if (from > version) {
    throw refused(
      worker,
      from,
      version,
      'A newer version of the program has written it: run that one, or restore a backup of before.',
    );
  }
  if (!hasMigrate)
    throw refused(worker, from, version, 'Give the worker a migrate function, or leave its version as it was.');
  return from;
}

/** What the start fails with when `migrate` has thrown. */
export function migrationFailed(worker: string, from: number, to: number | undefined, cause: unknown): WorkerError {
  const reason = cause instanceof Error ? cause.message : showValue(cause);
  const message = `The migrate of worker '${worker}', from version ${from} to ${to}, threw: ${reason} Nothing was changed by it.`;
  return new WorkerError('ERR_WORKER_MIGRATION', message, { worker, fromVersion: from, version: to }, { cause });
}

function refused(worker: string, stored: number, declared: number, advice: string): WorkerError {
  const message = `Worker '${worker}' is stored with version ${stored}, but declared with ${declared}. ${advice}`;
  return new WorkerError('ERR_WORKER_VERSION', message, { worker, stored, declared });
}
