/**
 * Checks that a decoded value has the fields of a message.
 *
 * A control message travels as one plain object. What comes in is compared with a record of checks, one a field, so that a
 * message of a wrong shape is refused as a whole with ERR_WIRE_MESSAGE before anything acts on it. Unknown fields are refused
 * too: both ends are of one version.
 */
import { WireError } from './errors.js';

/** Whether a decoded value is what a field takes. The type parameter is what it then is. */
export type FieldCheck<T> = (value: unknown) => value is T;

/** The message that a record of checks accepts. */
export type Checked<Fields> = { readonly [Name in keyof Fields]: Fields[Name] extends FieldCheck<infer T> ? T : never };

export const text: FieldCheck<string> = (value): value is string => typeof value === 'string';
export const flag: FieldCheck<boolean> = (value): value is boolean => typeof value === 'boolean';
export const anything: FieldCheck<unknown> = (_value): _value is unknown => true;
/** A safe integer of at least 0: an id, a count, an epoch, an LSN or a number of milliseconds. */
export const natural: FieldCheck<number> = (value): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
export const binary: FieldCheck<Uint8Array> = (value): value is Uint8Array => value instanceof Uint8Array;

export function optional<T>(check: FieldCheck<T>): FieldCheck<T | undefined> {
  return (value): value is T | undefined => value === undefined || check(value);
}

export function oneOf<const T extends readonly unknown[]>(...allowed: T): FieldCheck<T[number]> {
  return (value): value is T[number] => allowed.includes(value);
}

export function listOf<T>(check: FieldCheck<T>): FieldCheck<readonly T[]> {
  return (value): value is readonly T[] => Array.isArray(value) && value.every((item) => check(item));
}

export function record<Fields extends Record<string, FieldCheck<unknown>>>(
  fields: Fields,
): FieldCheck<Checked<Fields>> {
  const names = Object.keys(fields);
  return (value): value is Checked<Fields> => {
    if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return false;
    const candidate = value as Record<string, unknown>; // A plain object, by the check above.
    return (
      names.every((name) => fields[name]?.(candidate[name])) &&
      Object.keys(candidate).every((name) => Object.hasOwn(fields, name))
    );
  };
}

/** Gives the value its checked type, or throws WireError ERR_WIRE_MESSAGE that names the message. */
export function expectMessage<T>(name: string, check: FieldCheck<T>, value: unknown): T {
  if (check(value)) return value;
  throw new WireError('ERR_WIRE_MESSAGE', `A message ${name} has not the fields of a ${name}.`, { message: name });
}
