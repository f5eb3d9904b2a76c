/**
 * The restart limit of a whole runtime, with real workers under supervisors of their own.
 *
 * Mutations that make this fail, each tried: the option is not passed on; restarts of the keeper count.
 */
import { supervisor } from 'heirloom';
import { expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import { bankReference, killWorker, patientRoot, startTestRuntime, WITHOUT_STANDBY } from './support/runtime.js';

const TIMEOUT = { timeout: 60_000 };

it(
  'fails loudly when all workers together need too many restarts, and has lost nothing (G1, G11)',
  TIMEOUT,
  async () => {
    await using directory = await testDirectory();
    const banks = ['a', 'b'].map((name) => bankReference(name, WITHOUT_STANDBY));
    const root = patientRoot(...banks.map((bank) => patientRoot(bank)));
    const restartLimit = { intensity: 2, periodMs: 600_000 };
    await using test = await startTestRuntime({ directory: directory.path, root, restartLimit });
    const { runtime } = test;
    const [a, b] = banks.map((bank) => runtime.worker(bank));
    if (a === undefined || b === undefined) throw new Error('There are two workers.');
    expect(await a.call.deposit(1, 'alice', 10)).toBe(10);

    for (let kill = 0; kill < 3; kill += 1) {
      const recovered = new Promise<void>((resolve) => {
        const off = runtime.on('keeper_recovered', () => (off(), resolve()));
      });
      process.kill(await until('there is a keeper', () => runtime.keeper.pid), 'SIGKILL');
      await recovered;
    }
    await killWorker(runtime, a);
    await killWorker(runtime, b);
    const failed = new Promise<Error>((resolve) => void runtime.on('failed', ({ error }) => resolve(error)));
    process.kill(await until('it is up', () => a.pid), 'SIGKILL');
    const open = a.call.balance('alice');
    await expect(open).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_(CALL_STOPPED|RUNTIME_FAILED)$/) });
    expect(await failed).toMatchObject({
      code: 'ERR_RUNTIME_FAILED',
      cause: { code: 'ERR_SUPERVISOR_RESTART_LIMIT', details: { restarts: 3, intensity: 2 } },
    });
    await expect(a.call.balance('alice')).rejects.toMatchObject({ code: 'ERR_RUNTIME_FAILED' });
    await runtime.close();

    await using again = await startTestRuntime({ directory: directory.path, root });
    expect(await again.runtime.worker(banks[0]!).call.balance('alice')).toBe(10);
  },
);

it('is refused when half of it is missing', async () => {
  await using directory = await testDirectory();
  const root = supervisor({ strategy: 'one_for_one' }, []);
  const restartLimit = { intensity: 2 } as never;
  await expect(startTestRuntime({ directory: directory.path, root, restartLimit })).rejects.toMatchObject({
    code: 'ERR_RUNTIME_OPTION',
    message: expect.stringContaining('restartLimit.periodMs'),
  });
});
