/** What a worker's process is told before anything else, through its lifeline. */
import { decodeValue, encodeValue } from '@heirloom/wire';
import type { Fault, FaultAction } from '@heirloom/wire';
import { WorkerError } from './errors.js';

export interface WorkerBootstrap {
  readonly role: 'worker';
  /** The worker's name in the supervision tree. */
  readonly worker: string;
  /** The URL of the module whose default export is the worker's definition. */
  readonly module: string;
  readonly routerSocketPath: string;
  /** The token for the connection of calls. */
  readonly callsToken: Uint8Array;
  /** How often to give a sign of life; 0 for never. */
  readonly heartbeatMs: number;
  /** A plan for failpoints; empty but in tests. */
  readonly faults: readonly Fault[];
}

const ACTIONS: readonly FaultAction[] = ['kill', 'stop', 'EIO', 'ENOSPC'];

/** Encodes a bootstrap for `frameBootstrap`. */
export function encodeWorkerBootstrap(bootstrap: WorkerBootstrap): Uint8Array {
  return encodeValue(bootstrap);
}

/** Decodes a bootstrap. Throws WireError ERR_WIRE_DECODE, or WorkerError ERR_WORKER_PROTOCOL if it is none of a worker. */
export function decodeWorkerBootstrap(bytes: Uint8Array): WorkerBootstrap {
  const value = decodeValue(bytes);
  if (!isWorkerBootstrap(value)) {
    throw new WorkerError('ERR_WORKER_PROTOCOL', 'The bootstrap on the lifeline is not one of a worker.');
  }
  return value;
}

function isWorkerBootstrap(value: unknown): value is WorkerBootstrap {
  if (typeof value !== 'object' || value === null) return false;
  const candidate = value as Record<string, unknown>; // A decoded value: reading runs no code.
  return (
    candidate['role'] === 'worker' &&
    ['worker', 'module', 'routerSocketPath'].every((field) => typeof candidate[field] === 'string') &&
    candidate['callsToken'] instanceof Uint8Array &&
    typeof candidate['heartbeatMs'] === 'number' &&
    Array.isArray(candidate['faults']) &&
    candidate['faults'].every(isFault)
  );
}

function isFault(value: unknown): value is Fault {
  if (typeof value !== 'object' || value === null) return false;
  const { point, hit, action } = value as Partial<Fault>; // A decoded value: reading runs no code.
  return typeof point === 'string' && typeof hit === 'number' && ACTIONS.includes(action as FaultAction);
}
