import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { Flight } from '../src/flight.js';
import { readFlights } from '../src/flight-file.js';
import type { Ledger, LedgerRow } from '../src/ledger.js';
import { drawUpLedger } from '../src/ledger.js';

function flight(number: number, origin: string, destination: string, distance: number, delay: number): Flight {
  return { number, date: '2001/01/01 00:47', origin, destination, distance, delay };
}

function rowsOf(ledger: Ledger, table: string): LedgerRow[] {
  return [...(ledger.tables.find((entry) => entry.table === table)?.rows.values() ?? [])];
}

describe('drawUpLedger', () => {
  it('adds up routes and airports, and lists flights, departures and destinations', async () => {
    const ledger = await drawUpLedger([
      flight(2, 'JFK', 'LAX', 2475, 10),
      flight(3, 'JFK', 'LAX', 2475, -4),
      flight(4, 'LAX', 'JFK', 2475, 1),
    ]);
    expect(ledger.flights).toBe(3);
    expect(rowsOf(ledger, 'flights')).toHaveLength(3);
    expect(rowsOf(ledger, 'departures')).toContainEqual({ origin: 'LAX', number: 4, date: '2001/01/01 00:47' });
    expect(rowsOf(ledger, 'routes')).toEqual([
      { origin: 'JFK', destination: 'LAX', flights: 2, distance: 4950, delay: 6 },
      { origin: 'LAX', destination: 'JFK', flights: 1, distance: 2475, delay: 1 },
    ]);
    expect(rowsOf(ledger, 'airports')).toEqual([
      { airport: 'JFK', departures: 2, arrivals: 1, delay: 6 },
      { airport: 'LAX', departures: 1, arrivals: 2, delay: 1 },
    ]);
    expect(rowsOf(ledger, 'destinations')).toEqual([
      { origin: 'JFK', destination: 'LAX' },
      { origin: 'LAX', destination: 'JFK' },
    ]);
  });

  it('counts a flight to its own airport once each way', async () => {
    const ledger = await drawUpLedger([flight(2, 'HNL', 'HNL', 0, 5)]);
    expect(rowsOf(ledger, 'airports')).toEqual([{ airport: 'HNL', departures: 1, arrivals: 1, delay: 5 }]);
  });

  it('agrees with totals of the packaged records that were computed elsewhere', async () => {
    const path = fileURLToPath(new URL('../data/flights-20k.csv.gz', import.meta.url));
    const ledger = await drawUpLedger(readFlights(path, () => {}));
    const routes = rowsOf(ledger, 'routes');
    // The sums are awk's, over the unpacked file.
    const sum = (field: string): number => routes.reduce((total, row) => total + Number(row[field]), 0);
    expect(ledger.flights).toBe(20_000);
    expect(routes).toHaveLength(2_977);
    expect({ distance: sum('distance'), delay: sum('delay') }).toEqual({ distance: 14_476_934, delay: 154_078 });
    expect(rowsOf(ledger, 'airports').find((row) => row['airport'] === 'DFW')).toMatchObject({ departures: 1_103 });
  });
});
