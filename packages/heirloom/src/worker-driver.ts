/**
 * What a worker runs in: a process of its own, a thread of the program, or the program itself. Each driver's header says what it
 * cannot.
 */
import type { ProcessPort } from '@heirloom/supervisor';
import { workerProcess, workerThread } from '@heirloom/worker/process-url';
import type { ResourceLimits } from 'node:worker_threads';
import { inlinePort } from './inline-driver.js';
import { wrongOption } from './option-check.js';
import { threadPort } from './thread-driver.js';

/**
 * What a worker runs in.
 *
 * - `'process'` (the default): a process of the operating system. Whatever happens in it, the program lives.
 * - `'thread'`: a thread of the program, with a memory limit of its own. It starts faster and takes less memory; native code that
 *   crashes in it ends the program.
 * - `'inline'`: the program's own event loop, for unit tests. A life of the worker is an object, and its crash cuts that off; an endless
 *   loop, or an error that nobody catches, is the program's own.
 */
export type WorkerDriver = 'process' | 'thread' | 'inline';

export const WORKER_DRIVERS: readonly WorkerDriver[] = ['process', 'thread', 'inline'];
export const WORKER_DRIVER_DEFAULT: WorkerDriver = 'process';

/** Limits on the memory of a worker's thread, in mebibytes; what exceeds them is the worker's crash and not the program's. */
export type WorkerResourceLimits = Readonly<
  Pick<ResourceLimits, 'maxOldGenerationSizeMb' | 'maxYoungGenerationSizeMb' | 'codeRangeSizeMb' | 'stackSizeMb'>
>;

interface Meaning {
  readonly drivers: readonly WorkerDriver[];
  /** What to do under the others. */
  readonly advice: string;
}

/** The options of a worker that mean something under some drivers only. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  resourceLimits: {
    drivers: ['thread'],
    advice: "a process has execArgv, as ['--max-old-space-size=512'], and an inline worker the memory of the program",
  },
  execArgv: { drivers: ['process', 'thread'], advice: 'give them to the program' },
  env: { drivers: ['process', 'thread'], advice: "an inline worker has the program's" },
};
const LIMITS = ['maxOldGenerationSizeMb', 'maxYoungGenerationSizeMb', 'codeRangeSizeMb', 'stackSizeMb'];

/** The port that starts what a worker runs in, and its entry file. */
export interface DriverEntry {
  readonly port: ProcessPort;
  readonly module: URL;
}

export function driverEntry(driver: WorkerDriver, processes: ProcessPort): DriverEntry {
  if (driver === 'thread') return { port: threadPort, module: workerThread };
  if (driver === 'inline') return { port: inlinePort, module: workerProcess };
  return { port: processes, module: workerProcess };
}

/** Throws RuntimeError ERR_RUNTIME_OPTION for what is no driver. */
export function checkDriver(option: string, driver: unknown): void {
  if (driver === undefined || WORKER_DRIVERS.includes(driver as WorkerDriver)) return;
  throw wrongOption(option, driver, `must be one of ${WORKER_DRIVERS.map((known) => `'${known}'`).join(', ')}`);
}

/** Throws RuntimeError ERR_RUNTIME_OPTION for options that mean nothing under a driver. */
export function checkDriverOptions(
  name: string,
  driver: WorkerDriver,
  options: Readonly<Record<string, unknown>>,
): void {
  for (const [option, { drivers, advice }] of Object.entries(MEANINGS)) {
    if (options[option] === undefined || drivers.includes(driver)) continue;
    throw wrongOption(
      `${option} of worker ${name}`,
      options[option],
      `means nothing under the driver '${driver}': ${advice}`,
    );
  }
}

/** Throws RuntimeError ERR_RUNTIME_OPTION for malformed limits. */
export function checkResourceLimits(name: string, limits: unknown): void {
  if (limits === undefined) return;
  const isRecord = typeof limits === 'object' && limits !== null && !Array.isArray(limits);
  const isLimit = ([limit, value]: [string, unknown]): boolean =>
    LIMITS.includes(limit) &&
    (value === undefined || (typeof value === 'number' && Number.isFinite(value) && value > 0));
  if (isRecord && Object.entries(limits).every(isLimit)) return;
  throw wrongOption(
    `resourceLimits of worker ${name}`,
    limits,
    `must have numbers of mebibytes above 0 under ${LIMITS.join(', ')}`,
  );
}
