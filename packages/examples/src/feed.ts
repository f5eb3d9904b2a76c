/**
 * Feeds the flights: one call to each station per flight, with several hundred calls under way.
 *
 * 1. A flight is acknowledged when every station has answered for it.
 * 2. At most `inFlightMax` flights are unanswered, and none starts while the feed is held.
 * 3. A call that fails is noted and the feed goes on, so that the comparison can show what became of it; after
 *    `FAILED_CALLS_MAX` the feed ends with `ERR_FLIGHT_BOARD_CALLS`.
 */
import type { Condition } from './condition.js';
import { FlightBoardError } from './errors.js';
import type { Flight } from './flight.js';

/** By then whatever is wrong has shown itself. */
export const FAILED_CALLS_MAX = 100;

/** A worker as the feed sees it. */
export interface Station {
  readonly name: string;
  /** Records the flight; gives the incarnation that did it. */
  readonly record: (flight: Flight) => Promise<number>;
}

/** What the feed needs from outside. */
export interface FeedPorts {
  readonly flights: AsyncIterable<Flight> | Iterable<Flight>;
  readonly stations: readonly Station[];
  /** How many flights may be unanswered. */
  readonly inFlightMax: number;
  /** Whether no new flight may start now; whoever changes that says so to `condition`. */
  readonly isHeld: () => boolean;
  readonly condition: Condition;
  readonly onAnswer: (station: string, incarnation: number) => void;
  /** Hears of every acknowledged flight with the number of them so far. */
  readonly onAcknowledged: (acknowledged: number) => void;
}

/** How the feed ended. */
export interface FeedResult {
  readonly acknowledged: number;
  readonly calls: number;
  /** The failed calls, a sentence each. */
  readonly failures: readonly string[];
}

/** Feeds all flights; resolves once every call has settled. */
export async function feedFlights(ports: FeedPorts): Promise<FeedResult> {
  const { flights, stations, inFlightMax, isHeld, condition, onAnswer, onAcknowledged } = ports;
  const failures: string[] = [];
  let calls = 0;
  let unanswered = 0;
  let acknowledged = 0;

  const call = async (station: Station, flight: Flight): Promise<boolean> => {
    calls += 1;
    try {
      onAnswer(station.name, await station.record(flight));
      return true;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      failures.push(`${station.name}: the call for the flight of line ${flight.number} failed: ${message}`);
      return false;
    }
  };
  const feed = async (flight: Flight): Promise<void> => {
    unanswered += 1;
    const answers = await Promise.all(stations.map((station) => call(station, flight)));
    unanswered -= 1;
    if (answers.every(Boolean)) onAcknowledged((acknowledged += 1));
    condition.changed();
  };

  const mayStart = (): boolean => unanswered < inFlightMax && !isHeld();
  for await (const flight of flights) {
    await condition.until(mayStart);
    if (failures.length >= FAILED_CALLS_MAX) throw tooManyFailures(failures);
    void feed(flight);
  }
  await condition.until(() => unanswered === 0);
  return { acknowledged, calls, failures };
}

function tooManyFailures(failures: readonly string[]): FlightBoardError {
  return new FlightBoardError(
    'ERR_FLIGHT_BOARD_CALLS',
    `${failures.length} calls failed, so the run was ended. The first: ${failures[0]}`,
  );
}
