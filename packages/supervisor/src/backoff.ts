/**
 * Backoff: how long a child that has to be restarted again and again waits before it is started (beyond OTP).
 *
 *   restart in a row    1      2        3               4                      n
 *   wait                none   minMs    minMs·factor    minMs·factor²    …     at most maxMs, each less up to `jitter` of it
 *
 * 1. The first restart does not wait. A row ends when the child exits after it was up for `resetMs`.
 * 2. A wait follows from the policy, the length of the row and one random number; it is never below minMs·(1 − jitter), nor
 *    above maxMs.
 * 3. The random number is that of the seed, the child's path and its incarnation, so schedules of one child are the same
 *    whatever the others do, and a run with the same seed and the same deaths waits the same.
 *
 * Restarts are counted against the intensity when they are decided upon, as without backoff. So a child that dies at once never
 * exceeds it when intensity · maxMs · (1 − jitter) is well above the period.
 */
import { DURATION_MS_MAX } from './child-spec.js';

/** How restarts of a child are spread out. All times are in milliseconds. */
export interface Backoff {
  /** The wait before the second restart in a row. Default 100. */
  readonly minMs?: number;
  /** The longest wait. Default 30,000. */
  readonly maxMs?: number;
  /** How much longer each wait is than the one before it. Default 2. */
  readonly factor?: number;
  /** Which part of each wait is random, from 0 to 1, so that children that died together do not all start together. Default 0.5. */
  readonly jitter?: number;
  /** How long the child must have been up for its next restart to be a first one again. Default: `maxMs`. */
  readonly resetMs?: number;
}

/** Backoff's own defaults: long enough to calm a loop, short enough that nobody has to intervene once its cause is gone. */
export const BACKOFF_MIN_DEFAULT_MS = 100;
/** As above; half a minute is what people wait before they look. */
export const BACKOFF_MAX_DEFAULT_MS = 30_000;
/** As above. */
export const BACKOFF_FACTOR_DEFAULT = 2;
/** As above. */
export const BACKOFF_JITTER_DEFAULT = 0.5;
/** A factor above this reaches every maximum in a few steps, and is rather a mistake. */
export const BACKOFF_FACTOR_MAX = 1_000;

/** Where a child is in its row of restarts. */
export interface RestartRow {
  /** How many restarts the row has so far. */
  readonly restarts: number;
  /** Since when it has been up; undefined when its incarnation has not been. */
  readonly upSince: number | undefined;
}

/** No restart yet. */
export const NO_RESTARTS: RestartRow = { restarts: 0, upSince: undefined };

/** Counts one restart at `now` and gives back how long it waits; `random` is a number from 0 to below 1. */
export function nextRestart(
  policy: Backoff,
  row: RestartRow,
  now: number,
  random: number,
): { readonly row: RestartRow; readonly delayMs: number } {
  const { minMs, maxMs, factor, jitter, resetMs } = withDefaults(policy);
  const isRecovered = row.upSince !== undefined && now - row.upSince >= resetMs;
  const before = isRecovered ? 0 : row.restarts;
  const next: RestartRow = { restarts: before + 1, upSince: undefined };
  if (before === 0) return { row: next, delayMs: 0 };
  // A power that is too large is Infinity, and so maxMs.
  const wholeMs = Math.min(maxMs, minMs * factor ** (before - 1));
  return { row: next, delayMs: Math.round(wholeMs * (1 - jitter * random)) };
}

/** The child is being started: what it was before does not count for this incarnation. */
export function notUp(row: RestartRow): RestartRow {
  return row.upSince === undefined ? row : { ...row, upSince: undefined };
}

/** The child is up, since `now` unless it was before. */
export function upAt(row: RestartRow, now: number): RestartRow {
  return row.upSince === undefined ? { ...row, upSince: now } : row;
}

function withDefaults(policy: Backoff): Required<Backoff> {
  const { minMs = BACKOFF_MIN_DEFAULT_MS, factor = BACKOFF_FACTOR_DEFAULT, jitter = BACKOFF_JITTER_DEFAULT } = policy;
  const maxMs = policy.maxMs ?? Math.max(minMs, BACKOFF_MAX_DEFAULT_MS);
  return { minMs, maxMs, factor, jitter, resetMs: policy.resetMs ?? maxMs };
}

/** What is wrong with a policy, and what to write instead; undefined when it is sound. */
export function problemOf(policy: unknown): { field: string; value: unknown; hint: string } | undefined {
  if (policy === 'none') return undefined;
  if (typeof policy !== 'object' || policy === null || Array.isArray(policy)) {
    return { field: 'backoff', value: policy, hint: "use { minMs, maxMs, factor, jitter, resetMs } or 'none'" };
  }
  // Whatever it is, its properties may be read.
  const fields = policy as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(fields).find((name) => !(name in RANGES));
  if (unknown !== undefined) {
    return { field: `backoff.${unknown}`, value: fields[unknown], hint: `leave it out: it has ${NAMES}` };
  }
  for (const [name, { min, max, isWhole }] of Object.entries(RANGES)) {
    const value = fields[name];
    if (value === undefined) continue;
    const isSound = typeof value === 'number' && value >= min && value <= max && (!isWhole || Number.isInteger(value));
    const kind = isWhole ? 'a whole number' : 'a number';
    if (!isSound) return { field: `backoff.${name}`, value, hint: `use ${kind} from ${min} to ${max}` };
  }
  const { minMs, maxMs } = withDefaults(policy);
  if (minMs <= maxMs) return undefined;
  return { field: 'backoff.maxMs', value: maxMs, hint: `make it at least minMs, which is ${minMs}` };
}

const RANGES: Readonly<Record<keyof Backoff, { min: number; max: number; isWhole: boolean }>> = {
  minMs: { min: 1, max: DURATION_MS_MAX, isWhole: true },
  maxMs: { min: 1, max: DURATION_MS_MAX, isWhole: true },
  factor: { min: 1, max: BACKOFF_FACTOR_MAX, isWhole: false },
  jitter: { min: 0, max: 1, isWhole: false },
  resetMs: { min: 0, max: DURATION_MS_MAX, isWhole: true },
};

const NAMES = Object.keys(RANGES).join(', ');
