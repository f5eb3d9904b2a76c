/**
 * A machine's step is xstate's own transition, with the state as plain data in between.
 *
 * Fails when: a row loses the history, the output or the context; delayed events are not named or not cancelled; an event to the
 * machine itself is dropped or taken out of order; a spawned actor is let through.
 */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  assign,
  cancel,
  createActor,
  createMachine,
  emit,
  fromCallback,
  log,
  raise,
  sendTo,
  setup,
  spawnChild,
} from 'xstate';
import type { AnyStateMachine, EventObject } from 'xstate';
import { OWN_EVENTS_MAX, startMachine, stepMachine } from '../src/machine-step.js';
import type { MachineRow } from '../src/stored-state.js';

/** What a table gives back: nothing but data. */
function stored(row: MachineRow): MachineRow {
  return JSON.parse(JSON.stringify(row)) as MachineRow;
}

/** A player with history, parallel states, guards and an end. */
const player = setup({
  types: { context: {} as { plays: number; volume: number }, events: {} as { type: string } },
  guards: { isLoud: ({ context }) => context.volume >= 3 },
}).createMachine({
  id: 'player',
  context: { plays: 0, volume: 1 },
  initial: 'off',
  states: {
    off: { on: { POWER: 'on.last', BREAK: 'broken' } },
    on: {
      type: 'parallel',
      on: { POWER: 'off', BREAK: { guard: 'isLoud', target: 'broken' } },
      states: {
        last: { type: 'history', history: 'deep' },
        track: {
          initial: 'stopped',
          states: {
            stopped: {
              on: { PLAY: { target: 'playing', actions: assign({ plays: ({ context }) => context.plays + 1 }) } },
            },
            playing: { tags: ['busy'], on: { STOP: 'stopped', PLAY: 'paused' } },
            paused: { on: { PLAY: 'playing' } },
          },
        },
        light: { initial: 'dim', states: { dim: { on: { LIGHT: 'bright' } }, bright: { on: { LIGHT: 'dim' } } } },
      },
    },
    broken: { type: 'final' },
  },
  on: { LOUDER: { actions: assign({ volume: ({ context }) => context.volume + 1 }) } },
  output: ({ context }) => ({ plays: context.plays }),
});

const EVENTS = ['POWER', 'PLAY', 'STOP', 'LIGHT', 'LOUDER', 'BREAK', 'UNKNOWN'].map((type) => ({ type }));

describe('a machine whose state is stored between its steps', () => {
  it('goes where an actor of xstate goes that lives on', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...EVENTS), { maxLength: 40 }), (events) => {
        const actor = createActor(player).start();
        let { row } = startMachine(player, undefined);
        for (const event of events) {
          // One that is done hears nothing, and complains.
          if (actor.getSnapshot().status === 'active') actor.send(event);
          row = stored(stepMachine(player, stored(row), event).row);
          const { value, context, status, tags, output } = actor.getSnapshot();
          expect(row).toMatchObject({ value, context, status, tags: [...tags] });
          expect(row.output).toEqual(output);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('stays as it is once it is done', () => {
    let { row } = startMachine(player, undefined);
    ({ row } = stepMachine(player, row, { type: 'BREAK' }));
    expect(row).toMatchObject({ status: 'done', output: { plays: 0 } });
    expect(stepMachine(player, stored(row), { type: 'POWER' })).toEqual({ row, effects: [] });
  });

  it('refuses a stored state that it does not have', () => {
    const { row } = startMachine(player, undefined);
    expect(() => stepMachine(player, { ...row, value: 'exploded' }, { type: 'POWER' })).toThrow(
      expect.objectContaining({ code: 'ERR_MACHINE_STATE', details: { machine: 'player', value: 'exploded' } }),
    );
  });
});

describe('what a step wants done', () => {
  const effectsOf = (machine: AnyStateMachine, ...events: EventObject[]): unknown[] => {
    let { row, effects } = startMachine(machine, undefined);
    for (const event of events) ({ row, effects } = stepMachine(machine, stored(row), event));
    return effects.map((effect) => (effect.kind === 'action' ? [effect.action.type, effect.action.params] : effect));
  };

  it('is in the order of the actions, with their parameters', () => {
    const machine = setup({
      types: { context: {} as { n: number } },
      actions: { first: () => {}, second: (_arguments, _params: { n: number }) => {} },
    }).createMachine({
      context: { n: 1 },
      on: {
        E: {
          actions: [
            'first',
            assign({ n: ({ context }) => context.n + 1 }),
            { type: 'second', params: ({ context }) => ({ n: context.n }) },
            log('said', 'label'),
          ],
        },
      },
    });
    const said = { kind: 'log', label: 'label', value: 'said' };
    expect(effectsOf(machine, { type: 'E' })).toEqual([['first', undefined], ['second', { n: 2 }], said]);
  });

  it('has timers for delayed events, which are cancelled when their state is left', () => {
    const machine = createMachine({
      id: 'm',
      initial: 'a',
      states: { a: { after: { 500: 'b' }, on: { LEAVE: 'b' } }, b: {} },
    });
    const name = 'xstate.after.500.m.a';
    expect(effectsOf(machine)).toEqual([{ kind: 'start_timer', name, afterMs: 500, event: { type: name } }]);
    expect(effectsOf(machine, { type: 'LEAVE' })).toEqual([{ kind: 'cancel_timer', name }]);
    expect(effectsOf(machine, { type: name })).toEqual([{ kind: 'cancel_timer', name }]);
  });

  it('has a timer of its own for each delayed event without an id', () => {
    const later = raise({ type: 'LATER' }, { delay: 5 });
    const named = raise({ type: 'LATER' }, { delay: 7, id: 'named' });
    const machine = createMachine({ on: { E: { actions: [later, later, named, cancel('named')] } } });
    const names = (effects: unknown[]): unknown[] => effects.map((effect) => (effect as { name: unknown }).name);
    expect(names(effectsOf(machine, { type: 'E' }))).toEqual(['#1', '#2', 'named', 'named']);
    expect(names(effectsOf(machine, { type: 'E' }, { type: 'E' }))).toEqual(['#3', '#4', 'named', 'named']);
  });

  it('takes what the machine sends to itself in the same step, one after the other', () => {
    const machine = setup({ actions: { seen: () => {} } }).createMachine({
      initial: 'a',
      states: {
        a: {
          on: {
            E: {
              target: 'b',
              actions: [sendTo(({ self }) => self, { type: 'F' }), sendTo(({ self }) => self, { type: 'G' })],
            },
          },
        },
        b: { on: { F: 'c', G: 'wrong' } },
        c: { entry: 'seen', on: { G: 'd' } },
        d: {},
        wrong: {},
      },
    });
    const { row } = startMachine(machine, undefined);
    expect(stepMachine(machine, row, { type: 'E' }).row.value).toBe('d');
    expect(effectsOf(machine, { type: 'E' })).toEqual([['seen', undefined]]);
  });

  it('refuses a machine that always answers itself', () => {
    const again = sendTo(({ self }) => self, { type: 'E' });
    const machine = createMachine({ on: { E: { actions: again } } });
    expect(() => effectsOf(machine, { type: 'E' })).toThrow(
      expect.objectContaining({
        code: 'ERR_MACHINE_EFFECT',
        details: expect.objectContaining({ limit: OWN_EVENTS_MAX }),
      }),
    );
  });

  it('refuses what would not survive a crash', () => {
    const child = fromCallback(() => {});
    for (const action of [spawnChild(child), emit({ type: 'told' }), sendTo('other', { type: 'F' })]) {
      const machine = createMachine({ on: { E: { actions: action as never } } });
      expect(() => effectsOf(machine, { type: 'E' })).toThrow(/ERR_MACHINE_EFFECT|Unable to send|would not survive/);
    }
  });

  it('throws what an assigner throws', () => {
    const machine = createMachine({
      context: {},
      on: {
        E: {
          actions: assign(() => {
            throw new RangeError('no');
          }),
        },
      },
    });
    expect(() => effectsOf(machine, { type: 'E' })).toThrow(new RangeError('no'));
  });
});
