/** The routes: for each pair of airports, how often, how far and how late it was flown. */
import { defineWorker, row, table } from 'heirloom/worker';
import type { Flight } from './flight.js';

/** The flights from one airport to another, added up. */
export interface Route {
  origin: string;
  destination: string;
  flights: number;
  /** In statute miles, of all flights together. */
  distance: number;
  /** In minutes, of all flights together. */
  delay: number;
}

export default defineWorker({
  tables: {
    routes: table({ row: row<Route>(), type: 'ordered_set', key: ['origin', 'destination'] }),
  },
  calls: {
    /** Adds one flight to its route: run twice it would count twice. Answers with the incarnation that did it. */
    record({ tables, worker }, { origin, destination, distance, delay }: Flight) {
      const key = [origin, destination] as const;
      const empty = { origin, destination, flights: 0, distance: 0, delay: 0 };
      tables.routes.updateCounter(key, 'flights', 1, { default: empty });
      tables.routes.updateCounter(key, 'distance', distance);
      tables.routes.updateCounter(key, 'delay', delay);
      return worker.incarnation;
    },
    /** Answers with the incarnation that is alive. */
    incarnation({ worker }) {
      return worker.incarnation;
    },
    /** Forgets all routes. Answers with their number. */
    clear({ tables }) {
      const routes = tables.routes.size;
      tables.routes.deleteAllObjects();
      return routes;
    },
  },
});
