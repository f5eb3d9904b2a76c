import { InvariantError } from '@heirloom/tables';
import { expect, test } from 'vitest';
import { planRestart } from '../src/strategy.js';

const children = ['a', 'b', 'c'].map((id) => ({ id, restart: 'permanent' as const }));

test('one_for_one stops nobody and starts only the child that exited', () => {
  expect(planRestart('one_for_one', children, 'b')).toEqual({ stop: [], start: ['b'] });
});

test('a plan for a child that is not there is a bug', () => {
  expect(() => planRestart('one_for_one', children, 'z')).toThrow(InvariantError);
});
