/**
 * The management functions of a running supervisor (supervisor:start_child/2 and its kin), as changes of the step in progress.
 *
 * 1. Requests about one child are served in the order in which they come, each after the one before is answered (S12).
 * 2. A request about a child that is just being started or stopped with its siblings waits until that is done, as it would in
 *    the mailbox of OTP's supervisor. Only terminate_child does not wait: it ends a start that hangs.
 * 3. Between two tries of a restart everything is served: restart_child and delete_child are refused with `restarting`,
 *    start_child with `already_present`, and terminate_child ends the tries (N35). As in OTP the rest of that round is given
 *    up with it: siblings that were to be started after the child stay down until somebody asks (N36).
 * 4. What a start_child or restart_child starts is not counted, nor tried again when it fails.
 */
import { isDown } from './child-machine.js';
import { childOf, type ChildOperation, type ChildRefusal, type ChildRequest } from './child-operation.js';
import { CHILDREN_MAX, instanceSpec, type AnySpec } from './child-spec.js';
import type { SupervisorDraft } from './supervisor-draft.js';
import { newRecord } from './supervisor-state.js';

/** Whether something is being done with the child that has to be over first. */
export function mustWait<S>({ state }: SupervisorDraft<S>, operation: ChildOperation<S>): boolean {
  const id = childOf(operation);
  return state.rounds.some((round) => {
    if (!round.start.includes(id) && !round.stop.includes(id)) return false;
    return round.kind === 'request' || (round.pause === undefined && operation.type !== 'terminate_child');
  });
}

/** Refuses a request, does it, or begins a round whose end answers it. */
export function beginRequest<S>(draft: SupervisorDraft<S>, request: ChildRequest<S>): void {
  const { operation } = request;
  const refuse = (reason: ChildRefusal): void => draft.reply(request, { type: 'refused', reason });
  const isSimple = draft.state.spec.strategy === 'simple_one_for_one';
  switch (operation.type) {
    case 'start_child':
      if (isSimple) return refuse('simple_one_for_one');
      return startNew(draft, request, operation.spec, operation.lastIncarnation, refuse);
    case 'start_instance':
      if (!isSimple) return refuse('not_simple_one_for_one');
      return startNew(draft, request, instanceSpec(draft.state.spec, operation), operation.lastIncarnation, refuse);
    case 'terminate_child':
      return terminate(draft, request, operation.id, isSimple && operation.hasLived === true, refuse);
    case 'restart_child':
    case 'delete_child': {
      if (isSimple) return refuse('simple_one_for_one');
      const record = draft.find(operation.id);
      if (record === undefined) return refuse('not_found');
      if (record.lifecycle.state === 'restarting') return refuse('restarting');
      if (!isDown(record.lifecycle)) return refuse('running');
      if (operation.type === 'restart_child') return start(draft, request, operation.id);
      draft.remove(operation.id);
      return draft.reply(request, { type: 'done' });
    }
  }
}

function startNew<S>(
  draft: SupervisorDraft<S>,
  request: ChildRequest<S>,
  spec: AnySpec<S>,
  lastIncarnation: number,
  refuse: (reason: ChildRefusal) => void,
): void {
  const { children, killWaitMs, spec: supervisor } = draft.state;
  const present = draft.find(spec.id);
  if (present !== undefined) return refuse(isDown(present.lifecycle) ? 'already_present' : 'already_started');
  if (children.length >= (supervisor.childrenMax ?? CHILDREN_MAX)) return refuse('max_children');
  draft.append(newRecord(spec, killWaitMs, Math.max(lastIncarnation, draft.state.lastIncarnation(spec.id))));
  start(draft, request, spec.id);
}

function start<S>(draft: SupervisorDraft<S>, request: ChildRequest<S>, id: string): void {
  draft.addRound({ kind: 'request', stop: [], start: [id], request });
}

function terminate<S>(
  draft: SupervisorDraft<S>,
  request: ChildRequest<S>,
  id: string,
  hasLived: boolean,
  refuse: (reason: ChildRefusal) => void,
): void {
  const record = draft.find(id);
  if (record === undefined) return hasLived ? draft.reply(request, { type: 'done' }) : refuse('not_found');
  const given = draft.state.rounds.find((round) => round.pause?.id === id);
  if (given !== undefined) {
    draft.replaceRound(given, undefined);
    for (const sibling of given.start) if (!draft.isToStart(sibling)) ended(draft, sibling);
  } else if (draft.isToStart(id) && isDown(record.lifecycle)) ended(draft, id);
  if (isDown(record.lifecycle) && draft.isFleeting(record)) {
    draft.remove(id);
    return draft.reply(request, { type: 'done' });
  }
  draft.dropStart(id);
  draft.addRound({ kind: 'request', stop: [id], start: [], request });
}

/** The child is down already, and was to be started again. */
function ended<S>(draft: SupervisorDraft<S>, id: string): void {
  const record = draft.find(id);
  if (record === undefined || !isDown(record.lifecycle)) return;
  const isForgotten = draft.isFleeting(record);
  draft.emit({ type: 'child_ended', id, incarnation: record.lifecycle.context.incarnation, isForgotten });
}
