import { expect, test } from 'vitest';
import { CHILDREN_MAX, DEPTH_MAX, INTENSITY_MAX, type SupervisorSpec } from '../src/child-spec.js';
import { checkChildSpecs, checkSpec } from '../src/spec-check.js';
import { supervisorSpec, workerSpec } from './simulation.js';

// The specs below are wrong on purpose; a program without types could write them.
const wrong = (value: unknown): never => value as never;

const nested = (levels: number): SupervisorSpec<string> =>
  supervisorSpec(levels > 1 ? [nested(levels - 1)] : [], { id: `level${levels}` });

const two = [workerSpec('a'), workerSpec('b')];
const significant = workerSpec('s', { significant: true, restart: 'transient' });

const refused: readonly [string, string, SupervisorSpec<string>][] = [
  ['a worker as root', 'type', wrong(workerSpec('a'))],
  ['no root at all', 'type', wrong(undefined)],
  ['an empty id', 'id', supervisorSpec([workerSpec('')])],
  ['two children of one id', 'children', supervisorSpec([workerSpec('a'), workerSpec('a')])],
  ['a child that is no object', 'children', supervisorSpec([wrong(undefined)])],
  ['an unknown strategy', 'strategy', supervisorSpec([], { strategy: wrong('all_for_one') })],
  ['an unknown auto-shutdown', 'autoShutdown', supervisorSpec([], { autoShutdown: wrong('some_significant') })],
  ['a maximum of 0 children', 'childrenMax', supervisorSpec([], { childrenMax: 0 })],
  ['more children than its maximum', 'children', supervisorSpec(two, { childrenMax: 1 })],
  ['a significant child under never (N46)', 'significant', supervisorSpec([significant])],
  [
    'a significant permanent child (N46)',
    'significant',
    supervisorSpec([workerSpec('a', { significant: true })], { autoShutdown: 'any_significant' }),
  ],
  ['a significance that is no boolean', 'significant', supervisorSpec([workerSpec('a', { significant: wrong(1) })])],
  ['a significant root', 'significant', supervisorSpec([], { significant: true, restart: 'transient' })],
  [
    'auto-shutdown of simple_one_for_one (N46)',
    'autoShutdown',
    supervisorSpec([workerSpec('a')], { strategy: 'simple_one_for_one', autoShutdown: 'any_significant' }),
  ],
  ['simple_one_for_one without a template', 'children', supervisorSpec([], { strategy: 'simple_one_for_one' })],
  ['simple_one_for_one with two templates', 'children', supervisorSpec(two, { strategy: 'simple_one_for_one' })],
  ['a negative intensity', 'intensity', supervisorSpec([], { intensity: -1 })],
  ['an intensity over the limit', 'intensity', supervisorSpec([], { intensity: INTENSITY_MAX + 1 })],
  ['a period of 0', 'periodMs', supervisorSpec([], { periodMs: 0 })],
  ['an unknown restart type', 'restart', supervisorSpec([workerSpec('a', { restart: wrong('always') })])],
  ['a negative shutdown', 'shutdown', supervisorSpec([workerSpec('a', { shutdown: -5 })])],
  ['a shutdown longer than timers last', 'shutdown', supervisorSpec([workerSpec('a', { shutdown: 2 ** 31 })])],
  ['a start timeout of 0', 'startTimeoutMs', supervisorSpec([workerSpec('a', { startTimeoutMs: 0 })])],
  ['an unknown type', 'type', supervisorSpec([wrong({ id: 'a', type: 'thread', start: 1 })])],
  ['no start', 'start', supervisorSpec([wrong({ id: 'a', type: 'worker' })])],
  ['children that are no list', 'children', supervisorSpec(wrong('a'))],
  ['too many levels', 'children', nested(DEPTH_MAX + 1)],
  [
    'too many children',
    'children',
    supervisorSpec(Array.from({ length: CHILDREN_MAX + 1 }, (_, i) => workerSpec(`${i}`))),
  ],
];

test.each(refused)('refuses %s and names the field (S06)', (_, field, spec) => {
  expect(() => checkSpec(spec)).toThrow(expect.objectContaining({ code: 'ERR_SUPERVISOR_SPEC' }));
  expect(() => checkSpec(spec)).toThrow(expect.objectContaining({ details: expect.objectContaining({ field }) }));
});

test('says where the spec is, what it has and what to write', () => {
  const spec = supervisorSpec([supervisorSpec([workerSpec('w', { shutdown: -5 })], { id: 'inner' })]);
  expect(() => checkSpec(spec)).toThrow(
    `The spec of "sup/inner/w" has shutdown -5; use 'brutal_kill', 'infinity' or whole milliseconds from 0 to 2147483647.`,
  );
});

test('accepts OTP defaults, limits and unknown keys', () => {
  checkSpec(nested(DEPTH_MAX));
  const annotated = { ...workerSpec('a', { shutdown: 0 }), note: 'mine' };
  checkSpec(supervisorSpec([annotated], { intensity: 0, periodMs: 1 }));
});

test('checks specs of children on their own, with the auto-shutdown that they are for (S06, N46)', () => {
  checkChildSpecs([...two, significant]);
  checkChildSpecs([...two, significant], 'all_significant');
  const refusal = expect.objectContaining({ code: 'ERR_SUPERVISOR_SPEC' }) as Error;
  expect(() => checkChildSpecs([significant], 'never')).toThrow(refusal);
  expect(() => checkChildSpecs([workerSpec('a'), workerSpec('a')])).toThrow(refusal);
  expect(() => checkChildSpecs(wrong('a'))).toThrow(refusal);
});

test('accepts what is significant where it can have an effect, and a template', () => {
  checkSpec(supervisorSpec([significant], { autoShutdown: 'all_significant' }));
  const inner = supervisorSpec([], { id: 'inner', significant: true, restart: 'temporary' });
  checkSpec(supervisorSpec([inner], { autoShutdown: 'any_significant' }));
  checkSpec(supervisorSpec([workerSpec('a')], { strategy: 'simple_one_for_one', childrenMax: 1 }));
});
