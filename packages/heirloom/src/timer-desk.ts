/**
 * The timers that are due, as calls to their workers.
 *
 *   due ──▶ open: `$timer.<handler>` in the worker's queue ──settled──▶ forgotten
 *                                  └──poisoned──▶ open: CALL_TO_DISCARD ──settled──▶ forgotten
 *
 * 1. A timer is called for once at a time: each life of a worker says anew what is due, and its call may still be in the queue.
 *    More would do no harm, as the worker passes over a timer that has fired (worker/src/timers.ts).
 * 2. G6: only a process whose epoch is open is heard.
 * 3. A full queue puts it off. A timer whose call is refused for good, as the worker or the runtime ends, stays where it is stored, and
 *    the worker's next life says that it is due.
 * 4. One that kills its worker as often as a call may is taken out of the store, by a call too; until then it is not called for. If
 *    the whole program dies before that, the timer is tried again when it is started.
 * 5. G9: at most TIMERS_MAX of a worker are open; a worker that says more breaks the protocol.
 */
import { decodeValue } from '@heirloom/wire';
import type { TimerDueMessage } from '@heirloom/wire';
import { CALL_TO_DISCARD, TIMER_CALL_PREFIX, TIMERS_MAX } from '@heirloom/worker/process-url';
import { setTimeout as delay } from 'node:timers/promises';
import { CallError } from './errors.js';
import type { PendingCall } from './pending-call.js';
import type { Router } from './router.js';
import type { WorkerProcess } from './worker-source.js';
import type { WorkerSlot } from './worker-slot.js';

/** How long a timer waits that meets a full queue. */
export const TIMER_RETRY_MS = 100;

/** The generations of a worker's timers that are called for, by name. */
type OpenTimers = Map<string, string>;

export class TimerDesk {
  readonly #router: Router;
  readonly #open = new Map<WorkerSlot, OpenTimers>();

  constructor(router: Router) {
    this.#router = router;
  }

  /** A process says that a timer is due. */
  due(process: WorkerProcess, timer: TimerDueMessage): void {
    const slot = this.#router.tables.slot(process.worker);
    if (process.liveEpoch === undefined || slot === undefined) return;
    const open = this.#open.get(slot) ?? new Map<string, string>();
    if (open.get(timer.name) === timer.generation) return;
    if (open.size >= TIMERS_MAX) return process.brokeProtocol(`It says that more than ${TIMERS_MAX} timers are due.`);
    this.#open.set(slot, open.set(timer.name, timer.generation));
    void this.#run(slot, timer).finally(() => this.#forget(slot, timer));
  }

  #forget(slot: WorkerSlot, { name, generation }: TimerDueMessage): void {
    const open = this.#open.get(slot);
    if (open?.get(name) === generation) open.delete(name);
    if (open?.size === 0) this.#open.delete(slot);
  }

  async #run(slot: WorkerSlot, { name, handler, generation }: TimerDueMessage): Promise<void> {
    const error = await this.#call(slot, TIMER_CALL_PREFIX + handler, name, generation);
    if (codeOf(error) === 'ERR_CALL_POISONED') await this.#call(slot, CALL_TO_DISCARD, name, generation);
  }

  /** Resolves when the call is settled, with what it was rejected with. The worker has logged what its handler threw. */
  async #call(slot: WorkerSlot, call: string, name: string, generation: string): Promise<unknown> {
    for (;;) {
      try {
        await this.#router.calls.call(slot, call, [name, generation], { timeoutMs: 'infinity' });
        return undefined;
      } catch (error) {
        if (codeOf(error) !== 'ERR_CALL_OVERLOADED') return error;
        await delay(TIMER_RETRY_MS, undefined, { ref: false });
      }
    }
  }
}

/** The name of the timer that a call runs; undefined for any other call. */
export function timerOf({ name, argumentBytes }: PendingCall): string | undefined {
  if (!name.startsWith(TIMER_CALL_PREFIX)) return undefined;
  const [timer] = decodeValue(argumentBytes) as [string, string]; // Encoded above.
  return timer;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof CallError ? error.code : undefined;
}
