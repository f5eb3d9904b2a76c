/**
 * Errors as values, so that an error has the same shape on both sides of a process boundary.
 *
 * Invariants
 * 1. `encodeError` takes anything that can be thrown, never throws itself, and gives a value that `encodeValue` takes.
 * 2. What it gives is bounded: ERROR_CAUSE_DEPTH_MAX causes, each with a bounded message, stack and details. What is cut
 *    says so. Details, or a cause that is not an error, that cannot be encoded or are too large are left out.
 * 3. `decodeError` always gives an Error. One with a code of Heirloom is of the class registered for the code's prefix.
 */
import { HeirloomError } from '@heirloom/tables';
import { WireError } from './errors.js';
import { encodeValue } from './value-codec.js';

/** How many causes travel with an error; a longer chain is nearly always one that repeats itself. */
export const ERROR_CAUSE_DEPTH_MAX = 8;
/** The longest message or stack, in UTF-16 units: what a person reads of one. */
export const ERROR_TEXT_CHARS_MAX = 8_192;
/** The most that the details of an error may take, in encoded bytes. */
export const ERROR_DETAILS_BYTES_MAX = 16_384;

/** An error as plain data. */
export interface EncodedError {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string | number;
  readonly details?: unknown;
  /** True for errors of Heirloom's own classes. */
  readonly isHeirloom?: boolean;
  /** Present if what was thrown is not an error: the value itself, where it can be encoded. */
  readonly thrown?: { readonly value?: unknown };
  readonly cause?: EncodedError;
}

/** The constructor of a class of errors; `never` lets classes in that take only their own codes. */
export type ErrorClass = new (
  code: never,
  message: string,
  details?: Readonly<Record<string, unknown>>,
  options?: { cause?: unknown },
) => HeirloomError;

const classes = new Map<string, ErrorClass>([['ERR_WIRE_', WireError]]);
const builtIn = new Map<string, new (message: string) => Error>(
  [TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError].map((builtInClass) => [
    builtInClass.name,
    builtInClass,
  ]),
);

/** Makes errors whose code begins with `prefix`, like `ERR_TABLE_`, decode to a class of their own. */
export function registerErrorClass(prefix: string, errorClass: ErrorClass): void {
  classes.set(prefix, errorClass);
}

/** Turns anything that was thrown into a plain value that can be encoded. */
export function encodeError(thrown: unknown): EncodedError {
  try {
    return encodeAt(thrown, 0);
  } catch {
    // An accessor or a Proxy of the thrown object failed in its turn; nothing more can be learned of it.
    return { name: 'Error', message: 'An error was thrown that cannot be read.' };
  }
}

function encodeAt(thrown: unknown, depth: number): EncodedError {
  if (!(thrown instanceof Error)) return encodeThrown(thrown);
  const { name, message, stack, cause } = thrown;
  const { code, details } = thrown as { code?: unknown; details?: unknown }; // Read with care: each is checked below.
  return {
    name: bounded(name),
    message: bounded(message),
    ...(typeof stack === 'string' && { stack: bounded(stack) }),
    ...(typeof code === 'string' && { code: bounded(code) }),
    ...(typeof code === 'number' && { code }),
    ...(details !== undefined && isEncodable(details) && { details }),
    ...(thrown instanceof HeirloomError && { isHeirloom: true }),
    ...(cause !== undefined && depth < ERROR_CAUSE_DEPTH_MAX && { cause: encodeAt(cause, depth + 1) }),
  };
}

function encodeThrown(value: unknown): EncodedError {
  const message = `A value that is not an Error was thrown: ${describe(value)}`;
  return { name: 'Error', message: bounded(message), thrown: isEncodable(value) ? { value } : {} };
}

function describe(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

function bounded(text: unknown): string {
  const whole = String(text);
  const cut = whole.length <= ERROR_TEXT_CHARS_MAX ? whole : `${whole.slice(0, ERROR_TEXT_CHARS_MAX)}… (cut)`;
  // In every Node that is supported, but in no library of types before ES2024.
  return (cut as unknown as { toWellFormed(): string }).toWellFormed();
}

function isEncodable(value: unknown): boolean {
  try {
    return encodeValue(value).length <= ERROR_DETAILS_BYTES_MAX;
  } catch {
    return false;
  }
}

/** Turns a value from `encodeError` back into an Error. A value that is none gives WireError ERR_WIRE_DECODE, returned. */
export function decodeError(value: unknown): Error {
  return decodeAt(value, 0);
}

function decodeAt(value: unknown, depth: number): Error {
  if (!isEncodedError(value)) return new WireError('ERR_WIRE_DECODE', 'An error came in that is not one.');
  const error = construct(value);
  hide(error, 'stack', value.stack ?? `${value.name}: ${value.message}`);
  if (error.name !== value.name) hide(error, 'name', value.name);
  if (!(error instanceof HeirloomError)) {
    if (value.code !== undefined) Object.assign(error, { code: value.code });
    if (value.details !== undefined) Object.assign(error, { details: value.details });
  }
  if (value.thrown !== undefined && 'value' in value.thrown) hide(error, 'cause', value.thrown.value);
  if (value.cause !== undefined && depth < ERROR_CAUSE_DEPTH_MAX)
    hide(error, 'cause', decodeAt(value.cause, depth + 1));
  return error;
}

function construct({ name, message, code, details, isHeirloom }: EncodedError): Error {
  if (isHeirloom !== true || typeof code !== 'string') return new (builtIn.get(name) ?? Error)(message);
  const prefix = [...classes.keys()].find((candidate) => code.startsWith(candidate));
  const errorClass = prefix === undefined ? HeirloomError : (classes.get(prefix) ?? HeirloomError);
  const record = typeof details === 'object' && details !== null ? (details as Record<string, unknown>) : {}; // Read only.
  return new errorClass(code as never, message, record); // Its class was registered for codes that begin like this one.
}

function isEncodedError(value: unknown): value is EncodedError {
  if (typeof value !== 'object' || value === null) return false;
  const { name, message, stack, code, thrown } = value as Record<string, unknown>; // A decoded value: reading runs no code.
  return (
    typeof name === 'string' &&
    typeof message === 'string' &&
    (stack === undefined || typeof stack === 'string') &&
    (code === undefined || typeof code === 'string' || typeof code === 'number') &&
    (thrown === undefined || (typeof thrown === 'object' && thrown !== null))
  );
}

function hide(error: Error, property: string, value: unknown): void {
  Object.defineProperty(error, property, { value, writable: true, enumerable: false, configurable: true });
}
