/** The board: every flight once, and the departures of each airport in the order in which they came. */
import { defineWorker, row, table } from 'heirloom/worker';
import type { Flight } from './flight.js';

export default defineWorker({
  tables: {
    flights: table({ row: row<Flight>(), type: 'set', key: 'number' }),
    departures: table({
      row: row<{ origin: string; number: number; date: string }>(),
      type: 'duplicate_bag',
      key: 'origin',
    }),
  },
  calls: {
    /** Puts one flight on the board. Answers with the incarnation that did it. */
    record({ tables, worker }, flight: Flight) {
      tables.flights.insert(flight);
      tables.departures.insert({ origin: flight.origin, number: flight.number, date: flight.date });
      return worker.incarnation;
    },
    /** Answers with the incarnation that is alive. */
    incarnation({ worker }) {
      return worker.incarnation;
    },
    /** Empties the board. Answers with the number of flights that it had. */
    clear({ tables }) {
      const flights = tables.flights.size;
      tables.flights.deleteAllObjects();
      tables.departures.deleteAllObjects();
      return flights;
    },
  },
});
