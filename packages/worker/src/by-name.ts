/** An object whose properties are made from their names when they are first used, as the tables and operations of a handle are. */
import { RESERVED_NAMES } from './definition.js';

export function byName(make: (name: string) => unknown): object {
  const made = new Map<string, unknown>();
  return new Proxy(Object.freeze({}), {
    get(_target, name) {
      if (typeof name !== 'string') return undefined;
      // What the language asks of any object: a promise resolver for `then`, JSON for `toJSON`, a conversion for the others.
      if (RESERVED_NAMES.includes(name)) return Reflect.get(Object.prototype, name);
      if (!made.has(name)) made.set(name, make(name));
      return made.get(name);
    },
  });
}
