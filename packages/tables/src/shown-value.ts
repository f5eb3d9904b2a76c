/**
 * How a value that was refused looks in the message that refuses it: short, on one line, and never an error of its own.
 *
 * Strings and plain data are shown as JSON, cut to SHOWN_CHARS_MAX; what JSON cannot show is named by its kind.
 */

/** The longest a value is shown, in characters: enough to recognise it. */
export const SHOWN_CHARS_MAX = 80;

/** Gives back text for any value, whatever it is. */
export function showValue(value: unknown): string {
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return `${cut(value.toString())}n`;
  if (typeof value === 'string') return JSON.stringify(cut(value));
  if (typeof value !== 'object' || value === null) return cut(String(value));
  try {
    return cut(JSON.stringify(value) ?? 'an object');
  } catch {
    // It refers to itself, holds a bigint, or has accessors that throw.
    return 'an object';
  }
}

function cut(text: string): string {
  return text.length <= SHOWN_CHARS_MAX ? text : `${text.slice(0, SHOWN_CHARS_MAX)}…`;
}
