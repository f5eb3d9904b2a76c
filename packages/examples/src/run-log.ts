/**
 * The runtime's log during a run. Deaths are the point of the demonstration, so nothing is printed while all goes well;
 * the latest warnings and errors are kept for a person who has to find out why a run failed.
 */
import type { Logger } from 'heirloom';

/** Enough to hold what led to a failure after the kills that came before it. */
export const ENTRIES_MAX = 40;

/** A logger for the runtime that keeps its latest warnings and errors. */
export class RunLog implements Logger {
  readonly #entries: string[] = [];

  /** The latest entries, the oldest first, a line each. */
  get entries(): readonly string[] {
    return this.#entries;
  }

  debug(): void {}

  info(): void {}

  warn(fields: object, message: string): void {
    this.#keep('warning', fields, message);
  }

  error(fields: object, message: string): void {
    this.#keep('error', fields, message);
  }

  child(): Logger {
    return this;
  }

  #keep(level: string, fields: object, message: string): void {
    const texts = Object.entries(fields).map(([name, value]) => `${name}=${textOf(value)}`);
    this.#entries.push([`${level}: ${message}`, ...texts].join(' '));
    if (this.#entries.length > ENTRIES_MAX) this.#entries.shift();
  }
}

function textOf(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.message);
  return JSON.stringify(value) ?? String(value);
}
