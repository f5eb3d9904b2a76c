/**
 * A stored cast, or a dead letter, as the handler of a worker runs it.
 *
 * 1. Its handler always goes through the journal, as its batch says that it has ended: the keeper deletes it, or makes it a dead
 *    letter, in the transaction that stores what the handler did (G3).
 * 2. Its arguments come from another worker. What cannot be decoded is an error of this cast, and of nobody else (G12).
 */
import { decodeValue } from '@heirloom/wire';
import type { CallMessage, CastEnding, Delivery } from '@heirloom/wire';
import { WorkerError } from './errors.js';

/** The call that is delivered. Throws WireError, or WorkerError ERR_WORKER_PROTOCOL, for arguments that are none. */
export function callOf({ callId, id, name, arguments: bytes }: Delivery): CallMessage {
  const value = decodeValue(bytes);
  if (Array.isArray(value)) return { callId, name, arguments: value };
  throw new WorkerError('ERR_WORKER_PROTOCOL', `The arguments of the cast ${id} are no list.`, { id });
}

/** Whether it names what is no call of a program, but one that the router makes. */
export function isForbidden({ kind, name }: Delivery): boolean {
  return kind === 'cast' && name.startsWith('$');
}

/** How it has ended. */
export function endingOf(delivery: Delivery | undefined, how: CastEnding['how']): CastEnding | undefined {
  return delivery === undefined ? undefined : { id: delivery.id, how };
}

/** The result that its batch carries: nobody waits for that of a cast. */
export function resultOf(delivery: Delivery | undefined, result: unknown): unknown {
  return delivery?.kind === 'cast' ? undefined : result;
}
