/**
 * Reading an object of a trace field by field, so that nothing in it is guessed or passed over.
 *
 * 1. Every read checks the type of the field; `TraceFormatError` names the place, the field and what was expected.
 * 2. `done` refuses the fields that nobody read: an argument that the replay does not know would change what the step means.
 */
import { showValue } from '@heirloom/tables';
import { TraceFormatError } from './trace-format-error.js';

export class TraceFields {
  readonly place: string;
  readonly #fields: ReadonlyMap<string, unknown>;
  readonly #unread: Set<string>;

  constructor(place: string, value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new TraceFormatError(place, `expected an object, not ${showValue(value)}`);
    }
    this.place = place;
    this.#fields = new Map(Object.entries(value));
    this.#unread = new Set(this.#fields.keys());
  }

  has(name: string): boolean {
    return this.#fields.has(name);
  }

  names(): readonly string[] {
    return [...this.#fields.keys()];
  }

  /** The field as it is; it must be there. */
  value(name: string): unknown {
    if (!this.has(name)) throw new TraceFormatError(this.place, `the field '${name}' is missing`);
    this.#unread.delete(name);
    return this.#fields.get(name);
  }

  /** The field as `read` understands it, or undefined when it is not there. */
  optional<T>(name: string, read: (fields: TraceFields, name: string) => T): T | undefined {
    return this.has(name) ? read(this, name) : undefined;
  }

  string(name: string): string {
    const value = this.value(name);
    return typeof value === 'string' ? value : this.refuse(name, value, 'a string');
  }

  stringOrNull(name: string): string | undefined {
    return this.value(name) === null ? undefined : this.string(name);
  }

  boolean(name: string): boolean {
    const value = this.value(name);
    return typeof value === 'boolean' ? value : this.refuse(name, value, 'true or false');
  }

  integer(name: string): number {
    const value = this.value(name);
    return isInteger(value) ? value : this.refuse(name, value, 'an integer');
  }

  oneOf<const T extends string>(name: string, allowed: readonly T[]): T {
    const value = this.value(name);
    return allowed.find((candidate) => candidate === value) ?? this.refuse(name, value, `one of ${allowed.join(', ')}`);
  }

  /** The elements of a list, each with its place. */
  list(name: string): readonly { readonly place: string; readonly value: unknown }[] {
    const value = this.value(name);
    if (!Array.isArray(value)) return this.refuse(name, value, 'a list');
    return value.map((element: unknown, index) => ({ place: `${this.place}, ${name} ${index + 1}`, value: element }));
  }

  /** A list of one or more: a sequence without steps would pass without having shown anything. */
  steps(name: string): ReturnType<TraceFields['list']> {
    const steps = this.list(name);
    return steps.length > 0 ? steps : this.refuse(name, [], 'a list of one step or more');
  }

  /** An object in a field. */
  object(name: string): TraceFields {
    return new TraceFields(`${this.place}, ${name}`, this.value(name));
  }

  /** Refuses what is left. */
  done(): void {
    const [unread] = this.#unread;
    if (unread !== undefined) throw new TraceFormatError(this.place, `the field '${unread}' is unknown`);
  }

  refuse(name: string, value: unknown, expected: string): never {
    throw new TraceFormatError(this.place, `'${name}' is ${showValue(value)}; expected ${expected}`);
  }
}

/** Integers of traces are those that a number holds exactly. */
export function isInteger(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
