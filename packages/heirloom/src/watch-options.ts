/**
 * What `watch` is asked for, checked where it is called.
 */
import { TableError, showValue } from '@heirloom/tables';

/** Where a watch begins; the timeline is not known of a bare LSN. */
export type WatchStart = 'now' | 'start' | { readonly timeline: number | undefined; readonly lsn: number };

/** Checks the options of a watch. Throws TableError ERR_TABLE_ARGUMENT. */
export function checkWatchOptions(options: unknown): { from: WatchStart; signal: AbortSignal | undefined } {
  if (options === undefined) return { from: 'now', signal: undefined };
  if (typeof options !== 'object' || options === null)
    throw wrong('options', options, 'an object with from and signal');
  const unknown = Object.keys(options).find((name) => name !== 'from' && name !== 'signal');
  if (unknown !== undefined) throw wrong(unknown, (options as Record<string, unknown>)[unknown], 'from or signal'); // It has that field.
  const { from = 'now', signal } = options as { readonly from?: unknown; readonly signal?: unknown }; // Any object can be read by name.
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw wrong('signal', signal, 'an AbortSignal');
  return { from: checkFrom(from), signal };
}

function checkFrom(from: unknown): WatchStart {
  if (from === 'now' || from === 'start') return from;
  if (isNatural(from)) return { timeline: undefined, lsn: from };
  if (typeof from === 'object' && from !== null) {
    const { timeline, lsn, isConsistent } = from as Readonly<Record<string, unknown>>; // Any object can be read by name.
    if (isConsistent === false) {
      throw wrong('from', 'of a batch that is not consistent', 'a position at which the rows had all been read');
    }
    if (isNatural(timeline) && isNatural(lsn)) return { timeline, lsn };
  }
  throw wrong('from', from, "'now', 'start', an LSN or a position { timeline, lsn }");
}

function isNatural(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function wrong(option: string, value: unknown, what: string): TableError {
  const message = `The option '${option}' of watch is ${showValue(value)}. Give ${what}.`;
  return new TableError('ERR_TABLE_ARGUMENT', message, { option });
}
