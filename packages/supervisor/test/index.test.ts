import { expect, test } from 'vitest';
import * as main from '@heirloom/supervisor';
import * as testing from '@heirloom/supervisor/testing';

test('the public surface is this list', () => {
  expect(Object.keys(main).sort()).toEqual([
    'AUTO_SHUTDOWNS',
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
    'SupervisorHandle',
    'TOP_ID',
    'VirtualClock',
    'WORKER_SHUTDOWN_DEFAULT_MS',
    'checkChildSpecs',
    'checkSpec',
    'childLifecycleMachine',
    'countChildren',
    'exitVerdict',
    'getChildSpec',
    'newSupervisor',
    'processPort',
    'realClock',
    'stepSupervisor',
    'topSupervisor',
    'unstartedChild',
    'whichChildren',
  ]);
  expect(Object.keys(testing).sort()).toEqual([
    'FakeChild',
    'FakeDriver',
    'FakeProcess',
    'FakeProcessPort',
    'VirtualClock',
  ]);
});
