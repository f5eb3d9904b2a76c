/** The errors of machine workers: what a machine has that a durable one cannot have, and what is sent to it. */
import { HeirloomError } from '@heirloom/tables';

export type MachineErrorCode =
  // When the worker is defined.
  | 'ERR_MACHINE_DEFINITION' // an option is malformed, or the machine invokes actors
  | 'ERR_MACHINE_ACTION' // an action has no implementation
  // When it runs. Nothing was changed.
  | 'ERR_MACHINE_EVENT' // what was sent is no event, or one that only the machine itself may raise
  | 'ERR_MACHINE_EFFECT' // an action wants what does not survive a crash: to spawn an actor, or to send to another one
  | 'ERR_MACHINE_STATE'; // the stored state is none of this machine

/** A machine cannot be made a worker, or cannot take a step; `code` says why. */
export class MachineError extends HeirloomError<MachineErrorCode> {
  override readonly name: string = 'MachineError';
}
