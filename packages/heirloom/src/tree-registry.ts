/**
 * Which workers and supervisors a runtime has, and where in its tree: those that it was started with, and those that were
 * added to it since.
 *
 * 1. A worker's name is taken by one worker at a time: what the store holds belongs to the name.
 * 2. A worker that is down and stays down takes no calls, and has no standby: calls are rejected with ERR_CALL_STOPPED. Its
 *    tables can still be read.
 * 3. The name of a worker that its supervisor has forgotten is free for another.
 * 4. What was added to a supervisor is gone with it, also when it is restarted, as in OTP; its names are free then. What was
 *    added to one that keeps its children is gone with that which the keeping one was added to.
 * 5. What is done about one worker costs the same however many there are.
 */
import { partitionIn } from '@heirloom/worker/process-url';
import { WorkerReferenceError } from './errors.js';
import type { ChildReference, SupervisorReference, WorkerReference } from './reference.js';
import type { Router } from './router.js';
import type { CallQueueLimits } from './call-queue.js';
import type { WorkerLife } from './worker-life.js';
import { WorkerSlot } from './worker-slot.js';
import { WorkerSource } from './worker-source.js';

/** What a child of the tree is started from: a worker's reference, or the keeper. */
export type ChildStart = WorkerReference | { readonly kind: 'keeper' };

/** The ids from the root of the tree. */
export type TreePath = readonly string[];

/** A worker of the tree across its incarnations. */
export interface RegisteredWorker {
  readonly reference: WorkerReference;
  readonly path: TreePath;
  /** The supervisor that it was added to, by itself or with one of its own; undefined when it was there from the start. */
  readonly addedTo: TreePath | undefined;
  readonly slot: WorkerSlot;
  readonly source: WorkerSource;
  life: WorkerLife | undefined;
  /** Whether its supervisor has forgotten it. */
  isForgotten: boolean;
}

/** A supervisor of the tree. */
interface RegisteredSupervisor {
  readonly path: TreePath;
  readonly addedTo: TreePath | undefined;
}

export class TreeRegistry {
  readonly #router: Router;
  readonly #limits: CallQueueLimits;
  readonly #workers = new Map<string, RegisteredWorker>();
  readonly #supervisors = new Map<SupervisorReference, RegisteredSupervisor>();
  /** What is at each place, by its path as JSON. */
  readonly #places = new Map<string, ChildReference>();
  readonly #ids = new WeakMap<SupervisorReference, string>();
  #unnamed = 0;

  constructor(router: Router, limits: CallQueueLimits) {
    this.#router = router;
    this.#limits = limits;
  }

  /** Every worker, in the order in which they came. */
  get workers(): readonly RegisteredWorker[] {
    return [...this.#workers.values()];
  }

  /** The worker that has this name in the tree. */
  worker(name: string): RegisteredWorker | undefined {
    return this.#workers.get(name);
  }

  /** Where a supervisor is; undefined when it is not in the tree. */
  supervisor(reference: SupervisorReference): TreePath | undefined {
    return this.#supervisors.get(reference)?.path;
  }

  /** Every supervisor with its place, in the order in which they came. */
  get supervisors(): ReadonlyMap<SupervisorReference, TreePath> {
    return new Map([...this.#supervisors].map(([reference, { path }]) => [reference, path]));
  }

  /** The supervisor at this place. */
  supervisorAt(path: TreePath): SupervisorReference | undefined {
    const reference = this.referenceAt(path);
    return reference?.kind === 'supervisor' ? reference : undefined;
  }

  /** The supervisor that a supervisor was added to, with whose end it is gone; undefined when it was there from the start. */
  addedTo(reference: SupervisorReference): TreePath | undefined {
    return this.#supervisors.get(reference)?.addedTo;
  }

  /** The reference of what is at this place. */
  referenceAt(path: TreePath): ChildReference | undefined {
    return this.#places.get(keyOf(path));
  }

  /** The id of a supervisor: its own, or one that is made for it. */
  readonly idOf = (reference: SupervisorReference): string => {
    const id = reference.options.id ?? this.#ids.get(reference) ?? `supervisor-${++this.#unnamed}`;
    this.#ids.set(reference, id);
    return id;
  };

  /**
   * Takes in a child of the supervisor at `parent`, with all that is below it. `addedTo` is that supervisor when the child is
   * added to a running tree. Throws ERR_WORKER_DUPLICATE, and has taken in nothing then. What it gives back undoes it.
   */
  admit(child: ChildReference, parent: TreePath, addedTo?: TreePath): () => void {
    const undo: (() => void)[] = [];
    const undoAll = (): void => undo.toReversed().forEach((step) => step());
    try {
      this.#place(child, parent, addedTo, undo);
    } catch (error) {
      undoAll();
      throw error;
    }
    return undoAll;
  }

  #place(child: ChildReference, parent: TreePath, addedTo: TreePath | undefined, undo: (() => void)[]): void {
    if (child.kind === 'worker') {
      this.#placeWorker(child, parent, addedTo, undo);
      return;
    }
    const path = [...parent, this.idOf(child)];
    this.#supervisors.set(child, { path, addedTo });
    this.#places.set(keyOf(path), child);
    undo.push(() => this.#dropSupervisor(child, path));
    // A template is no worker: only its instances are.
    if (child.options.strategy === 'simple_one_for_one') return;
    for (const grandchild of child.children) this.#place(grandchild, path, addedTo, undo);
  }

  #placeWorker(
    reference: WorkerReference,
    parent: TreePath,
    addedTo: TreePath | undefined,
    undo: (() => void)[],
  ): void {
    const { name } = reference;
    const present = this.#workers.get(name);
    if (present?.isForgotten === false) {
      throw new WorkerReferenceError(
        'ERR_WORKER_DUPLICATE',
        `There is a worker ${name} in the tree. Names are unique, as a worker's tables belong to its name.`,
        { worker: name },
      );
    }
    this.#checkPartitions(name);
    if (present !== undefined) {
      this.#drop(present);
      undo.push(() => this.#take(present));
    }
    const slot = new WorkerSlot(name, this.#limits);
    const source = new WorkerSource(this.#router, reference);
    const path = [...parent, name];
    const worker = { reference, path, addedTo, slot, source, life: undefined, isForgotten: false };
    this.#take(worker);
    undo.push(() => this.#drop(worker));
  }

  /** A key belongs to one partition, so all of one name are of one count. Partition 0 comes first. */
  #checkPartitions(name: string): void {
    const partition = partitionIn(name);
    if (partition?.number !== 0) return;
    for (const other of this.#workers.values()) {
      const { of, count } = partitionIn(other.reference.name) ?? {};
      if (other.isForgotten || of !== partition.of || count === partition.count) continue;
      throw new WorkerReferenceError(
        'ERR_WORKER_DUPLICATE',
        `Worker ${of} has ${count} partitions in the tree already, and cannot have ${partition.count} as well. Give them another name.`,
        { worker: of },
      );
    }
  }

  #take(worker: RegisteredWorker): void {
    this.#workers.set(worker.reference.name, worker);
    this.#places.set(keyOf(worker.path), worker.reference);
    this.#router.tables.register(worker.slot);
  }

  #drop(worker: RegisteredWorker): void {
    this.#finish(worker, true);
    if (this.#workers.get(worker.reference.name) !== worker) return;
    this.#workers.delete(worker.reference.name);
    this.#vacate(worker.path, worker.reference);
    this.#router.tables.unregister(worker.slot);
  }

  #dropSupervisor(reference: SupervisorReference, path: TreePath): void {
    this.#supervisors.delete(reference);
    this.#vacate(path, reference);
  }

  /** Another child may have taken the place meanwhile. */
  #vacate(path: TreePath, reference: ChildReference): void {
    const place = keyOf(path);
    if (this.#places.get(place) === reference) this.#places.delete(place);
  }

  /** Takes note that the child at `path` is down and stays so. */
  ended(path: TreePath, isForgotten: boolean): void {
    const reference = this.referenceAt(path);
    const worker = reference?.kind === 'worker' ? this.#workers.get(reference.name) : undefined;
    if (worker !== undefined) return this.#finish(worker, isForgotten);
    for (const below of this.workers) if (isAtOrBelow(below.path, path)) this.#finish(below, isForgotten);
    if (isForgotten) this.#forgetSupervisors(path);
  }

  /** Takes note that the supervisor at `path` has ended, for good or to be restarted: what was added to it is gone. */
  supervisorStopped(path: TreePath): void {
    const isLost = ({ addedTo }: RegisteredSupervisor): boolean => addedTo !== undefined && isAtOrBelow(addedTo, path);
    for (const worker of this.workers) if (isLost(worker)) this.#drop(worker);
    for (const [reference, place] of this.#supervisors) if (isLost(place)) this.#dropSupervisor(reference, place.path);
  }

  /** Takes note that the spec of the child at `path` was deleted. */
  deleted(path: TreePath): void {
    for (const worker of this.workers) if (isAtOrBelow(worker.path, path)) this.#drop(worker);
    this.#forgetSupervisors(path);
  }

  #forgetSupervisors(path: TreePath): void {
    for (const [reference, place] of this.#supervisors) {
      if (isAtOrBelow(place.path, path)) this.#dropSupervisor(reference, place.path);
    }
  }

  /** Nobody will answer the calls that wait. */
  #finish(worker: RegisteredWorker, isForgotten: boolean): void {
    worker.isForgotten = isForgotten;
    worker.slot.isFinished = true;
    void worker.source.rest();
    const { calls } = this.#router;
    const { unsent, sent } = worker.slot.queue.drain();
    for (const call of unsent)
      calls.fail(call, 'ERR_CALL_STOPPED', 'none', 'was not run before its worker ended for good');
    // Without a keeper to come, nobody can say any more what became of them.
    for (const call of sent) calls.fail(call, 'ERR_CALL_STOPPED', 'unknown', 'was open when its worker ended for good');
    // Casts are stored until they are run.
    this.#router.mail.feed(worker.slot).reset();
  }
}

function isAtOrBelow(path: TreePath, ancestor: TreePath): boolean {
  return ancestor.length <= path.length && ancestor.every((id, level) => path[level] === id);
}

/** Where a child is, as the key of a map. An id that is no string is refused when the tree is made of it. */
function keyOf(path: TreePath): string {
  return JSON.stringify(path.map((id: unknown) => (typeof id === 'string' ? id : typeof id)));
}
