/**
 * Mutations that make this fail, each tried: a plan stops in start order; rest_for_one begins one child too early or too late; a
 * temporary sibling is started.
 */
import { InvariantError } from '@heirloom/tables';
import { expect, test } from 'vitest';
import { planRestart } from '../src/strategy.js';

const children = ['a', 'b', 'c', 'd'].map((id) => ({ id, restart: 'permanent' as const }));

test.each(['one_for_one', 'simple_one_for_one'] as const)('%s stops nobody and starts only the child', (strategy) => {
  expect(planRestart(strategy, children, 'b')).toEqual({ stop: [], start: ['b'] });
});

test('one_for_all stops all others in reverse and starts all in order (S19)', () => {
  expect(planRestart('one_for_all', children, 'b')).toEqual({ stop: ['d', 'c', 'a'], start: ['a', 'b', 'c', 'd'] });
});

test('rest_for_one stops those after it in reverse and starts from it on (S08, S20)', () => {
  expect(planRestart('rest_for_one', children, 'b')).toEqual({ stop: ['d', 'c'], start: ['b', 'c', 'd'] });
  expect(planRestart('rest_for_one', children, 'd')).toEqual({ stop: [], start: ['d'] });
});

test.each(['one_for_all', 'rest_for_one'] as const)('%s stops temporary siblings and starts none (S22)', (strategy) => {
  const mixed = [...children, { id: 't', restart: 'temporary' as const }];
  const { stop, start } = planRestart(strategy, mixed, 'a');
  expect(stop[0]).toBe('t');
  expect(start).toEqual(['a', 'b', 'c', 'd']);
});

test('a plan for a child that is not there is a bug', () => {
  expect(() => planRestart('one_for_one', children, 'z')).toThrow(InvariantError);
});
