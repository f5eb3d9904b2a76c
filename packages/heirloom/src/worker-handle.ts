/**
 * The handle of a worker: its calls and its tables, typed by its definition.
 */
import type { AnyTableDefinition, RemoteTable } from '@heirloom/tables';
import type { AnyWorkerDefinition, CallsOf, TablesOf } from '@heirloom/worker';
import { TABLE_CALL_PREFIX, byName } from '@heirloom/worker/process-url';
import { castFromProgram } from './program-cast.js';
import type { ProgramCastsOf } from './program-cast.js';
import { CallError, RuntimeError } from './errors.js';
import type { CallOptions } from './pending-call.js';
import { checkCallOptions } from './pending-call.js';
import type { Router } from './router.js';
import { TableClient } from './table-client.js';
import type { WorkerSlot } from './worker-slot.js';

/** The tables of a worker as other processes see them: private ones only by their `info`. */
export type RemoteTables<Tables extends Readonly<Record<string, AnyTableDefinition>>> = {
  readonly [Name in keyof Tables]: RemoteTable<Tables[Name]>;
};

/** A worker of a running runtime. It stays good across the worker's incarnations. */
export interface WorkerHandle<Definition extends AnyWorkerDefinition> {
  readonly name: string;
  /** The process of the current incarnation; undefined while there is none, or when it has none of its own. */
  readonly pid: number | undefined;
  /** The thread of the current incarnation, for a worker that runs in one; see `pid`. */
  readonly threadId: number | undefined;
  /** The epoch of the current incarnation; undefined while there is none. */
  readonly epoch: number | undefined;
  /**
   * The worker's calls. A promise resolves when what the call changed is stored at the level that its tables promise (G1).
   * Rejects with CallError: ERR_CALL_THREW, ERR_CALL_TIMEOUT, ERR_CALL_ABORTED, ERR_CALL_OVERLOADED, ERR_CALL_POISONED,
   * ERR_CALL_NOT_RETRIED, ERR_CALL_STOPPED, ERR_CALL_UNKNOWN, ERR_CALL_ARGUMENTS; with a key (`idempotencyKey`) also
   * ERR_CALL_KEY_REUSED and ERR_CALL_KEY_LIMIT; with RuntimeError when the runtime is over.
   */
  readonly call: CallsOf<Definition>;
  /**
   * The worker's calls as casts: run once, without an answer. The promise resolves when the cast is stored, and then it outlives
   * every process, this one too. Casts of the program run in the order in which they are made, also while their worker is down or
   * will only be started later. One whose handler throws, or kills its worker again and again, becomes a dead letter.
   * Rejects with CallError: ERR_CALL_OVERLOADED when 16,384 casts of the program, or 64 MiB of them, were not run yet,
   * ERR_CALL_TIMEOUT, ERR_CALL_ABORTED, ERR_CALL_STOPPED, ERR_CALL_UNKNOWN, ERR_CALL_ARGUMENTS; with RuntimeError when the runtime
   * is over, and with ERR_RUNTIME_OPTION for a handle with an idempotencyKey.
   */
  readonly cast: ProgramCastsOf<Definition>;
  /** The worker's tables: reads of released state, which work while the worker is dead; writes to public ones. */
  readonly tables: RemoteTables<TablesOf<Definition>>;
  /**
   * Ends the current incarnation at once, whatever it runs in, as `kill -9` does: for tests of what must survive that. The worker's
   * supervisor then does what it does after any crash. False when there is no incarnation that is up.
   */
  kill(): boolean;
  /** The same worker with other options for calls, reads and writes. Throws RuntimeError ERR_RUNTIME_OPTION for a wrong one. */
  with(options: CallOptions): WorkerHandle<Definition>;
}

export function createHandle<Definition extends AnyWorkerDefinition>(
  router: Router,
  slot: WorkerSlot,
  options: CallOptions,
): WorkerHandle<Definition> {
  const { idempotencyKey: key } = options;
  const call = byName(
    (name) =>
      (...callArguments: unknown[]) =>
        isInternal(name)
          ? Promise.reject(noCall(slot.name, name))
          : key === undefined
            ? router.calls.call(slot, name, callArguments, options)
            : router.keyed.call(slot, key, name, callArguments, options),
  );
  const cast = byName(
    (name) =>
      (...castArguments: unknown[]) =>
        key === undefined
          ? castFromProgram(router, slot.name, name, castArguments, options)
          : Promise.reject(keyedUse(`The cast ${name}`, slot.name)),
  );
  const tables = byName((name) => {
    if (key === undefined) return createTable(router, slot, name, options);
    throw keyedUse(`Table ${name}`, slot.name);
  });
  return {
    name: slot.name,
    get pid() {
      return slot.recipient?.pid;
    },
    get threadId() {
      return slot.recipient?.threadId;
    },
    get epoch() {
      return slot.recipient?.epoch;
    },
    call: call as CallsOf<Definition>, // Every name gives a function; the worker refuses calls it does not have.
    cast: cast as ProgramCastsOf<Definition>, // Likewise: what the worker does not have becomes a dead letter.
    tables: tables as RemoteTables<TablesOf<Definition>>, // Likewise; unknown tables are refused when they are used.
    kill: () => {
      slot.recipient?.kill();
      return slot.recipient !== undefined;
    },
    with: (more) => {
      checkCallOptions(more);
      return createHandle(router, slot, { ...options, ...more });
    },
  };
}

/** A key is a call's. */
function keyedUse(what: string, worker: string): RuntimeError {
  const problem = `${what} was asked for by a handle with an idempotencyKey, which is for calls. Use a handle without one.`;
  return new RuntimeError('ERR_RUNTIME_OPTION', problem, { option: 'idempotencyKey', worker });
}

/** The calls that only the runtime makes; those to tables are judged by the worker. */
function isInternal(name: string): boolean {
  return name.startsWith('$') && !name.startsWith(TABLE_CALL_PREFIX);
}

function noCall(worker: string, call: string): CallError {
  const message = `The worker '${worker}' has no call '${call}': names that begin with $ are the runtime's.`;
  return new CallError('ERR_CALL_UNKNOWN', message, { worker, call, outcome: 'none' });
}

/** The remote handle of one table: an object with the operations of a RemoteTable. */
export function createTable(router: Router, slot: WorkerSlot, name: string, options: CallOptions): object {
  const client = new TableClient(router, slot, name, options);
  return byName((operation) => client.operation(operation));
}
