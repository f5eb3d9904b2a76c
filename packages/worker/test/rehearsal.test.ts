import { armFailpoints } from '@heirloom/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { rehearse } from '../src/rehearsal.js';

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe('rehearse', () => {
  afterEach(() => armFailpoints([]));

  it('plays its acts without an error and without hitting failpoints', async () => {
    armFailpoints([{ point: 'worker.handler:start', hit: 1, action: 'EIO' }]);
    let asked = 0;
    rehearse(() => {
      asked++;
      return false;
    });
    for (let i = 0; i < 10; i++) await turn();
    expect(asked).toBe(4);
  });

  it('stops when there is no time for it any more', async () => {
    let asked = 0;
    rehearse(() => ++asked > 1);
    for (let i = 0; i < 10; i++) await turn();
    expect(asked).toBe(2);
  });
});
