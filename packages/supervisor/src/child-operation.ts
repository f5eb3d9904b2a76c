/**
 * What may be asked of a running supervisor about its children, and what it answers (OTP's management functions).
 *
 * | operation       | it is refused with                                                                             |
 * |-----------------|------------------------------------------------------------------------------------------------|
 * | start_child     | already_started (it is alive), already_present (it is down or restarting), max_children,       |
 * |                 | simple_one_for_one                                                                             |
 * | start_instance  | already_started, already_present, max_children, not_simple_one_for_one                         |
 * | terminate_child | not_found                                                                                      |
 * | restart_child   | not_found, running, restarting, simple_one_for_one                                             |
 * | delete_child    | not_found, running, restarting, simple_one_for_one                                             |
 *
 * and everything with `stopped` by a supervisor that stops or has ended (OTP's noproc). A start that fails is answered with
 * `start_failed`: it is neither tried again nor counted, and start_child has forgotten the spec by then.
 *
 * Instances of simple_one_for_one have ids where OTP has process ids. OTP's extra return value of a start has no place here:
 * a child says nothing but that it is up.
 */
import type { AnySpec } from './child-spec.js';

/** Something to be done about one child. */
export type ChildOperation<S = unknown> =
  | {
      readonly type: 'start_child';
      readonly spec: AnySpec<S>;
      /** The last incarnation that a child of this id has had, 0 if none. */
      readonly lastIncarnation: number;
    }
  | {
      readonly type: 'start_instance';
      readonly id: string;
      /** Appended to the template's. */
      readonly args: readonly unknown[];
      readonly lastIncarnation: number;
    }
  | {
      readonly type: 'terminate_child';
      readonly id: string;
      /** Whether there has ever been an instance of this id: terminating one that is gone is no mistake (S13). */
      readonly hasLived?: boolean;
    }
  | { readonly type: 'restart_child' | 'delete_child'; readonly id: string };

/** Why an operation was not done. */
export type ChildRefusal =
  | 'already_started'
  | 'already_present'
  | 'max_children'
  | 'not_found'
  | 'running'
  | 'restarting'
  | 'simple_one_for_one'
  | 'not_simple_one_for_one'
  | 'stopped';

/** What came of an operation. */
export type ChildReply =
  /** It is up. */
  | { readonly type: 'started'; readonly id: string; readonly incarnation: number }
  /** It chose not to run; its spec is kept, unless it is temporary or an instance. */
  | { readonly type: 'ignored'; readonly id: string }
  /** It was terminated, or its spec deleted. */
  | { readonly type: 'done' }
  | { readonly type: 'start_failed'; readonly error: Error }
  | { readonly type: 'refused'; readonly reason: ChildRefusal };

/** An operation that is not answered yet. */
export interface ChildRequest<S = unknown> {
  /** The asker's number for it. */
  readonly request: number;
  readonly operation: ChildOperation<S>;
}

/** The child that an operation is about. */
export function childOf(operation: ChildOperation): string {
  return operation.type === 'start_child' ? operation.spec.id : operation.id;
}
