/** Why a question of a handler is refused here, in words for whoever wrote the handler. */
import type { AskTarget } from '@heirloom/worker/process-url';
import { targetDetails, targetName } from '@heirloom/worker/process-url';
import type { CallOutcome } from './errors.js';
import { CallError } from './errors.js';
import { KEPT_ANSWERS_MAX, KEPT_BYTES_MAX } from './kept-answers.js';

/** Goes on behind what is refused with ERR_CALL_DIVERGED. */
export const DIVERGED: string =
  'is not what the handler asked at this point when it ran before, and it has written to or called another worker then. Let what ' +
  'it asks depend on its arguments, its tables and the answers only, and not on time, chance or which of several answers comes first';
/** Goes on behind what is refused with ERR_CALL_KEPT_LIMIT. */
export const KEPT_LIMIT: string =
  `is more than can be kept for when the handler is run again: ${KEPT_ANSWERS_MAX} questions and ${KEPT_BYTES_MAX} bytes of ` +
  'answers. Ask for less before it writes, or write in another call';

/** ERR_CALL_CYCLE: `workers` are those on the circle, the first and the last being the one that asks. */
export function cycleError(outcome: CallOutcome, target: AskTarget, workers: readonly string[]): CallError {
  const isOwn = workers.length === 2;
  const way = isOwn ? `${workers[0]} would wait for itself` : workers.join(' would wait for ');
  const ownAdvice =
    target.table === undefined
      ? 'Call the function that both handlers share.'
      : 'Use tables or inherited for a table that this worker owns.';
  const advice = isOwn ? ownAdvice : 'Ask in one direction only, or do it in a call of its own.';
  const text = `${targetName(target)} would never be answered: ${way}. ${advice}`;
  return new CallError('ERR_CALL_CYCLE', text, { ...targetDetails(target), workers, outcome });
}
