/**
 * Where every table is at the moment: the worker that owns it, as the keeper has told, and what new owners are still to be told.
 *
 * 1. A table is known by the worker that declares it and its name; without word from the keeper that worker owns it.
 * 2. What the keeper tells of a commit comes before the replies of that commit, so whoever knows of a move by a reply finds the
 *    new owner here.
 * 3. A worker is told of a table that is its own now by the connection on which its calls come, behind its activation: a call
 *    that is made after the move finds the table there. One whose epoch is over is told nothing; the next one gets the
 *    table when it begins.
 */
import type { Adoption, Connection, MovedMessage } from '@heirloom/wire';
import { adopt, sendControl } from '@heirloom/wire';
import type { WorkerSlot } from './worker-slot.js';

interface Receiver {
  readonly epoch: number;
  readonly connection: Connection;
}

export class TableDirectory {
  readonly #slots = new Map<string, WorkerSlot>();
  /** By identity; those that are with the worker that declares them are left out. */
  readonly #owners = new Map<string, string>();
  /** Workers that the present keeper was not told of. */
  #untold: string[] = [];
  readonly #receivers = new Map<string, Receiver>();
  /** Of workers whose epoch is open and that are not activated yet; by worker, then by identity. */
  readonly #waiting = new Map<string, Map<string, Adoption>>();

  register(slot: WorkerSlot): void {
    this.#slots.set(slot.name, slot);
    this.#untold.push(slot.name);
  }

  /** Forgets a worker, unless its name is another's by now. Tables that it owns are found with those that declare them. */
  unregister(slot: WorkerSlot): void {
    if (this.#slots.get(slot.name) === slot) this.#slots.delete(slot.name);
  }

  /** The workers of the runtime. */
  get workers(): string[] {
    return [...this.#slots.keys()];
  }

  /** All workers, for a keeper that knows none. */
  introduce(): string[] {
    this.#untold = [];
    return this.workers;
  }

  /** The workers that came since the last keeper was told, so that a start does not cost what their number is. */
  takeUntold(): string[] {
    const untold = this.#untold;
    this.#untold = [];
    return untold;
  }

  slot(worker: string): WorkerSlot | undefined {
    return this.#slots.get(worker);
  }

  /** The slot of the worker that owns a table. */
  ownerOf(home: WorkerSlot, table: string): WorkerSlot {
    const owner = this.#owners.get(identity(home.name, table));
    return (owner === undefined ? undefined : this.#slots.get(owner)) ?? home;
  }

  /** Takes what the keeper tells. */
  moved({ tables, adoptions }: MovedMessage): void {
    for (const { worker, name, owner } of tables) {
      if (owner === worker) this.#owners.delete(identity(worker, name));
      else this.#owners.set(identity(worker, name), owner);
    }
    for (const adoption of adoptions) this.#tell(adoption);
  }

  #tell(adoption: Adoption): void {
    const { owner, epoch } = adoption;
    const receiver = this.#receivers.get(owner);
    if (receiver !== undefined && epoch <= receiver.epoch) {
      if (epoch === receiver.epoch) sendControl(receiver.connection, adopt, adoption);
      return;
    }
    const waiting = this.#waiting.get(owner) ?? new Map<string, Adoption>();
    this.#waiting.set(owner, waiting.set(identity(adoption.worker, adoption.declaration.name), adoption));
  }

  /** An incarnation was activated: from now on it is told. */
  activated(worker: string, receiver: Receiver): void {
    this.#receivers.set(worker, receiver);
    const waiting = this.#waiting.get(worker);
    this.#waiting.delete(worker);
    for (const adoption of waiting?.values() ?? []) this.#tell(adoption);
  }

  /** An incarnation is over. */
  retired(worker: string, epoch: number): void {
    if (this.#receivers.get(worker)?.epoch === epoch) this.#receivers.delete(worker);
  }
}

/** No worker's name has a slash. */
function identity(worker: string, table: string): string {
  return `${worker}/${table}`;
}
