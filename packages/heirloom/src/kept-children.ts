/**
 * The children that supervisors with `keepChildren` have beside those of the code, and which of them were terminated: kept over
 * the end of the program, and of the supervisor, however it comes.
 *
 * 1. What a request has changed is in memory here in the turn in which the supervisor answers it, so a supervisor that is
 *    started anew, at once even, is started with it; and it is stored before the program is answered. Answered implies kept.
 * 2. A request that was not answered may be kept or not. Nothing else is: a child that did not start is not.
 * 3. Records are numbered in the order in which children came, which is the order in which they are started.
 * 4. Temporary children are not kept: nothing brings them back. An instance that has ended by itself is forgotten.
 * 5. The code comes first: a kept child whose name a child of the code has by now is dropped, with a warning.
 *
 * What fails: ERR_RUNTIME_KEPT when a kept child cannot be one any more, at the start, with how to drop it; ERR_RUNTIME_OPTION for a
 * child that cannot be stored, before it is started.
 */
import type { ChildOperation, ChildReply, SupervisorSpec } from '@heirloom/supervisor';
import { checkChildSpecs, CHILDREN_MAX } from '@heirloom/supervisor';
import { decodeValue, failpoint } from '@heirloom/wire';
import type { KeptRow } from '@heirloom/wire';
import { RuntimeError } from './errors.js';
import { decodeRecord, encodeRecord, plainOf, referenceOf } from './kept-record.js';
import type { KeptChild, KeptRecord } from './kept-record.js';
import { wrongOption } from './option-check.js';
import type { ChildReference, SupervisorReference, WorkerReference } from './reference.js';
import { instanceOf, specOf, templatesOf, workersOf } from './reference.js';
import type { Router } from './router.js';
import type { ChildStart, TreePath, TreeRegistry } from './tree-registry.js';
import { resolveWorkerModule } from './worker-module.js';

/** The most children that are kept in one store: all their records are in memory. */
export const KEPT_CHILDREN_MAX = 100_000;

interface Kept {
  readonly number: number;
  readonly record: KeptRecord;
  /** What it is started from; undefined for a child of the code. */
  readonly reference: ChildReference | undefined;
}

export class KeptChildren {
  readonly #router: Router;
  readonly #registry: TreeRegistry;
  /** By the supervisor's id, then by the child's, in the order of their numbers. */
  readonly #kept = new Map<string, Map<string, Kept>>();
  readonly #restored = new WeakSet<ChildReference>();
  #count = 0;
  #lastNumber = 0;
  #lastWrite: Promise<unknown> = Promise.resolve();
  #isLoaded = false;

  constructor(router: Router, registry: TreeRegistry) {
    this.#router = router;
    this.#registry = registry;
  }

  /** Reads what is kept, once, and takes the children of the tree's supervisors in. Rejects with ERR_RUNTIME_KEPT. */
  async load(): Promise<void> {
    if (this.#isLoaded) return;
    this.#isLoaded = true;
    for (let rows = await this.#page(); rows.length > 0; rows = await this.#page()) {
      for (const row of rows) this.#read(row);
    }
    for (const [reference, path] of this.#registry.supervisors) this.#restore(reference, path);
    await this.#lastWrite;
  }

  async #page(): Promise<readonly KeptRow[]> {
    return (await this.#router.link.request({ type: 'kept', after: this.#lastNumber })) as readonly KeptRow[];
  }

  #read({ number, record: bytes }: KeptRow): void {
    this.#lastNumber = number;
    const record = decodeRecord(bytes);
    const before = this.#of(record.supervisor).get(record.child);
    // A child that took the place of another one; the program ended before the older record was removed.
    if (before !== undefined) this.#drop(before);
    this.#put({ number, record, reference: undefined });
  }

  /** Whether a reference was made from what was kept, so that the program's own for the same worker stands for it. */
  standsFor(registered: WorkerReference, reference: WorkerReference): boolean {
    if (registered === reference) return true;
    return this.#restored.has(registered) && registered.module.href === reference.module.href;
  }

  /** Refuses a child that could not be kept. Throws ERR_RUNTIME_OPTION, ERR_RUNTIME_KEPT. */
  check(parent: SupervisorReference, id: string, child: ChildReference): void {
    if (!isKeeping(parent)) return;
    const what: KeptChild = { kind: 'added', child: plainOf(child) };
    encodeRecord({ supervisor: keptId(parent), child: id, isDown: false, what });
    if (this.#count < KEPT_CHILDREN_MAX) return;
    throw new RuntimeError(
      'ERR_RUNTIME_KEPT',
      `${KEPT_CHILDREN_MAX} children are kept, which is the limit, so ${id} was not started. Delete some of them.`,
      { supervisor: keptId(parent), child: id },
    );
  }

  /** Takes in what is kept of a child that is added, and of all below it. Throws ERR_RUNTIME_KEPT. */
  restoreBelow(child: ChildReference, path: TreePath): void {
    if (child.kind === 'worker') return;
    this.#restore(child, path);
    for (const below of child.children) {
      if (below.kind === 'supervisor') this.restoreBelow(below, [...path, this.#registry.idOf(below)]);
    }
  }

  /** The spec that a supervisor is started with: that of the code, with what is kept. */
  readonly specOf = (spec: SupervisorSpec<ChildStart>, path: TreePath): SupervisorSpec<ChildStart> => {
    const reference = this.#registry.supervisorAt(path);
    if (reference === undefined || !isKeeping(reference)) return spec;
    const kept = this.#of(keptId(reference));
    const added = [...kept.values()];
    if (spec.strategy === 'simple_one_for_one') {
      const instances = added.flatMap(({ record: { child: id, what } }) =>
        what.kind === 'instance' ? [{ id, args: what.args }] : [],
      );
      return { ...spec, instances };
    }
    const ofCode = spec.children.flatMap((child) => {
      const record = kept.get(child.id)?.record;
      if (record === undefined || record.what.kind === 'added') return [child];
      return record.what.kind === 'deleted' ? [] : [{ ...child, startsDown: true }];
    });
    const others = added.flatMap(({ record, reference: child }) =>
      child === undefined ? [] : [{ ...specOf(child, this.#registry.idOf), startsDown: record.isDown }],
    );
    return { ...spec, children: [...ofCode, ...others] };
  };

  /** Takes note of what a supervisor has answered, in the turn in which it does. */
  readonly answered = (path: TreePath, operation: ChildOperation<ChildStart>, reply: ChildReply): void => {
    const parent = this.#registry.supervisorAt(path);
    if (parent === undefined || !isKeeping(parent) || reply.type === 'refused' || reply.type === 'start_failed') return;
    const supervisor = keptId(parent);
    const child = operation.type === 'start_child' ? operation.spec.id : operation.id;
    const known = this.#of(supervisor).get(child);
    switch (operation.type) {
      case 'start_child': {
        const reference = this.#registry.referenceAt([...path, child]);
        if (reference === undefined || isTemporary(reference)) return;
        const what: KeptChild = { kind: 'added', child: plainOf(reference) };
        return this.#add(known, { supervisor, child, isDown: false, what }, reference);
      }
      case 'start_instance': {
        const reference = this.#registry.referenceAt([...path, child]);
        if (reference === undefined || isTemporary(reference) || reply.type === 'ignored') return;
        // Encoded where the instance was asked for.
        const what: KeptChild = { kind: 'instance', args: operation.args as readonly Uint8Array[] };
        return this.#add(known, { supervisor, child, isDown: false, what }, reference);
      }
      case 'restart_child':
        if (known?.record.what.kind === 'of_code') this.#drop(known);
        else if (known !== undefined) this.#change(known, { ...known.record, isDown: false });
        return;
      case 'terminate_child': {
        if (known !== undefined) return this.#change(known, { ...known.record, isDown: true });
        const own = this.#ofCode(parent, child);
        if (own === undefined) return;
        const what: KeptChild = { kind: isTemporary(own) ? 'deleted' : 'of_code' };
        return this.#add(undefined, { supervisor, child, isDown: true, what }, undefined);
      }
      case 'delete_child':
        if (known?.record.what.kind === 'added') this.#drop(known);
        else if (this.#ofCode(parent, child) !== undefined)
          this.#add(known, { supervisor, child, isDown: true, what: { kind: 'deleted' } }, undefined);
    }
  };

  /** Takes note that a supervisor has forgotten its child at `path`. */
  forgotten(path: TreePath): void {
    const parent = this.#registry.supervisorAt(path.slice(0, -1));
    if (parent === undefined || !isKeeping(parent)) return;
    const known = this.#of(keptId(parent)).get(path.at(-1) ?? '');
    if (known?.record.what.kind === 'instance') this.#drop(known);
  }

  /** Resolves when everything that was answered up to now is stored; rejects when there will be no keeper any more. */
  async settled(): Promise<void> {
    await this.#lastWrite;
  }

  #restore(parent: SupervisorReference, path: TreePath): void {
    if (!isKeeping(parent)) return;
    const supervisor = keptId(parent);
    for (const other of this.#registry.supervisors.keys()) {
      if (other === parent || !isKeeping(other) || keptId(other) !== supervisor) continue;
      throw wrongOption('id of a supervisor with keepChildren', supervisor, 'is that of another one in the tree');
    }
    const { keepChildren } = parent.options;
    const without = typeof keepChildren === 'object' ? keepChildren.without : [];
    for (const kept of this.#of(supervisor).values()) {
      if (without.includes(kept.record.child)) this.#drop(kept);
      else this.#restoreChild(parent, path, kept);
    }
    const { childrenMax = CHILDREN_MAX } = parent.options;
    const count = this.#of(supervisor).size;
    if (count > childrenMax)
      throw unkeepable(supervisor, [...this.#of(supervisor).keys()].at(-1) ?? '', `it may have ${childrenMax}`);
  }

  #restoreChild(parent: SupervisorReference, path: TreePath, kept: Kept): void {
    const { record } = kept;
    const { supervisor, child, what } = record;
    const isOfCode = this.#ofCode(parent, child) !== undefined;
    const place = [...path, child];
    if (what.kind === 'of_code' || what.kind === 'deleted') {
      if (!isOfCode) return this.#drop(kept);
      if (what.kind === 'deleted') this.#registry.deleted(place);
      else this.#registry.ended(place, false);
      return;
    }
    let reference: ChildReference;
    try {
      reference = what.kind === 'added' ? referenceOf(what.child) : instanceFrom(parent, child, what.args);
      checkReference(parent, reference, this.#registry);
    } catch (cause) {
      throw unkeepable(supervisor, child, (cause as Error).message, cause); // Only errors are thrown in there.
    }
    const taken = workersOf(reference).find(({ name }) => this.#registry.worker(name)?.isForgotten === false);
    if (isOfCode || taken !== undefined) {
      const fields = { supervisor, child, name: taken?.name ?? child };
      this.#router.logger.warn(fields, 'a kept child is dropped, as the tree has another one of its name');
      return this.#drop(kept);
    }
    this.#registry.admit(reference, path, this.#registry.addedTo(parent));
    this.#restored.add(reference);
    this.#of(supervisor).set(child, { ...kept, reference });
    if (record.isDown) this.#registry.ended(place, false);
    this.restoreBelow(reference, place);
  }

  #ofCode(parent: SupervisorReference, id: string): ChildReference | undefined {
    if (parent.options.strategy === 'simple_one_for_one') return undefined;
    return parent.children.find((child) => (child.kind === 'worker' ? child.name : this.#registry.idOf(child)) === id);
  }

  #of(supervisor: string): Map<string, Kept> {
    const known = this.#kept.get(supervisor) ?? new Map<string, Kept>();
    this.#kept.set(supervisor, known);
    return known;
  }

  #add(before: Kept | undefined, record: KeptRecord, reference: ChildReference | undefined): void {
    const kept = { number: this.#lastNumber + 1, record, reference };
    this.#lastNumber = kept.number;
    if (before !== undefined) this.#take(before);
    this.#put(kept);
    this.#write(kept.number, record);
    if (before !== undefined) this.#write(before.number, undefined);
  }

  #change(before: Kept, record: KeptRecord): void {
    this.#of(record.supervisor).set(record.child, { ...before, record });
    this.#write(before.number, record);
  }

  #drop(kept: Kept): void {
    this.#take(kept);
    this.#write(kept.number, undefined);
  }

  #put(kept: Kept): void {
    this.#of(kept.record.supervisor).set(kept.record.child, kept);
    this.#count++;
  }

  #take({ record: { supervisor, child } }: Kept): void {
    if (this.#of(supervisor).delete(child)) this.#count--;
  }

  /** In order: the keeper takes requests as they come, and a new keeper gets those that are open in the same order. */
  #write(number: number, record: KeptRecord | undefined): void {
    failpoint('kept.write:before');
    const bytes = record === undefined ? undefined : encodeRecord(record);
    const write = this.#router.link.request({ type: 'keep', number, record: bytes });
    this.#lastWrite = write.then(() => failpoint('kept.write:after'));
    // Whoever waits for it is told; what nobody has asked for is tried again when the runtime is started again.
    this.#lastWrite.catch(() => {});
  }
}

/** Whether a supervisor keeps its children. */
export function isKeeping({ options: { keepChildren = false } }: SupervisorReference): boolean {
  return keepChildren !== false;
}

function keptId({ options: { id = '' } }: SupervisorReference): string {
  return id;
}

function isTemporary(child: ChildReference): boolean {
  return child.options.restart === 'temporary';
}

function instanceFrom(parent: SupervisorReference, name: string, args: readonly Uint8Array[]): WorkerReference {
  const [template] = parent.children;
  if (parent.options.strategy !== 'simple_one_for_one' || template?.kind !== 'worker') {
    throw new Error('It was an instance, and its supervisor is no simple_one_for_one any more.');
  }
  return instanceOf(template, name, args.map(decodeValue));
}

/** Whether a child could be started below its supervisor. */
function checkReference(parent: SupervisorReference, child: ChildReference, { idOf }: TreeRegistry): void {
  if (parent.options.strategy === 'simple_one_for_one' && child.kind === 'supervisor') {
    throw new Error('It is a supervisor, and its supervisor is a simple_one_for_one now.');
  }
  checkChildSpecs([specOf(child, idOf)], parent.options.autoShutdown ?? 'never', [keptId(parent)]);
  for (const { name, module, options } of [...workersOf(child), ...templatesOf(child)]) {
    resolveWorkerModule(name, module, options.execArgv);
  }
}

function unkeepable(supervisor: string, child: string, why: string, cause?: unknown): RuntimeError {
  const message =
    `The child ${child} of supervisor ${supervisor}, which was added in an earlier run, cannot be started again: ${why} ` +
    `Correct it, or drop the child with keepChildren: { without: ['${child}'] }.`;
  return new RuntimeError('ERR_RUNTIME_KEPT', message, { supervisor, child }, cause === undefined ? {} : { cause });
}
