import { describe, expect, it } from 'vitest';
import type { Flight } from '../src/flight.js';
import type { Malformed } from '../src/flight-record.js';
import { parseFlight, parseHeader } from '../src/flight-record.js';

const columns = parseHeader('date,origin,destination,distance,delay', 'f.csv');
const parse = (text: string | undefined): Flight | Malformed => parseFlight({ number: 7, text }, columns);

describe('parseHeader', () => {
  it('takes the columns in any order, and others beside them', () => {
    const shuffled = parseHeader('\uFEFFdelay,carrier,date,destination,distance,origin', 'f.csv');
    expect(parseFlight({ number: 2, text: '-3,AA,2001/01/31 23:59,LAX,1,JFK' }, shuffled)).toEqual({
      number: 2,
      date: '2001/01/31 23:59',
      origin: 'JFK',
      destination: 'LAX',
      distance: 1,
      delay: -3,
    });
  });

  it('names the file and every missing column', () => {
    expect(() => parseHeader('date,origin,dest', 'f.csv')).toThrow(
      expect.objectContaining({
        code: 'ERR_FLIGHT_BOARD_COLUMN',
        message: expect.stringMatching(/^f\.csv has no column "destination", "distance", "delay"/),
      }),
    );
  });

  it('refuses a column that is there twice', () => {
    expect(() => parseHeader('date,origin,destination,distance,delay,origin', 'f.csv')).toThrow(/"origin" twice/);
  });
});

describe('parseFlight', () => {
  it('reads every field', () => {
    expect(parse('2001/01/01 00:47,DTW,LAS,1750,66')).toEqual({
      number: 7,
      date: '2001/01/01 00:47',
      origin: 'DTW',
      destination: 'LAS',
      distance: 1750,
      delay: 66,
    });
  });

  it('reads a delay of -0 as 0, so that sums are the same numbers everywhere', () => {
    expect(parse('2001/01/01 00:47,DTW,LAS,0,-0')).toMatchObject({ distance: 0, delay: 0 });
  });

  it.each([
    [undefined, /longer than/],
    ['', /is empty/],
    ['2001/01/01 00:47,DTW,LAS,1750', /has 4 fields instead of 5/],
    ['2001/01/01 00:47,DTW,LAS,1750,66,', /has 6 fields instead of 5/],
    ['"2001/01/01 00:47",DTW,LAS,1750,66', /a quote/],
    ['2001/02/29 00:47,DTW,LAS,1750,66', /date "2001\/02\/29 00:47"/],
    ['2001/01/01 24:00,DTW,LAS,1750,66', /date/],
    ['2001-01-01 00:47,DTW,LAS,1750,66', /date/],
    ['2001/01/01 00:47,dtw,LAS,1750,66', /origin "dtw"/],
    ['2001/01/01 00:47,DTW,,1750,66', /destination ""/],
    ['2001/01/01 00:47,DTW,LAS,-1,66', /distance "-1"/],
    ['2001/01/01 00:47,DTW,LAS,1e3,66', /distance "1e3"/],
    ['2001/01/01 00:47,DTW,LAS,1750,NA', /delay "NA"/],
    ['2001/01/01 00:47,DTW,LAS,1750, 6', /delay " 6"/],
    ['2001/01/01 00:47,DTW,LAS,1750,1234567', /delay "1234567"/],
  ])('refuses %j with its reason', (text, reason) => {
    expect(parse(text)).toEqual({ line: 7, reason: expect.stringMatching(reason) });
  });

  it('cuts a long field in its reason', () => {
    expect(parse(`2001/01/01 00:47,${'X'.repeat(500)},LAS,1,1`)).toMatchObject({
      reason: expect.stringMatching(/^.{1,120}$/),
    });
  });
});
