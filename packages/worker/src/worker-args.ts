/**
 * The arguments of a worker: what the program gives it with its reference, the same for every life.
 *
 * They travel encoded, each by itself, so that those of a template and those of an instance are one list. A life decodes them
 * once; the lists and objects among them are frozen, as all its handlers have them.
 */
import { decodeValue } from '@heirloom/wire';

/** The type of a worker's arguments as a value, for `defineWorker` to infer from; made by `args`. */
export interface ArgsType<Args extends readonly unknown[]> {
  readonly kind: 'args';
  /** Never present: it carries the type. */
  readonly '~args'?: Args;
}

const ARGS_TYPE: ArgsType<never> = Object.freeze({ kind: 'args' });

/** Says the types of a worker's arguments, as in `args: args<[region: string, limit?: number]>()`, without checking them at run time. */
export function args<const Args extends readonly unknown[]>(): ArgsType<Args> {
  // The marker carries nothing at run time, so one value serves every type.
  return ARGS_TYPE;
}

/** The arguments of one life. */
export function decodeArgs(encoded: readonly Uint8Array[] = []): readonly unknown[] {
  return Object.freeze(encoded.map((bytes) => frozen(decodeValue(bytes))));
}

/** What can be frozen is: a decoded value is a tree. */
function frozen(value: unknown): unknown {
  const isList = Array.isArray(value);
  const isObject = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
  if (!isList && !isObject) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
}
