/**
 * The ledger: what every table must hold, added up straight from the file with plain maps.
 *
 * 1. It shares no code with the runtime or the workers, so an error there cannot hide in its totals.
 * 2. A row has an identity that no other row of its table shares, and a weight: the number of records it stands for.
 *    A weight that came out smaller means lost work, a greater one work done twice.
 */
import type { Flight } from './flight.js';

/** A row as plain text and numbers. */
export type LedgerRow = Readonly<Record<string, string | number>>;

/** One table as it must be in the end. */
export interface LedgerTable {
  readonly worker: string;
  readonly table: string;
  readonly type: 'set' | 'ordered_set' | 'bag' | 'duplicate_bag';
  /** The fields that tell a row from the others of its table. */
  readonly identity: readonly string[];
  /** The fields whose sum is the row's weight; without any, every row weighs 1. */
  readonly weight: readonly string[];
  /** By `rowIdentity`. */
  readonly rows: ReadonlyMap<string, LedgerRow>;
}

/** The totals of one file. */
export interface Ledger {
  readonly flights: number;
  readonly tables: readonly LedgerTable[];
}

/** The text that stands for the fields `identity` of `row`; rows with equal fields have equal texts, others do not. */
export function rowIdentity(row: Readonly<Record<string, unknown>>, identity: readonly string[]): string {
  return JSON.stringify(identity.map((field) => row[field] ?? null));
}

/** Adds up all flights. */
export async function drawUpLedger(flights: AsyncIterable<Flight> | Iterable<Flight>): Promise<Ledger> {
  const board = new Map<string, LedgerRow>();
  const departures = new Map<string, LedgerRow>();
  const routes = new Map<string, { flights: number; distance: number; delay: number } & LedgerRow>();
  const airports = new Map<string, { departures: number; arrivals: number; delay: number } & LedgerRow>();
  const destinations = new Map<string, LedgerRow>();

  for await (const flight of flights) {
    const { number, date, origin, destination, distance, delay } = flight;
    board.set(JSON.stringify([number]), { number, date, origin, destination, distance, delay });
    departures.set(JSON.stringify([origin, number]), { origin, number, date });

    const pair = JSON.stringify([origin, destination]);
    const route = routes.get(pair) ?? { origin, destination, flights: 0, distance: 0, delay: 0 };
    routes.set(pair, {
      ...route,
      flights: route.flights + 1,
      distance: route.distance + distance,
      delay: route.delay + delay,
    });

    const from = airports.get(JSON.stringify([origin])) ?? { airport: origin, departures: 0, arrivals: 0, delay: 0 };
    airports.set(JSON.stringify([origin]), { ...from, departures: from.departures + 1, delay: from.delay + delay });
    const to = airports.get(JSON.stringify([destination])) ?? {
      airport: destination,
      departures: 0,
      arrivals: 0,
      delay: 0,
    };
    airports.set(JSON.stringify([destination]), { ...to, arrivals: to.arrivals + 1 });
    destinations.set(pair, { origin, destination });
  }

  return {
    flights: board.size,
    tables: [
      { worker: 'board', table: 'flights', type: 'set', identity: ['number'], weight: [], rows: board },
      {
        worker: 'board',
        table: 'departures',
        type: 'duplicate_bag',
        identity: ['origin', 'number'],
        weight: [],
        rows: departures,
      },
      {
        worker: 'routes',
        table: 'routes',
        type: 'ordered_set',
        identity: ['origin', 'destination'],
        weight: ['flights'],
        rows: routes,
      },
      {
        worker: 'airports',
        table: 'airports',
        type: 'set',
        identity: ['airport'],
        weight: ['departures', 'arrivals'],
        rows: airports,
      },
      {
        worker: 'airports',
        table: 'destinations',
        type: 'bag',
        identity: ['origin', 'destination'],
        weight: [],
        rows: destinations,
      },
    ],
  };
}
