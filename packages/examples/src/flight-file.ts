/** Reads the flights of a file in order, as a stream: plain or gzipped, told apart by its first two bytes. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { FlightBoardError } from './errors.js';
import type { Flight } from './flight.js';
import type { Columns, Malformed } from './flight-record.js';
import { parseFlight, parseHeader } from './flight-record.js';
import { readLines } from './line-reader.js';

/**
 * Yields every flight of the file at `path`, in its order, and tells `onMalformed` of each line that is none.
 *
 * Throws `ERR_FLIGHT_BOARD_INPUT` when the file is missing, unreadable, empty or a damaged gzip file, and
 * `ERR_FLIGHT_BOARD_COLUMN` when a column is missing or there twice.
 */
export async function* readFlights(path: string, onMalformed: (line: Malformed) => void): AsyncGenerator<Flight> {
  let columns: Columns | undefined;
  try {
    for await (const line of readLines(await openText(path))) {
      if (columns === undefined) {
        columns = parseHeader(line.text ?? '', path);
        continue;
      }
      const parsed = parseFlight(line, columns);
      if ('reason' in parsed) onMalformed(parsed);
      else yield parsed;
    }
  } catch (error) {
    throw error instanceof FlightBoardError ? error : unreadable(path, error);
  }
  if (columns === undefined) {
    throw new FlightBoardError('ERR_FLIGHT_BOARD_INPUT', `${path} is empty: its first line must name the columns.`);
  }
}

async function openText(path: string): Promise<AsyncIterable<string>> {
  const isZipped = await isGzip(path);
  const file = createReadStream(path);
  // The reader of the result meets every failure of the pipeline, so the callback has nothing to add.
  const text: Readable = isZipped ? pipeline(file, createGunzip(), () => {}) : file;
  text.setEncoding('utf8');
  return text;
}

async function isGzip(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await file.read(new Uint8Array(2), 0, 2, 0);
    return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
  } finally {
    await file.close();
  }
}

function unreadable(path: string, cause: unknown): FlightBoardError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const reasons: Record<string, string> = {
    ENOENT: 'there is no such file',
    EISDIR: 'it is a directory, not a file',
    EACCES: 'this user may not read it',
  };
  const reason = (typeof code === 'string' ? reasons[code] : undefined) ?? message;
  return new FlightBoardError('ERR_FLIGHT_BOARD_INPUT', `The input ${path} cannot be read: ${reason}.`, { cause });
}
