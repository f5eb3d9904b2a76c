/**
 * The grammar of a flight's line: a header that names the columns, then plain fields between commas.
 *
 * 1. The columns `date`, `origin`, `destination`, `distance` and `delay` are all there once, in any order; others are
 *    allowed and ignored.
 * 2. There is no quoting: the fields need none, and a quote is more likely damage than intent.
 * 3. A line either is a flight in every field or is malformed, with the reason; nothing is guessed or trimmed.
 */
import { FlightBoardError } from './errors.js';
import type { Flight } from './flight.js';
import type { Line } from './line-reader.js';
import { LINE_CHARACTERS_MAX } from './line-reader.js';

const COLUMNS = ['date', 'origin', 'destination', 'distance', 'delay'] as const;

/** Where each column stands in a line, and how many fields a line has. */
export interface Columns {
  readonly positions: Readonly<Record<(typeof COLUMNS)[number], number>>;
  readonly width: number;
}

/** A line that is no flight, and why; `reason` completes the sentence "line 7 …". */
export interface Malformed {
  readonly line: number;
  readonly reason: string;
}

/** Reads the header; throws `ERR_FLIGHT_BOARD_COLUMN` naming every column that is missing or there twice. */
export function parseHeader(text: string, path: string): Columns {
  const names = text.replace(/^\uFEFF/, '').split(',');
  const missing = COLUMNS.filter((column) => !names.includes(column));
  if (missing.length > 0) {
    throw new FlightBoardError(
      'ERR_FLIGHT_BOARD_COLUMN',
      `${path} has no column ${missing.map((name) => `"${name}"`).join(', ')}: ` +
        `its first line must name ${COLUMNS.join(', ')}.`,
    );
  }
  const twice = COLUMNS.find((column) => names.indexOf(column) !== names.lastIndexOf(column));
  if (twice !== undefined) {
    throw new FlightBoardError('ERR_FLIGHT_BOARD_COLUMN', `${path} has the column "${twice}" twice: name it once.`);
  }
  const position = (column: string): number => names.indexOf(column);
  return {
    positions: {
      date: position('date'),
      origin: position('origin'),
      destination: position('destination'),
      distance: position('distance'),
      delay: position('delay'),
    },
    width: names.length,
  };
}

/** Reads one line after the header: the flight, or why it is none. */
export function parseFlight({ number, text }: Line, columns: Columns): Flight | Malformed {
  const malformed = (reason: string): Malformed => ({ line: number, reason });
  if (text === undefined) return malformed(`is longer than ${LINE_CHARACTERS_MAX} characters`);
  if (text === '') return malformed('is empty');
  if (text.includes('"')) return malformed('has a quote; fields are plain text between commas');
  const fields = text.split(',');
  if (fields.length !== columns.width) return malformed(`has ${fields.length} fields instead of ${columns.width}`);

  const field = (column: (typeof COLUMNS)[number]): string => fields[columns.positions[column]] ?? '';
  const [date, origin, destination] = [field('date'), field('origin'), field('destination')];
  if (!isDate(date)) return malformed(`has the date ${shown(date)}, which is no time as "2001/01/31 23:59"`);
  for (const [column, code] of [['origin', origin] as const, ['destination', destination] as const]) {
    if (!/^[A-Z0-9]{3,4}$/.test(code)) return malformed(`has the ${column} ${shown(code)}, which is no airport code`);
  }
  const [distance, delay] = [field('distance'), field('delay')];
  if (!/^\d{1,6}$/.test(distance)) return malformed(`has the distance ${shown(distance)}, which is no whole number`);
  if (!/^-?\d{1,6}$/.test(delay)) return malformed(`has the delay ${shown(delay)}, which is no whole number`);
  // Adding 0 makes a delay of "-0" the same number as "0".
  return { number, date, origin, destination, distance: Number(distance), delay: Number(delay) + 0 };
}

function isDate(text: string): boolean {
  const match = /^(\d{4})\/(\d{2})\/(\d{2}) (\d{2}):(\d{2})$/.exec(text);
  if (match === null) return false;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0] = match.slice(1).map(Number);
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day && hour < 24 && minute < 60;
}

/** A field as a message shows it: quoted, and cut where it would fill the screen. */
function shown(field: string): string {
  return JSON.stringify(field.length > 40 ? `${field.slice(0, 40)}…` : field);
}
