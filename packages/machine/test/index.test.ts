/** What the package gives its users. Fails when an export is added or removed without saying so here. */
import { describe, expect, it } from 'vitest';
import * as machine from '../src/index.js';

describe('the public surface', () => {
  it('is this list', () => {
    expect(Object.keys(machine).toSorted()).toEqual(['MACHINE_KEY', 'MachineError', 'OWN_EVENTS_MAX', 'machineWorker']);
  });
});
