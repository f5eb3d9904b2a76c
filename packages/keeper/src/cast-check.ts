/**
 * Whether the casts of a batch may be stored, and whether its worker can have run what it says it has: so that one worker cannot
 * harm another (G12), nor fill the store (G9).
 */
import { ARGUMENT_BYTES_MAX, OUTBOX_BYTES_MAX, OUTBOX_CASTS_MAX, castBytes } from '@heirloom/wire';
import type { Batch, Cast, CastTotals } from '@heirloom/wire';
import type { CastStore } from './cast-store.js';
import { WORKER_NAME_BYTES_MAX } from './layout.js';

/** The longest name of a call, in UTF-16 units: no worker can define a longer one. */
export const CALL_NAME_CHARS_MAX = 128;

/**
 * What is wrong with the casts of a worker's batch; undefined when they may be stored, and then what it ends is claimed. `staged`
 * are those of the sender that are received and not committed.
 */
export function problemOfCasts(mail: CastStore, worker: string, batch: Batch, staged: CastTotals): string | undefined {
  const { casts = [], ending, outcomes } = batch;
  for (const cast of casts) {
    const problem = problemOfCast(cast);
    if (problem !== undefined) return problem;
  }
  if (casts.length > 0 && !hasRoom(mail.outstanding(worker), staged, casts)) {
    return `makes more casts than may be outstanding, which are ${OUTBOX_CASTS_MAX} of ${OUTBOX_BYTES_MAX} bytes`;
  }
  if (ending === undefined) return undefined;
  if (outcomes.length !== 1 || outcomes[0]?.threw !== (ending.how !== 'done')) {
    return `ends the cast ${ending.id} otherwise than its outcome says`;
  }
  return mail.claim(worker, ending.id) ? undefined : `ends the cast ${ending.id}, which is not there for '${worker}'`;
}

/** What is wrong with a cast, whoever makes it. */
export function problemOfCast({ to, name, arguments: bytes }: Cast): string | undefined {
  if (to === '' || Buffer.byteLength(to) > WORKER_NAME_BYTES_MAX) return 'casts to what cannot be a worker';
  if (name === '' || name.length > CALL_NAME_CHARS_MAX) return 'casts what cannot be a call';
  return bytes.length > ARGUMENT_BYTES_MAX ? `casts more than ${ARGUMENT_BYTES_MAX} bytes` : undefined;
}

/** Whether a sender may have these casts stored besides those that it has. */
export function hasRoom(outstanding: CastTotals, staged: CastTotals, casts: readonly Cast[]): boolean {
  const bytes = casts.reduce((sum, cast) => sum + castBytes(cast), outstanding.bytes + staged.bytes);
  return outstanding.count + staged.count + casts.length <= OUTBOX_CASTS_MAX && bytes <= OUTBOX_BYTES_MAX;
}
