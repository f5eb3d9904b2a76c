/**
 * Carries out what a step of a machine wants done, in its order, with what the handler was given. Without asynchronous actions
 * nothing is awaited, so that the handler stays synchronous.
 */
import type { NamedTables, TransferContext } from '@heirloom/worker';
import { MachineError } from './errors.js';
import type { MachineAction, MachineEffect } from './machine-step.js';

/** The handler of the worker's timers that gives the machine its delayed events. */
export const TIMER_HANDLER = 'event';

/** What every handler of a machine's worker is given; an action of `init` belongs to no call. */
export type StepContext<Tables extends NamedTables> = Omit<TransferContext<Tables>, 'call'>;

/** What effects need of it. */
export type EffectContext = Pick<StepContext<NamedTables>, 'log' | 'timers'>;

/** The worker's actions, whatever their types. */
export type Actions = Readonly<Record<string, (context: never, step: never) => unknown>>;

/** Throws or rejects with what an action throws. */
export function performAll(
  context: EffectContext,
  effects: readonly MachineEffect[],
  actions: Actions,
): void | Promise<void> {
  for (const [index, effect] of effects.entries()) {
    const result = perform(context, effect, actions);
    if (result instanceof Promise) return result.then(() => performAll(context, effects.slice(index + 1), actions));
  }
}

function perform(context: EffectContext, effect: MachineEffect, actions: Actions): unknown {
  switch (effect.kind) {
    case 'action':
      return act(context, effect.action, actions);
    case 'log':
      return context.log.info(effect.label ?? 'machine', { value: effect.value });
    case 'start_timer': {
      const { name, afterMs, event } = effect;
      return context.timers.start({ name, handler: TIMER_HANDLER, afterMs, args: [event] });
    }
    case 'cancel_timer':
      return context.timers.cancel(effect.name);
    default:
      return effect satisfies never;
  }
}

function act(context: EffectContext, { type, run, ...step }: MachineAction, actions: Actions): unknown {
  if (Object.hasOwn(actions, type)) return actions[type]?.(context as never, step as never);
  if (run !== undefined) return run();
  const message = `The action '${type}' has no implementation. Give one in the machine, or in the actions of machineWorker.`;
  throw new MachineError('ERR_MACHINE_ACTION', message, { action: type });
}
