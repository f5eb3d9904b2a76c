/**
 * The lives of workers as others see them: which ones there are, and who is told when one ends.
 *
 *   began ──▶ alive ──▶ ended: its monitors are told, its links act, and what it had asked for itself is gone
 *
 * 1. A life begins with its activation and ends when its epoch is closed, so that its tables are with their heirs before anyone learns
 *    of its end; a monitor that is made in between is told of that end. A worker without a life is `noproc` at once.
 * 2. What a life asks for here is its own: it ends with it, and the next life begins with nothing. Only a life whose epoch is open is
 *    heard, so a frozen process that was superseded changes nothing (G6).
 * 3. A handler is told by a call of its worker, `$down`, behind the calls that wait already. The call names the life that it is for, and
 *    is not run again: said once, or not at all if that life ends first. It does not count against the bound of the queue, as there
 *    are no more of them than monitors.
 * 4. A life that ends other than `normal` ends those that it is linked to, with its reason, unless they trap exits: these are told,
 *    by `$exit`, of normal ends too. That happens behind what the supervisor does about the first one, in a turn of its own: one that
 *    is being stopped by then, as its siblings are, is left to that.
 * 5. While the whole runtime closes, workers are told nothing and links do nothing, as nobody inherits then either: the next start finds everything
 *    as it was. The program is told of each end.
 */
import { invariant } from '@heirloom/tables';
import type { ExitReason } from '@heirloom/supervisor';
import { encodeError } from '@heirloom/wire';
import { WorkerError } from '@heirloom/worker';
import { DOWN_CALL, EXIT_CALL } from '@heirloom/worker/process-url';
import type { LifeTarget } from '@heirloom/worker/process-url';
import { Links } from './links.js';
import { MONITORS_MAX, Monitors } from './monitors.js';

/** A life of a worker. */
export interface Life {
  readonly worker: string;
  readonly epoch: number;
  /** Whether it is told of the ends of those that it is linked to, in place of ending with them. */
  readonly trapsExits: boolean;
  /** Whether it was told to stop. */
  readonly isStopping: boolean;
  /** Ends it, as one has ended that it is linked to. */
  endBy(linked: EndedLife): void;
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

/** The end of a life. */
export interface EndedLife extends WorkerDown {
  readonly epoch: number;
  readonly reason: ExitReason;
}

export interface LivesPorts {
  /** Makes a call to a worker that is run in no other life than this one, and answered to nobody. */
  readonly notify: (life: Life, call: string, message: unknown) => void;
  /** Tells the program. */
  readonly onDown: (down: WorkerDown) => void;
  /** Runs a task in a turn of its own, behind what is under way. */
  readonly later: (task: () => void) => void;
  /** Whether the whole runtime ends. */
  readonly isClosing: () => boolean;
}

export class Lives {
  readonly #ports: LivesPorts;
  readonly #alive = new Map<string, Life>();
  readonly #monitors = new Monitors();
  readonly #links = new Links();
  /** Ends of lives that are to reach those that were linked to them, in this turn or the next. */
  #due: readonly LinkedEnd[] = [];

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
    const down: EndedLife = { worker, epoch, reason, error };
    const watches = this.#monitors.ended(worker);
    const linked = this.#links.ended(worker);
    if (!this.#ports.isClosing()) {
      for (const { watcher, number } of watches) this.#tell(watcher, DOWN_CALL, { ...told(down), monitor: number });
      for (const peer of linked) this.#reachSoon(peer, down);
    }
    this.#ports.onDown(down);
  }

  /** Does what a life asks for. Throws WorkerError. */
  perform(worker: string, { operation, worker: target }: LifeTarget, operands: readonly unknown[]): unknown {
    switch (operation) {
      case 'monitor':
        return this.#monitor(worker, target);
      case 'demonitor':
        return this.#monitors.remove(worker, Number(operands[0]));
      case 'link':
        return this.#link(worker, target);
      default:
        return this.#unlink(worker, target);
    }
  }

  #monitor(watcher: string, target: string): number {
    if (!this.#alive.has(target)) {
      const number = this.#monitors.nextNumber();
      this.#tell(watcher, DOWN_CALL, { ...noproc(target), monitor: number });
      return number;
    }
    const watch = this.#monitors.add(watcher, target);
    if (watch !== undefined) return watch.number;
    const message = `Worker ${watcher} has ${MONITORS_MAX} monitors, and cannot have more: take back those that it does not need.`;
    throw new WorkerError('ERR_WORKER_LIMIT', message, { worker: watcher, limit: MONITORS_MAX });
  }

  #link(worker: string, target: string): void {
    if (this.#alive.has(target)) return this.#links.link(worker, target);
    if (this.#alive.get(worker)?.trapsExits === true) return this.#tell(worker, EXIT_CALL, noproc(target));
    const message = `Worker ${worker} cannot be linked to ${target}, which is down, or is no worker. Monitor it, or trap exits, to be told of that.`;
    throw new WorkerError('ERR_WORKER_NOPROC', message, { worker, target });
  }

  #unlink(worker: string, target: string): void {
    this.#links.unlink(worker, target);
    // What has ended meanwhile does not reach it any more.
    this.#due = this.#due.filter(({ life, down }) => life.worker !== worker || down.worker !== target);
  }

  #reachSoon(peer: string, down: EndedLife): void {
    const life = this.#alive.get(peer);
    if (life === undefined) return;
    if (this.#due.length === 0) this.#ports.later(() => this.#reach());
    this.#due = [...this.#due, { life, down }];
  }

  #reach(): void {
    const due = this.#due;
    this.#due = [];
    if (this.#ports.isClosing()) return;
    for (const { life, down } of due) {
      if (this.#alive.get(life.worker) !== life) continue;
      if (life.trapsExits) this.#tell(life.worker, EXIT_CALL, told(down));
      else if (down.reason !== 'normal' && !life.isStopping) life.endBy(down);
    }
  }

  #tell(worker: string, call: string, message: object): void {
    const life = this.#alive.get(worker);
    if (life !== undefined) this.#ports.notify(life, call, message);
  }
}

/** The end of one life that reaches another. */
interface LinkedEnd {
  readonly life: Life;
  readonly down: EndedLife;
}

/** As a worker is told of it. */
function told(down: WorkerDown): object {
  return { ...down, error: down.error && encodeError(down.error) };
}

/** What is told of a worker that has no life. */
export function noproc(worker: string): WorkerDown {
  return { worker, epoch: undefined, reason: 'noproc', error: undefined };
}
