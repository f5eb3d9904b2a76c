/**
 * What one line of a child process becomes in the runtime's log.
 *
 * A line of standard output that is a JSON object with a `level` and a `msg` keeps both, and its fields: a worker's `log` writes
 * such lines, and so does pino. Everything else is the message as it is: standard output at info, standard error at warn.
 *
 * 1. A process cannot say who it is: fields with the names that the runtime binds are put aside under `workerFields`. The keeper
 *    runs no code of users, and names the workers that its lines are about.
 * 2. Nothing is lost: bytes that are no UTF-8 are in `base64` too, and a line that only looks like JSON is a message.
 * 3. `loggedAt` is when the process wrote the line, if the line says so; the logger's own time is when it was read.
 */
import type { Line } from './line-splitter.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type OutputStream = 'stdout' | 'stderr';

export interface LogEntry {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What the runtime and the loggers know a line by. */
const BOUND_FIELDS: readonly string[] = [
  'worker',
  'keeper',
  'incarnation',
  'process',
  'pid',
  'stream',
  'part',
  'base64',
  'loggedAt',
  'workerFields',
  'level',
  'time',
  'msg',
];

/** What the keeper's lines are about. */
const SUBJECT_FIELDS: readonly string[] = ['worker', 'incarnation'];

/** Who has written a line. */
export type LineSource = 'worker' | 'keeper';

/** pino's numbers, each the least of its level here. */
const PINO_LEVELS: readonly (readonly [number, LogLevel])[] = [
  [50, 'error'],
  [40, 'warn'],
  [30, 'info'],
  [0, 'debug'],
];

/** Reads one line. Throws nothing. */
export function readLine({ bytes, part }: Line, stream: OutputStream, source: LineSource): LogEntry {
  const text = bytes.toString('utf8');
  const isExact = !text.includes('\uFFFD') || Buffer.from(text, 'utf8').equals(bytes);
  const entry = stream === 'stdout' && part === undefined && isExact ? structured(text, source) : undefined;
  if (entry !== undefined) return entry;
  const fields = {
    stream,
    ...(part === undefined ? {} : { part }),
    ...(isExact ? {} : { base64: bytes.toString('base64') }),
  };
  return { level: stream === 'stdout' ? 'info' : 'warn', message: text, fields };
}

function structured(text: string, source: LineSource): LogEntry | undefined {
  if (!text.startsWith('{')) return undefined;
  let read: Record<string, unknown>;
  try {
    read = JSON.parse(text) as Record<string, unknown>; // An object, as it starts with a brace.
  } catch {
    return undefined;
  }
  const { msg, time } = read;
  const level = levelOf(read['level']);
  if (typeof msg !== 'string' || level === undefined) return undefined;
  const loggedAt = typeof time === 'number' ? { loggedAt: time } : {};
  return { level, message: msg, fields: { ...ownFields(read, source, typeof time === 'number'), ...loggedAt } };
}

function ownFields(
  read: Readonly<Record<string, unknown>>,
  source: LineSource,
  isTimed: boolean,
): Record<string, unknown> {
  const isBound = (name: string): boolean =>
    BOUND_FIELDS.includes(name) && !(source === 'keeper' && SUBJECT_FIELDS.includes(name));
  const isTold = (name: string): boolean => name === 'level' || name === 'msg' || (name === 'time' && isTimed);
  const all = Object.entries(read).filter(([name]) => !isTold(name));
  const aside = all.filter(([name]) => isBound(name));
  // From entries, as `__proto__` is a name too.
  const fields = Object.fromEntries(all.filter(([name]) => !isBound(name)));
  return aside.length === 0 ? fields : { ...fields, workerFields: Object.fromEntries(aside) };
}

function levelOf(level: unknown): LogLevel | undefined {
  if (typeof level === 'number') return PINO_LEVELS.find(([least]) => level >= least)?.[1];
  return level === 'debug' || level === 'info' || level === 'warn' || level === 'error' ? level : undefined;
}
