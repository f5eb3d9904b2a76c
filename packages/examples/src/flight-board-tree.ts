/** The flight board's workers: where they are, and how the demonstration talks to them. */
import type { Runtime, SupervisorReference, WorkerReference } from 'heirloom';
import { supervisor, worker } from 'heirloom';
import type airportsWorker from './airports.worker.js';
import type boardWorker from './board.worker.js';
import type { FoundRow } from './comparison.js';
import type { Station } from './feed.js';
import type { Victim } from './killer.js';
import type routesWorker from './routes.worker.js';

/** A call that takes longer has failed: it waits for a few restarts at most. */
export const CALL_TIMEOUT_MS = 60_000;

const boardRef: WorkerReference<typeof boardWorker> = worker<typeof boardWorker>(
  'board',
  new URL('./board.worker.js', import.meta.url),
);
const routesRef: WorkerReference<typeof routesWorker> = worker<typeof routesWorker>(
  'routes',
  new URL('./routes.worker.js', import.meta.url),
);
const airportsRef: WorkerReference<typeof airportsWorker> = worker<typeof airportsWorker>(
  'airports',
  new URL('./airports.worker.js', import.meta.url),
);

/** The workers' names, in the order in which they start. */
export const WORKERS: readonly string[] = [boardRef.name, routesRef.name, airportsRef.name];

/** The supervision tree; it allows every restart that the demonstration causes. */
export const TREE: SupervisorReference = supervisor({ strategy: 'one_for_one', intensity: 1_000, periodMs: 60_000 }, [
  boardRef,
  routesRef,
  airportsRef,
]);

/** A table as the comparison reads it. */
export interface ComparedTable {
  rows(): AsyncIterable<FoundRow>;
  size(): Promise<number>;
}

/** Everything that the demonstration asks of its workers. */
export interface FlightBoard {
  readonly stations: readonly Station[];
  readonly victims: ReadonlyMap<string, Victim>;
  /** By `worker.table`. */
  readonly tables: ReadonlyMap<string, ComparedTable>;
  /** Empties every table; gives the number of records that there were. */
  clear(): Promise<number>;
}

/** The flight board of a running tree. */
export function flightBoard(runtime: Runtime): FlightBoard {
  const [board, routes, airports] = [runtime.worker(boardRef), runtime.worker(routesRef), runtime.worker(airportsRef)];
  const timed = { timeoutMs: CALL_TIMEOUT_MS };
  const calls = {
    board: board.with(timed).call,
    routes: routes.with(timed).call,
    airports: airports.with(timed).call,
  };
  return {
    stations: [
      { name: boardRef.name, record: (flight) => calls.board.record(flight) },
      { name: routesRef.name, record: (flight) => calls.routes.record(flight) },
      { name: airportsRef.name, record: (flight) => calls.airports.record(flight) },
    ],
    victims: new Map<string, Victim>([
      [boardRef.name, { pid: () => board.pid, probe: () => calls.board.incarnation() }],
      [routesRef.name, { pid: () => routes.pid, probe: () => calls.routes.incarnation() }],
      [airportsRef.name, { pid: () => airports.pid, probe: () => calls.airports.incarnation() }],
      ['keeper', { pid: () => runtime.keeper.pid }],
    ]),
    tables: new Map<string, ComparedTable>([
      ['board.flights', board.tables.flights],
      ['board.departures', board.tables.departures],
      ['routes.routes', routes.tables.routes],
      ['airports.airports', airports.tables.airports],
      ['airports.destinations', airports.tables.destinations],
    ]),
    clear: async () => {
      const cleared = await Promise.all([calls.board.clear(), calls.routes.clear(), calls.airports.clear()]);
      return cleared.reduce((sum, records) => sum + records, 0);
    },
  };
}
