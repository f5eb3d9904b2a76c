/**
 * What can be read of a supervisor's children at any moment: which there are, how many, and their specs
 * (supervisor:which_children/1, count_children/1, get_childspec/2).
 */
import { isDown, type ChildStateName } from './child-machine.js';
import { childPolicy, type AnySpec, type ChildPolicy } from './child-spec.js';
import type { ChildRecord, SupervisorState } from './supervisor-state.js';

/** One child, as supervisor:which_children/1 lists it; `stopped` is OTP's pid `undefined`. */
export interface ChildListing {
  readonly id: string;
  readonly type: 'worker' | 'supervisor';
  readonly state: ChildStateName;
  /** The number of the current incarnation, or of the last one; 0 when it was never started. */
  readonly incarnation: number;
}

/** How many children there are (supervisor:count_children/1). */
export interface ChildCounts {
  /** Child specs, whether their processes live or not; of simple_one_for_one the template. */
  readonly specs: number;
  /** Children with a process. */
  readonly active: number;
  readonly supervisors: number;
  readonly workers: number;
}

/** The children, the newest first; instances of simple_one_for_one in place of its template. */
export function whichChildren<S>({ children }: SupervisorState<S>): readonly ChildListing[] {
  return children.toReversed().map(({ spec, lifecycle }) => ({
    id: spec.id,
    type: spec.type,
    state: lifecycle.state,
    incarnation: lifecycle.context.incarnation,
  }));
}

/** How many children of which kind there are. */
export function countChildren<S>({ spec, children }: SupervisorState<S>): ChildCounts {
  const count = (isCounted: (child: ChildRecord<S>) => boolean): number => children.filter(isCounted).length;
  const supervisors = count((child) => child.spec.type === 'supervisor');
  return {
    specs: spec.strategy === 'simple_one_for_one' ? 1 : children.length,
    active: count((child) => !isDown(child.lifecycle)),
    supervisors,
    workers: children.length - supervisors,
  };
}

/** The spec of a child with every default filled in, or undefined when there is no such child. */
export function getChildSpec<S>({ children }: SupervisorState<S>, id: string): (AnySpec<S> & ChildPolicy) | undefined {
  const spec = children.find((child) => child.spec.id === id)?.spec;
  return spec === undefined ? undefined : { ...spec, ...childPolicy(spec) };
}
