/** The airports: the traffic of each, and where one can fly to from it. */
import { defineWorker, row, table } from 'heirloom/worker';
import type { Flight } from './flight.js';

/** The traffic of one airport. */
export interface Airport {
  airport: string;
  departures: number;
  arrivals: number;
  /** In minutes, of all departures together. */
  delay: number;
}

export default defineWorker({
  tables: {
    airports: table({ row: row<Airport>(), type: 'set', key: 'airport' }),
    destinations: table({ row: row<{ origin: string; destination: string }>(), type: 'bag', key: 'origin' }),
  },
  calls: {
    /** Counts one flight at both of its airports. Answers with the incarnation that did it. */
    record({ tables, worker }, { origin, destination, delay }: Flight) {
      const empty = { departures: 0, arrivals: 0, delay: 0 };
      tables.airports.updateCounter(origin, 'departures', 1, { default: { airport: origin, ...empty } });
      tables.airports.updateCounter(origin, 'delay', delay);
      tables.airports.updateCounter(destination, 'arrivals', 1, { default: { airport: destination, ...empty } });
      tables.destinations.insert({ origin, destination });
      return worker.incarnation;
    },
    /** Answers with the incarnation that is alive. */
    incarnation({ worker }) {
      return worker.incarnation;
    },
    /** Forgets all airports. Answers with their number. */
    clear({ tables }) {
      const airports = tables.airports.size;
      tables.airports.deleteAllObjects();
      tables.destinations.deleteAllObjects();
      return airports;
    },
  },
});
