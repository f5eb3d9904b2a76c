/**
 * What a runtime tells its program: a typed list of events and their subscribers.
 *
 * A listener that throws, or whose promise is rejected, does not harm the runtime: its error is logged. Events are delivered in
 * the turn in which they happen, to the listeners that there are then.
 */
import type { ExitReport } from './exit-report.js';
import type { LetterReason } from '@heirloom/wire';
import type { WorkerDown } from './lives.js';
import { wrongOption } from './option-check.js';

/** Every event with what it carries. All times are in milliseconds. */
export interface RuntimeEvents {
  /** A worker's process is gone without having been told to stop: at once, before it is known what that means. */
  crash: {
    readonly worker: string;
    readonly epoch: number;
    readonly pid: number | undefined;
    readonly code: number | null;
    readonly signal: string | null;
    /** What the worker could still say before it died. */
    readonly error: Error | undefined;
  };
  /** The life of a worker has ended, whatever ended it: one that crashed, too, and one that was told to stop. */
  down: WorkerDown;
  /**
   * One life of a worker has ended, in whatever way: the report on it, once all is known. It can come after the worker's next
   * life has begun, and has come for every life when `close` has resolved.
   */
  exit: ExitReport;
  /** A worker's next incarnation is being started. */
  restart: { readonly worker: string };
  /** A worker's next incarnation is up. */
  recovered: {
    readonly worker: string;
    readonly epoch: number;
    /** From the end of the old process, as this process saw it, to the end of the new one's `init`. */
    readonly ms: number;
    /** How many calls in flight left no trace and are run again. */
    readonly rerun: number;
  };
  /**
   * A call was rejected because its worker died whenever it ran it; or a timer was taken out because of that: then `timer` is its
   * name, and `call` is `$timer.` and its handler.
   */
  poisoned: {
    readonly worker: string;
    readonly call: string;
    readonly tries: number;
    readonly timer?: string | undefined;
  };
  /**
   * A call or cast was given up, and is a dead letter from now on; see `deadLetters`. Once for each that comes while the program
   * runs; those of earlier runs are in the list.
   */
  dead_letter: {
    readonly id: number;
    readonly worker: string;
    readonly call: string;
    readonly kind: 'call' | 'cast';
    readonly reason: LetterReason;
    readonly tries: number;
    readonly error: Error;
  };
  keeper_crash: {
    readonly pid: number | undefined;
    readonly code: number | null;
    readonly signal: string | null;
    /** Whether it was killed because it gave no sign of life; see `heartbeat`. */
    readonly wasSilent: boolean;
  };
  keeper_recovered: { readonly pid: number; readonly ms: number };
  /** The tree's root shut itself down, as its `autoShutdown` says: its child `child` has ended. The runtime closes. */
  ended: { readonly child: string };
  /** The supervision tree gave up: the runtime is over, every open call is rejected. */
  failed: { readonly error: Error };
}

const EVENTS: readonly (keyof RuntimeEvents)[] = [
  'crash',
  'down',
  'exit',
  'restart',
  'recovered',
  'poisoned',
  'dead_letter',
  'keeper_crash',
  'keeper_recovered',
  'ended',
  'failed',
];

type Listener<Event extends keyof RuntimeEvents> = (event: RuntimeEvents[Event]) => void;

export class EventHub {
  readonly #listeners = new Map<keyof RuntimeEvents, Set<Listener<never>>>();
  readonly #onListenerError: (event: string, error: unknown) => void;

  constructor(onListenerError: (event: string, error: unknown) => void) {
    this.#onListenerError = onListenerError;
  }

  /** Subscribes; the function that comes back unsubscribes. */
  on<Event extends keyof RuntimeEvents>(event: Event, listener: Listener<Event>): () => void {
    if (!EVENTS.includes(event)) throw wrongOption('event', event, `is no event; the events are ${EVENTS.join(', ')}`);
    if (typeof listener !== 'function') throw wrongOption('listener', listener, 'must be a function');
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners);
    // A wrapper of its own, so that one function that subscribes twice is called twice and unsubscribed once at a time.
    const entry = (value: RuntimeEvents[Event]): unknown => listener(value);
    listeners.add(entry);
    return () => listeners.delete(entry);
  }

  emit<Event extends keyof RuntimeEvents>(event: Event, value: RuntimeEvents[Event]): void {
    // Those that are there now: a listener that subscribes again must not be called for ever.
    for (const listener of Array.from(this.#listeners.get(event) ?? [])) {
      this.deliver(event, listener as Listener<Event>, value); // Listeners are kept under the name of their event.
    }
  }

  /** Tells one listener. */
  deliver<Event extends keyof RuntimeEvents>(
    event: Event,
    listener: Listener<Event>,
    value: RuntimeEvents[Event],
  ): void {
    try {
      // It may be asynchronous.
      const result = (listener as (value: RuntimeEvents[Event]) => unknown)(value);
      if (result instanceof Promise) result.catch((error: unknown) => this.#onListenerError(event, error));
    } catch (error) {
      this.#onListenerError(event, error);
    }
  }
}
