/**
 * What a field of a log line becomes: a value that JSON can write, whatever was given.
 *
 * 1. Nothing here throws, and nothing that is logged can throw out of it: getters, `toJSON` and proxies that throw are told of in
 *    their place.
 * 2. The result is bounded in depth, width and length of strings; what is left out says so where it was.
 * 3. Errors keep name, message, code, stack and cause, and their own fields. Circles and what JSON does not know have words.
 */

/** Deeper than this a log is not read by anyone. */
export const LOG_DEPTH_MAX = 8;
/** The most entries of one object or array. */
export const LOG_ENTRIES_MAX = 200;
/** The longest string, in characters: a stack of some hundred frames. */
export const LOG_STRING_CHARS_MAX = 16_384;
/** The longest name of a field, and of what was thrown in its place, in characters. */
export const LOG_NAME_CHARS_MAX = 256;
/** What all fields of a line may have together: characters, and VALUE_COST for every value. */
export const LOG_BUDGET = 131_072;
/** What a value costs besides its characters, so that no tree of small ones is large. */
const VALUE_COST = 16;

/** What JSON can write, in place of any value; undefined for what a field is left out for. */
export function loggable(value: unknown): unknown {
  return new Rendering().plain(value, []);
}

/** A string of at most that many characters, and how many it had. */
export function cutString(text: string, charsMax: number = LOG_STRING_CHARS_MAX): string {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax)}… [of ${text.length} characters]`;
}

/** The rendering of one value, with what is left of its budget. */
class Rendering {
  #left = LOG_BUDGET;

  plain(value: unknown, above: readonly object[]): unknown {
    this.#left -= VALUE_COST;
    if (this.#left <= 0) return '[left out]';
    switch (typeof value) {
      case 'string':
        return this.#text(value);
      case 'number':
        return Number.isFinite(value) ? value : String(value);
      case 'bigint':
        return this.#text(`${value}n`);
      case 'symbol':
        return this.#text(value.toString());
      case 'function':
        return '[function]';
      case 'object':
        return value === null ? null : attempt(() => this.#object(value, above));
      default:
        return value; // true, false and undefined.
    }
  }

  #text(text: string): string {
    const cut = cutString(text, Math.max(0, Math.min(LOG_STRING_CHARS_MAX, this.#left)));
    this.#left -= cut.length;
    return cut;
  }

  #object(value: object, above: readonly object[]): unknown {
    if (above.includes(value)) return '[circular]';
    if (above.length >= LOG_DEPTH_MAX) return '[too deep]';
    const path = [...above, value];
    if (value instanceof Error) return this.#error(value, path);
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
    const { toJSON } = value as { readonly toJSON?: unknown };
    if (typeof toJSON === 'function') return this.plain(toJSON.call(value, ''), path);
    if (value instanceof Map || value instanceof Set) return this.#list(head(value), value.size, path);
    if (Array.isArray(value)) return this.#list(value.slice(0, LOG_ENTRIES_MAX), value.length, path);
    return this.#fields(value, Object.keys(value), path);
  }

  #error(error: Error, path: readonly object[]): unknown {
    const shown = ['name', 'message', 'code', 'stack', 'cause', ...(error instanceof AggregateError ? ['errors'] : [])];
    return this.#fields(error, [...new Set([...shown.filter((name) => name in error), ...Object.keys(error)])], path);
  }

  #fields(value: object, names: readonly string[], path: readonly object[]): unknown {
    const result: Record<string, unknown> = {};
    // A field of any name, as `__proto__` is a name too.
    const define = (name: string, field: unknown): void =>
      void Object.defineProperty(result, name, { value: field, enumerable: true, configurable: true, writable: true });
    for (const name of names.slice(0, LOG_ENTRIES_MAX)) {
      this.#left -= name.length;
      // Whatever it is, it has this name of its own.
      define(
        cutString(name, LOG_NAME_CHARS_MAX),
        attempt(() => this.plain((value as Readonly<Record<string, unknown>>)[name], path)),
      );
    }
    if (names.length > LOG_ENTRIES_MAX) define('…', `${names.length - LOG_ENTRIES_MAX} more`);
    return result;
  }

  #list(entries: readonly unknown[], size: number, path: readonly object[]): unknown {
    const list = entries.map((entry) => this.plain(entry, path));
    return size > LOG_ENTRIES_MAX ? [...list, `… ${size - LOG_ENTRIES_MAX} more`] : list;
  }
}

function head<T>(values: Iterable<T>): readonly T[] {
  const first: T[] = [];
  for (const value of values) {
    if (first.length === LOG_ENTRIES_MAX) break;
    first.push(value);
  }
  return first;
}

function attempt(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    return `[threw ${thrownWords(error)}]`;
  }
}

function thrownWords(error: unknown): string {
  try {
    return cutString(error instanceof Error ? error.message : typeof error, LOG_NAME_CHARS_MAX);
  } catch {
    return 'what cannot be said';
  }
}
