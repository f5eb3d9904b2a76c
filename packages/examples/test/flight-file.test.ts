import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Flight } from '../src/flight.js';
import { readFlights } from '../src/flight-file.js';
import type { Malformed } from '../src/flight-record.js';

const HEADER = 'date,origin,destination,distance,delay\n';
const LINE = '2001/01/01 00:47,DTW,LAS,1750,66\n';
let directory = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'flight-file-test-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function read(content: string | Uint8Array): Promise<{ flights: Flight[]; malformed: Malformed[] }> {
  const path = join(directory, 'flights.csv');
  await writeFile(path, content);
  return readPath(path);
}

async function readPath(path: string): Promise<{ flights: Flight[]; malformed: Malformed[] }> {
  const flights: Flight[] = [];
  const malformed: Malformed[] = [];
  for await (const flight of readFlights(path, (line) => malformed.push(line))) flights.push(flight);
  return { flights, malformed };
}

describe('readFlights', () => {
  it('reads the records that come with the package', async () => {
    const { flights, malformed } = await readPath(
      fileURLToPath(new URL('../data/flights-20k.csv.gz', import.meta.url)),
    );
    expect(malformed).toEqual([]);
    expect(flights).toHaveLength(20_000);
    expect(flights[0]).toMatchObject({ number: 2, origin: 'DTW', delay: 66 });
    expect(flights.at(-1)).toMatchObject({ number: 20_001, date: '2001/03/31 22:27', delay: -9 });
  });

  it('reads a plain and a gzipped file alike, whatever its name', async () => {
    const plain = await read(HEADER + LINE);
    expect(plain.flights).toHaveLength(1);
    expect(await read(gzipSync(HEADER + LINE))).toEqual(plain);
  });

  it('tells of malformed lines by number and goes on', async () => {
    const { flights, malformed } = await read(`${HEADER + LINE}nonsense\n${LINE}\n`);
    expect(flights.map(({ number }) => number)).toEqual([2, 4]);
    expect(malformed).toEqual([
      { line: 3, reason: 'has 1 fields instead of 5' },
      { line: 5, reason: 'is empty' },
    ]);
  });

  it('gives no flights for a file of only a header', async () => {
    expect(await read(HEADER)).toEqual({ flights: [], malformed: [] });
  });

  it.each([
    ['a missing file', () => join(directory, 'nowhere.csv'), /nowhere\.csv cannot be read: there is no such file/],
    ['a directory', () => directory, /it is a directory/],
  ])('names %s', async (_, path, message) => {
    await expect(readPath(path())).rejects.toMatchObject({
      code: 'ERR_FLIGHT_BOARD_INPUT',
      message: expect.stringMatching(message),
    });
  });

  it('refuses an empty file, a cut gzip file and a file without a column', async () => {
    await expect(read('')).rejects.toMatchObject({ code: 'ERR_FLIGHT_BOARD_INPUT' });
    await expect(read(gzipSync(HEADER + LINE.repeat(50)).subarray(0, 60))).rejects.toMatchObject({
      code: 'ERR_FLIGHT_BOARD_INPUT',
    });
    await expect(read('date,origin\n')).rejects.toMatchObject({ code: 'ERR_FLIGHT_BOARD_COLUMN' });
  });
});
