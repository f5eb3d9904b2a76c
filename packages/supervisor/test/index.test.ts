import { expect, test } from 'vitest';
import * as main from '@heirloom/supervisor';
import * as testing from '@heirloom/supervisor/testing';

test('the public surface is this list', () => {
  expect(Object.keys(main).sort()).toEqual([
    'BOOTSTRAP_BYTES_MAX',
    'CHILDREN_MAX',
    'DEPTH_MAX',
    'DURATION_MS_MAX',
    'INTENSITY_DEFAULT',
    'INTENSITY_MAX',
    'KEEPER_SUPERVISOR_ID',
    'KILL_WAIT_DEFAULT_MS',
    'PERIOD_DEFAULT_MS',
    'STRATEGIES',
    'SupervisionTree',
    'SupervisorError',
    'TOP_ID',
    'VirtualClock',
    'WORKER_SHUTDOWN_DEFAULT_MS',
    'checkSpec',
    'exitVerdict',
    'processPort',
    'realClock',
    'topSupervisor',
  ]);
  expect(Object.keys(testing).sort()).toEqual([
    'FakeChild',
    'FakeDriver',
    'FakeProcess',
    'FakeProcessPort',
    'VirtualClock',
  ]);
});
