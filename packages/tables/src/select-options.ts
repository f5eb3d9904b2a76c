/** The check that the options of a select are ones that there are: a misspelt `where` would select the whole table. */
import { TableError } from './errors.js';
import { showValue } from './shown-value.js';

/** Throws ERR_TABLE_ARGUMENT for options that are no object, and for a name that is none of `names`. */
export function checkSelectOptions(options: unknown, names: readonly string[]): void {
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null) {
    const message = `The options of select are ${showValue(options)}. Give an object with ${names.join(', ')}, or none.`;
    throw new TableError('ERR_TABLE_ARGUMENT', message, { names });
  }
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  const message = `${showValue(unknown)} is not an option of select. It has ${names.join(', ')}.`;
  throw new TableError('ERR_TABLE_ARGUMENT', message, { option: unknown, names });
}
