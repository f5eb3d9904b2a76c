/**
 * What cannot be part of a durable machine is refused where the worker is defined.
 *
 * Fails when: an invoked actor, an action without an implementation or a wrong option is found out only when the machine comes to
 * it; an implementation that the worker gives is asked of the machine.
 */
import { row, table } from '@heirloom/tables';
import { describe, expect, it } from 'vitest';
import { createMachine, fromPromise, setup } from 'xstate';
import { machineWorker } from '../src/machine-worker.js';

const plain = createMachine({ id: 'plain', initial: 'a', states: { a: { on: { GO: 'b' } }, b: { type: 'final' } } });
const refused = (code: string, details: object = {}): unknown =>
  expect.objectContaining({ name: 'MachineError', code, details: expect.objectContaining(details) });

describe('a machine', () => {
  it('becomes a worker with its state as a table', () => {
    const definition = machineWorker(plain, { version: 3, watch: true });
    expect(Object.keys(definition.tables)).toEqual(['machine']);
    expect(definition.tables.machine).toMatchObject({ type: 'set', key: 'id', access: 'protected', version: 3 });
    expect(Object.keys(definition.handlers)).toEqual(['send', 'state']);
  });

  it('is refused if it invokes actors, wherever', () => {
    const machine = setup({ actors: { work: fromPromise(async () => 1) } }).createMachine({
      id: 'm',
      initial: 'a',
      states: { a: { initial: 'b', states: { b: { invoke: { src: 'work' } } } } },
    });
    expect(() => machineWorker(machine)).toThrow(refused('ERR_MACHINE_DEFINITION', { state: 'm.a.b' }));
  });

  it('is refused if an action has no implementation, wherever it is named', () => {
    const named = { actions: 'ring' } as const;
    const machines = [
      createMachine({ entry: 'ring' }),
      createMachine({ initial: 'a', states: { a: { exit: 'ring' } } }),
      createMachine({ initial: 'a', states: { a: { on: { E: named } } } }),
      createMachine({ initial: 'a', states: { a: { after: { 5: named } } } }),
      createMachine({ initial: 'a', states: { a: { always: { guard: () => false, ...named } } } }),
      createMachine({ initial: { target: 'a', actions: 'ring' } as never, states: { a: {} } }),
    ];
    for (const machine of machines) {
      expect(() => machineWorker(machine)).toThrow(refused('ERR_MACHINE_ACTION', { action: 'ring' }));
      expect(() => machineWorker(machine, { actions: { ring: () => {} } })).not.toThrow();
    }
  });

  it('is asked for with options that there are', () => {
    const tables = { machine: table({ row: row<{ id: string }>(), key: 'id' }) };
    const wrong = [{ tables }, { actions: { a: 1 } }, { migrate: 1 }, { tabels: {} }, null, 7];
    for (const options of wrong) {
      expect(() => machineWorker(plain, options as never)).toThrow(refused('ERR_MACHINE_DEFINITION'));
    }
    expect(() => machineWorker({} as never)).toThrow(refused('ERR_MACHINE_DEFINITION'));
    expect(() => machineWorker(plain, { version: 0 })).toThrow(expect.objectContaining({ code: 'ERR_TABLE_ARGUMENT' }));
  });
});
