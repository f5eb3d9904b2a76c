/** A turnstile as a state machine: coins open it, a person or time closes it, and each passage is booked. */
import { machineWorker } from '@heirloom/machine';
import { row, table } from 'heirloom/worker';
import { assign, setup } from 'xstate';

type TurnstileEvent =
  | { readonly type: 'COIN'; readonly amount: number }
  | { readonly type: 'PUSH' }
  | { readonly type: 'JAM' }
  | { readonly type: 'DIE' };

/** How long it stays open: in most tests longer than they take. */
const OPEN_MS = Number(process.env['OPEN_MS'] ?? 600_000);

const turnstile = setup({
  types: {
    context: {} as { readonly coins: number; readonly passages: number; readonly lapses: number },
    events: {} as TurnstileEvent,
    input: {} as { readonly coins: number },
  },
  delays: { lapse: OPEN_MS },
  actions: {
    book: (_arguments, _params: { readonly passage: number }) => {
      throw new Error('the worker has an action of this name');
    },
    jam: () => {
      throw new RangeError('jammed');
    },
    die: () => process.kill(process.pid, 'SIGKILL'),
  },
}).createMachine({
  id: 'turnstile',
  context: ({ input }) => ({ coins: input.coins, passages: 0, lapses: 0 }),
  initial: 'locked',
  states: {
    locked: {
      on: {
        COIN: {
          target: 'open',
          actions: assign({ coins: ({ context, event }) => context.coins + event.amount }),
        },
      },
    },
    open: {
      tags: ['passable'],
      after: {
        lapse: { target: 'locked', actions: assign({ lapses: ({ context }) => context.lapses + 1 }) },
      },
      on: {
        PUSH: {
          target: 'locked',
          actions: [
            assign({ passages: ({ context }) => context.passages + 1 }),
            { type: 'book', params: ({ context }) => ({ passage: context.passages }) },
          ],
        },
        JAM: { target: 'locked', actions: [{ type: 'book', params: { passage: 0 } }, 'jam'] },
      },
    },
  },
  on: { DIE: { actions: 'die' } },
});

export default machineWorker(turnstile, {
  input: { coins: 100 },
  tables: { passages: table({ row: row<{ passage: number }>(), type: 'duplicate_bag', key: 'passage' }) },
  actions: {
    book({ tables }, { context }) {
      tables.passages.insert({ passage: context.passages });
    },
  },
});
