/** The checks of what callers give: paths, options and signals. Each throws TabfileError before anything is read or written. */
import { fileURLToPath } from 'node:url';
import { showValue } from '@heirloom/tables';
import { TabfileError } from './errors.js';

/** Makes the error for an argument or option with a wrong value. */
export function refused(name: string, value: unknown, advice: string): TabfileError {
  return new TabfileError('ERR_TABFILE_ARGUMENT', `'${name}' is ${showValue(value)}. ${advice}`, { argument: name });
}

/** Refuses options that are no object and names that are no options, as a misspelt `verify` would verify nothing. */
export function checkOptions(operation: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw refused('options', options, `Give an object with ${names.join(', ')}, or nothing.`);
  }
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    const message = `${showValue(unknown)} is not an option of ${operation}. It has ${names.join(', ')}.`;
    throw new TabfileError('ERR_TABFILE_ARGUMENT', message, { argument: unknown });
  }
  const { signal } = options as { signal?: unknown }; // An object, whose fields may be anything.
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw refused('signal', signal, 'Give an AbortSignal.');
}

/** The path as a string, of a path or a file URL. */
export function pathOf(path: unknown): string {
  try {
    if (path instanceof URL) return fileURLToPath(path);
  } catch {
    // Not a URL of a file: refused as everything else.
  }
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return path;
  throw refused('path', path instanceof URL ? path.href : path, 'Give the path of a file, or its URL.');
}

/** Throws ERR_TABFILE_ABORTED if the signal is aborted. */
export function checkNotAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  const message = 'Reading or writing the table file was aborted by its signal.';
  throw new TabfileError('ERR_TABFILE_ABORTED', message, {}, { cause: signal.reason });
}
