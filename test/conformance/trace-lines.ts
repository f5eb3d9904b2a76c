/**
 * The lines of a file of traces: JSON, one value a line, as it is or compressed with gzip.
 *
 * Whether a file is compressed is seen from its first bytes and not from its name. Every failure to read it is a
 * `TraceFormatError` that names the file and the line.
 */
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { TraceFormatError } from './trace-format-error.js';

export interface TraceLine {
  /** Where it is, for messages. */
  readonly place: string;
  readonly value: unknown;
}

const GZIP_MAGIC = [0x1f, 0x8b];

/** Reads all lines of a file; empty ones are passed over. Throws `TraceFormatError`, also when there is none. */
export async function readTraceLines(path: string): Promise<readonly TraceLine[]> {
  const text = await readText(path);
  const lines = text.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    const place = `${path}, line ${index + 1}`;
    return [{ place, value: parseLine(place, line) }];
  });
  if (lines.length === 0) throw new TraceFormatError(path, 'there is no trace in it');
  return lines;
}

async function readText(path: string): Promise<string> {
  try {
    const bytes = await readFile(path);
    const isCompressed = GZIP_MAGIC.every((byte, index) => bytes[index] === byte);
    return new TextDecoder('utf-8', { fatal: true }).decode(isCompressed ? gunzipSync(bytes) : bytes);
  } catch (cause) {
    throw new TraceFormatError(path, `cannot be read: ${(cause as Error).message}`, { cause }); // Node's and zlib's are errors.
  }
}

function parseLine(place: string, line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new TraceFormatError(place, `is no JSON: ${(cause as Error).message}`, { cause }); // JSON.parse throws SyntaxError.
  }
}
