/**
 * The lives of workers as others see them: which ones there are, and who is told when one ends.
 *
 *   began ──▶ alive ──▶ ended: its monitors are told, and what it had asked for itself is gone
 *
 * 1. A life begins with its activation and ends when its epoch is closed, so that its tables are with their heirs before anyone learns
 *    of its end; a monitor that is made in between is told of that end. A worker without a life is `noproc` at once.
 * 2. What a life asks for here is its own: it ends with it, and the next life begins with nothing. Only a life whose epoch is open is
 *    heard, so a frozen process that was superseded changes nothing (G6).
 * 3. A handler is told by a call of its worker, `$down`, behind the calls that wait already. The call names the life that it is for, and
 *    is not run again: said once, or not at all if that life ends first. It does not count against the bound of the queue, as there
 *    are no more of them than monitors.
 * 4. While the whole runtime closes, workers are told nothing, as nobody inherits then either: the next start finds everything
 *    as it was. The program is told of each end.
 */
import { invariant } from '@heirloom/tables';
import type { ExitReason } from '@heirloom/supervisor';
import { encodeError } from '@heirloom/wire';
import { WorkerError } from '@heirloom/worker';
import { DOWN_CALL } from '@heirloom/worker/process-url';
import type { LifeTarget } from '@heirloom/worker/process-url';
import { MONITORS_MAX, Monitors } from './monitors.js';

/** A life of a worker. */
export interface Life {
  readonly worker: string;
  readonly epoch: number;
}

/** How a life ended. */
export interface LifeEnd {
  readonly reason: ExitReason;
  readonly error?: Error;
}

/** What is told of the end of a worker's life, or of a worker that has none. */
export interface WorkerDown {
  readonly worker: string;
  /** Which life it was; undefined when the worker had none. */
  readonly epoch: number | undefined;
  /** How it ended, as its supervisor sees it; `'noproc'` when the worker was down already. */
  readonly reason: ExitReason | 'noproc';
  /** What it could still say of its end. */
  readonly error: Error | undefined;
}

export interface LivesPorts {
  /** Makes a call to a worker that is run in no other life than this one, and answered to nobody. */
  readonly notify: (life: Life, call: string, message: unknown) => void;
  /** Tells the program. */
  readonly onDown: (down: WorkerDown) => void;
  /** Whether the whole runtime ends. */
  readonly isClosing: () => boolean;
}

export class Lives {
  readonly #ports: LivesPorts;
  readonly #alive = new Map<string, Life>();
  readonly #monitors = new Monitors();

  constructor(ports: LivesPorts) {
    this.#ports = ports;
  }

  isAlive(worker: string): boolean {
    return this.#alive.has(worker);
  }

  began(life: Life): void {
    invariant(!this.#alive.has(life.worker), `${life.worker} begins a life before its last one has ended`);
    this.#alive.set(life.worker, life);
  }

  /** A life is over; one that was told of already, or never began, is ignored. */
  ended(worker: string, epoch: number, { reason, error }: LifeEnd): void {
    if (this.#alive.get(worker)?.epoch !== epoch) return;
    this.#alive.delete(worker);
    const down: WorkerDown = { worker, epoch, reason, error };
    const watches = this.#monitors.ended(worker);
    if (!this.#ports.isClosing()) for (const { watcher, number } of watches) this.#tell(watcher, down, number);
    this.#ports.onDown(down);
  }

  /** Does what a life asks for. Throws WorkerError. */
  perform(worker: string, { operation, worker: target }: LifeTarget, operands: readonly unknown[]): unknown {
    return operation === 'monitor' ? this.#monitor(worker, target) : this.#monitors.remove(worker, Number(operands[0]));
  }

  #monitor(watcher: string, target: string): number {
    if (!this.#alive.has(target)) {
      const number = this.#monitors.nextNumber();
      this.#tell(watcher, noproc(target), number);
      return number;
    }
    const watch = this.#monitors.add(watcher, target);
    if (watch !== undefined) return watch.number;
    const message = `Worker ${watcher} has ${MONITORS_MAX} monitors, and cannot have more: take back those that it does not need.`;
    throw new WorkerError('ERR_WORKER_LIMIT', message, { worker: watcher, limit: MONITORS_MAX });
  }

  #tell(watcher: string, down: WorkerDown, monitor: number): void {
    const life = this.#alive.get(watcher);
    if (life === undefined) return;
    const error = down.error && encodeError(down.error);
    this.#ports.notify(life, DOWN_CALL, { ...down, error, monitor });
  }
}

/** What is told of a worker that has no life. */
export function noproc(worker: string): WorkerDown {
  return { worker, epoch: undefined, reason: 'noproc', error: undefined };
}
