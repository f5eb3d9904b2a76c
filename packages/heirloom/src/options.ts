/**
 * The options of a runtime, checked once, before anything is started.
 */
import { randomInt } from 'node:crypto';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DURATION_MS_MAX, INTENSITY_MAX } from '@heirloom/supervisor';
import type { RestartLimit } from '@heirloom/supervisor';
import { MAILBOX_CALLS_MAX } from '@heirloom/worker/process-url';
import { pino } from 'pino';
import { RuntimeError, WorkerReferenceError } from './errors.js';
import { guardLogger } from './guarded-logger.js';
import { checkHeartbeat, HEARTBEAT_TIMEOUT_DEFAULT_MS, KEEPER_HEARTBEAT_TIMEOUT_DEFAULT_MS } from './heartbeat.js';
import type { HeartbeatSettings } from './heartbeat.js';
import type { HeartbeatOptions } from './heartbeat-monitor.js';
import { checkOptionNames, trueOrFalse, wholeNumber, wrongOption } from './option-check.js';
import type { RegistryKind } from './name-registry.js';
import type { SupervisorReference } from './reference.js';
import { isSupervisorReference, workersOf } from './reference.js';
import type { Logger } from './process-log.js';
import { checkDriver, WORKER_DRIVER_DEFAULT } from './worker-driver.js';
import type { WorkerDriver } from './worker-driver.js';

/** How the keeper is supervised. */
export interface KeeperSettings {
  /** How many restarts of the keeper are allowed within `periodMs` before the runtime fails. Default 30. */
  readonly intensity?: number;
  /** Default 10,000. */
  readonly periodMs?: number;
  /** Whether a started keeper waits to take over. Default true. */
  readonly standby?: boolean;
  /** How long a start waits for another process to let go of the directory, in milliseconds. Default 3,000. */
  readonly lockWaitMs?: number;
  /** How it is noticed that the keeper hangs; false for not at all. Default: silent for 30,000 ms. */
  readonly heartbeat?: HeartbeatSettings | false;
}

/** Bounds of the router's queues, for each worker. */
export interface QueueLimits {
  /** How many calls may wait to be sent to a worker; one more is rejected with ERR_CALL_OVERLOADED. Default 100,000. */
  readonly waitingCallsMax?: number;
  /** How many calls may be with a worker unanswered; the others wait. Default 4,096. */
  readonly sentCallsMax?: number;
  /** How many runs of a call may end with the worker's death before it is rejected with ERR_CALL_POISONED. Default 3. */
  readonly callTriesMax?: number;
}

export interface RuntimeOptions {
  /** Where the store is kept; created if it is not there. One runtime at a time, on a local disk. */
  readonly directory: string | URL;
  /** The tree of supervisors and workers. */
  readonly root: SupervisorReference;
  /**
   * A pino logger, or one like it: for what the runtime does, and for all that its workers log and print. Default: pino's own
   * level, info, as JSON lines on stderr, so that crashes, restarts and a worker's `console.log` are seen.
   */
  readonly logger?: Logger;
  /** What workers run in whose reference does not say. Default `'process'`. */
  readonly driver?: WorkerDriver;
  readonly keeper?: KeeperSettings;
  readonly limits?: QueueLimits;
  /** The registries of names, each with whether a key is one worker's or many workers': `{ games: 'unique', topics: 'duplicate' }`. */
  readonly registries?: Readonly<Record<string, RegistryKind>>;
  /** How many restarts all workers and supervisors together may need before the runtime fails. Default: no limit. */
  readonly restartLimit?: RestartLimit;
  /**
   * How long the runtime may take to end, in milliseconds, when it is closed without a deadline of its own, gives up, or shuts itself
   * down: then what is left is killed. Default: as long as its workers' `shutdown` times allow.
   */
  readonly shutdownDeadlineMs?: number;
  /** How it is noticed that a worker hangs outside of its handlers, for all that say nothing else; false for not at all. */
  readonly heartbeat?: HeartbeatSettings | false;
  /** What the random parts of `backoff` follow from: a run with the same seed and the same deaths waits the same. Default: random. */
  readonly seed?: number;
}

export interface CheckedOptions {
  readonly directory: string;
  readonly root: SupervisorReference;
  readonly logger: Logger;
  readonly keeper: Required<Omit<KeeperSettings, 'heartbeat'>> & { readonly heartbeat: HeartbeatOptions | undefined };
  readonly heartbeat: HeartbeatOptions | undefined;
  readonly driver: WorkerDriver;
  readonly registries: Readonly<Record<string, RegistryKind>>;
  readonly limits: Required<QueueLimits>;
  readonly restartLimit: RestartLimit | undefined;
  readonly shutdownDeadlineMs: number | undefined;
  readonly seed: number;
}

/** A keeper that dies more often than this has a cause that restarts do not mend, such as a full disk. */
export const KEEPER_INTENSITY_DEFAULT = 30;
export const KEEPER_PERIOD_DEFAULT_MS = 10_000;
export const LOCK_WAIT_DEFAULT_MS = 3_000;
/** A queue of calls of this length holds some tens of megabytes; a program that sends faster should wait for answers. */
export const WAITING_CALLS_MAX_DEFAULT = 100_000;
/** Enough that a worker is never idle for lack of calls, few enough that they are run again quickly after a crash. */
export const SENT_CALLS_MAX_DEFAULT = 4_096;
/** The first run, one that shows that the call is to blame, and one more for bad luck. */
export const CALL_TRIES_MAX_DEFAULT = 3;
/** Seeds are short enough to be read out and typed in. */
export const SEED_MAX: number = 2 ** 32 - 1;

const OPTIONS = [
  'directory',
  'root',
  'logger',
  'driver',
  'keeper',
  'limits',
  'restartLimit',
  'shutdownDeadlineMs',
  'heartbeat',
  'seed',
  'registries',
];
const KEEPER_OPTIONS = ['intensity', 'periodMs', 'standby', 'lockWaitMs', 'heartbeat'];
const RESTART_LIMIT_OPTIONS = ['intensity', 'periodMs'];
const LIMITS = ['waitingCallsMax', 'sentCallsMax', 'callTriesMax'];
/** The longest wait for the directory: a day, which leaves room for the start's own timeout. */
export const LOCK_WAIT_MAX_MS: number = 24 * 60 * 60 * 1000;

/** Fills in the defaults. Throws RuntimeError ERR_RUNTIME_OPTION or ERR_RUNTIME_PLATFORM, WorkerReferenceError ERR_WORKER_DUPLICATE. */
export function checkOptions(options: RuntimeOptions): CheckedOptions {
  if (process.platform === 'win32') {
    throw new RuntimeError('ERR_RUNTIME_PLATFORM', 'Heirloom runs on Linux and macOS; Windows is not supported.');
  }
  checkOptionNames('startRuntime', options, OPTIONS);
  checkTree(options.root);
  const { keeper = {}, limits = {} } = options;
  checkDriver('driver', options.driver);
  checkOptionNames('keeper', keeper, KEEPER_OPTIONS);
  checkOptionNames('limits', limits, LIMITS);
  const { MAX_SAFE_INTEGER: MAX } = Number;
  return {
    directory: directoryPath(options.directory),
    root: options.root,
    logger: guardLogger(options.logger ?? defaultLogger()),
    driver: options.driver ?? WORKER_DRIVER_DEFAULT,
    keeper: {
      intensity: wholeNumber('keeper.intensity', keeper.intensity, KEEPER_INTENSITY_DEFAULT, 0, INTENSITY_MAX),
      periodMs: wholeNumber('keeper.periodMs', keeper.periodMs, KEEPER_PERIOD_DEFAULT_MS, 1, DURATION_MS_MAX),
      standby: trueOrFalse('keeper.standby', keeper.standby, true),
      lockWaitMs: wholeNumber('keeper.lockWaitMs', keeper.lockWaitMs, LOCK_WAIT_DEFAULT_MS, 0, LOCK_WAIT_MAX_MS),
      heartbeat: checkHeartbeat('keeper.heartbeat', keeper.heartbeat, KEEPER_HEARTBEAT_TIMEOUT_DEFAULT_MS),
    },
    registries: checkRegistries(options.registries ?? {}),
    limits: {
      waitingCallsMax: wholeNumber('limits.waitingCallsMax', limits.waitingCallsMax, WAITING_CALLS_MAX_DEFAULT, 1, MAX),
      sentCallsMax: wholeNumber(
        'limits.sentCallsMax',
        limits.sentCallsMax,
        SENT_CALLS_MAX_DEFAULT,
        1,
        MAILBOX_CALLS_MAX,
      ),
      callTriesMax: wholeNumber('limits.callTriesMax', limits.callTriesMax, CALL_TRIES_MAX_DEFAULT, 1, MAX),
    },
    restartLimit: checkRestartLimit(options.restartLimit),
    shutdownDeadlineMs: checkDeadline('shutdownDeadlineMs', options.shutdownDeadlineMs),
    heartbeat: checkHeartbeat('heartbeat', options.heartbeat, HEARTBEAT_TIMEOUT_DEFAULT_MS),
    seed: wholeNumber('seed', options.seed, randomInt(SEED_MAX + 1), 0, SEED_MAX),
  };
}

/** How long a shutdown may take: whole milliseconds, or undefined for no deadline. Throws ERR_RUNTIME_OPTION. */
export function checkDeadline(option: string, value: unknown): number | undefined {
  return value === undefined ? undefined : wholeNumber(option, value, 0, 0, DURATION_MS_MAX);
}

function checkRestartLimit(limit: RestartLimit | undefined): RestartLimit | undefined {
  if (limit === undefined) return undefined;
  checkOptionNames('restartLimit', limit, RESTART_LIMIT_OPTIONS);
  // Both must be given: nobody can guess how much trouble a program tolerates.
  return {
    intensity: wholeNumber('restartLimit.intensity', limit.intensity ?? null, 0, 0, INTENSITY_MAX),
    periodMs: wholeNumber('restartLimit.periodMs', limit.periodMs ?? null, 0, 1, DURATION_MS_MAX),
  };
}

function checkRegistries(registries: Readonly<Record<string, RegistryKind>>): Readonly<Record<string, RegistryKind>> {
  const given: unknown = registries;
  const what = "must be an object, as { games: 'unique', topics: 'duplicate' }";
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw wrongOption('registries', given, what);
  for (const [name, kind] of Object.entries(registries)) {
    if (kind === 'unique' || kind === 'duplicate') continue;
    throw wrongOption(`registries.${name}`, kind, "must be 'unique' or 'duplicate'");
  }
  return registries;
}

function directoryPath(directory: string | URL): string {
  const what = 'must be a path or a file URL of a directory on a local disk';
  try {
    if (directory instanceof URL && directory.protocol === 'file:') return fileURLToPath(directory);
    if (typeof directory === 'string' && directory !== '') return resolve(directory);
  } catch (cause) {
    // A URL with a host, or a path that is relative to a working directory that is gone.
    throw wrongOption('directory', String(directory), `${what}: ${(cause as Error).message}`);
  }
  throw wrongOption('directory', directory, what);
}

/** Refuses what is no tree of references, and two workers of one name. */
function checkTree(root: SupervisorReference): void {
  if (!isSupervisorReference(root)) throw wrongOption('root', root, 'must be made by supervisor(options, children)');
  const names = new Set<string>();
  for (const { name } of workersOf(root)) {
    if (names.has(name)) {
      throw new WorkerReferenceError(
        'ERR_WORKER_DUPLICATE',
        `Two workers of the tree are named ${name}. Names are unique, as a worker's tables belong to its name.`,
        { worker: name },
      );
    }
    names.add(name);
  }
}

function defaultLogger(): Logger {
  return pino({ name: 'heirloom' }, pino.destination({ fd: 2, sync: true }));
}
