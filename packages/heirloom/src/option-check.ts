/**
 * Checks of options where they are given, all with one shape of message: which option, its value, and what to give instead.
 */
import { showValue } from '@heirloom/tables';
import { RuntimeError } from './errors.js';

/** The error for an option with a wrong value; `what` ends the sentence "The option … ". */
export function wrongOption(option: string, value: unknown, what: string): RuntimeError {
  return new RuntimeError('ERR_RUNTIME_OPTION', `The option ${option} (${showValue(value)}) ${what}.`, {
    option,
    value: showValue(value),
  });
}

/** Throws ERR_RUNTIME_OPTION unless `options` is an object whose every property is one of `names`. `of` says whose they are. */
export function checkOptionNames(of: string, options: unknown, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const message = `The options of ${of} are ${showValue(options)}: give an object with ${names.join(', ')}.`;
    throw new RuntimeError('ERR_RUNTIME_OPTION', message, { value: showValue(options) });
  }
  const unknown = Object.keys(options).find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new RuntimeError(
    'ERR_RUNTIME_OPTION',
    `${showValue(unknown)} is not an option of ${of}; the options are ${names.join(', ')}.`,
    { option: unknown },
  );
}

/** The number, or what stands for it when it is left out. */
export function wholeNumber(option: string, value: unknown, otherwise: number, min: number, max: number): number {
  if (value === undefined) return otherwise;
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw wrongOption(option, value, `must be a whole number from ${min} to ${max}`);
}

/** The boolean, or what stands for it when it is left out. */
export function trueOrFalse(option: string, value: unknown, otherwise: boolean): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? otherwise;
  throw wrongOption(option, value, 'must be true or false');
}
