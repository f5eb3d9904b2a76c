/**
 * A worker that is an xstate machine: it is where it was after any kill, and what its actions do to tables goes with its steps (G1,
 * G2, G3).
 *
 * Fails when: the state is kept in memory instead of the row; an action runs outside of the step; the delayed events are not
 * durable; an event is taken twice.
 */
import { MACHINE_KEY } from '@heirloom/machine';
import { worker } from 'heirloom';
import type { WorkerHandle, WorkerReference } from 'heirloom';
import { describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import { killWorker, patientRoot, startTestRuntime, workerModule } from './support/runtime.js';
import type turnstileWorker from './workers/turnstile.worker.js';

const turnstileOf = (env: Readonly<Record<string, string>> = {}): WorkerReference<typeof turnstileWorker> =>
  worker<typeof turnstileWorker>('turnstile', workerModule('turnstile'), { env });
const turnstileRef = turnstileOf();
const options = (directory: string, reference = turnstileRef): Parameters<typeof startTestRuntime>[0] => ({
  directory,
  root: patientRoot(reference),
  limits: { callTriesMax: 1_000 },
});
const coin = { type: 'COIN', amount: 2 } as const;
const passages = async (turnstile: WorkerHandle<typeof turnstileWorker>): Promise<number[]> =>
  (await turnstile.tables.passages.select()).map(({ passage }) => passage).toSorted((a, b) => a - b);

describe('a machine as a worker', () => {
  it('takes events, tells where it is, and can be read while it is dead (G8)', async () => {
    await using directory = await testDirectory();
    await using test = await startTestRuntime(options(directory.path));
    const turnstile = test.runtime.worker(turnstileRef);
    const locked = { status: 'active', value: 'locked', context: { coins: 100, passages: 0, lapses: 0 }, tags: [] };
    expect(await turnstile.call.state()).toEqual(locked);
    expect(await turnstile.call.send({ type: 'PUSH' })).toEqual(locked);
    expect(await turnstile.call.send(coin)).toMatchObject({
      value: 'open',
      context: { coins: 102 },
      tags: ['passable'],
    });
    process.kill(turnstile.pid ?? 0, 'SIGKILL');
    expect(await turnstile.tables.machine.lookup(MACHINE_KEY)).toMatchObject({
      value: 'open',
      context: { coins: 102 },
    });
    expect(await turnstile.call.send({ type: 'PUSH' })).toMatchObject({ value: 'locked', context: { passages: 1 } });
    expect(await passages(turnstile)).toEqual([1]);
  });

  it('has not moved when an action throws, and nothing of the step is stored (G2)', async () => {
    await using directory = await testDirectory();
    await using test = await startTestRuntime(options(directory.path));
    const turnstile = test.runtime.worker(turnstileRef);
    await turnstile.call.send(coin);
    await expect(turnstile.call.send({ type: 'JAM' })).rejects.toMatchObject({
      code: 'ERR_CALL_THREW',
      outcome: 'none',
      cause: { message: 'jammed' },
    });
    expect(await passages(turnstile)).toEqual([]);
    expect(await turnstile.call.state()).toMatchObject({ value: 'open' });
    for (const event of [{ type: 'xstate.after.lapse.turnstile.open' }, { type: 1 }, null]) {
      await expect(turnstile.call.send(event as never)).rejects.toMatchObject({ cause: { code: 'ERR_MACHINE_EVENT' } });
    }
  });

  it('takes each event once, however often its worker is killed (G1, G3)', async () => {
    await using directory = await testDirectory();
    await using test = await startTestRuntime(options(directory.path));
    const turnstile = test.runtime.worker(turnstileRef);
    for (let passage = 1; passage <= 6; passage++) {
      const steps = [turnstile.call.send(coin), turnstile.call.send({ type: 'PUSH' })];
      await killWorker(test.runtime, turnstile);
      await Promise.all(steps);
    }
    expect((await turnstile.call.state()).context).toEqual({ coins: 112, passages: 6, lapses: 0 });
    expect(await passages(turnstile)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('takes delayed events that fell due while nothing ran', async () => {
    await using directory = await testDirectory();
    const reference = turnstileOf({ OPEN_MS: '300' });
    {
      await using test = await startTestRuntime(options(directory.path, reference));
      await test.runtime.worker(reference).call.send(coin);
    }
    await using test = await startTestRuntime(options(directory.path, reference));
    const turnstile = test.runtime.worker(reference);
    const lapsed = await until('the turnstile locks by itself', async () => {
      const state = await turnstile.call.state();
      return state.value === 'locked' ? state : undefined;
    });
    expect(lapsed.context).toEqual({ coins: 102, passages: 0, lapses: 1 });
  });

  it('rejects an event as poisoned that kills its worker whenever it is taken', async () => {
    await using directory = await testDirectory();
    await using test = await startTestRuntime({ ...options(directory.path), limits: { callTriesMax: 2 } });
    const turnstile = test.runtime.worker(turnstileRef);
    await expect(turnstile.call.send({ type: 'DIE' })).rejects.toMatchObject({ code: 'ERR_CALL_POISONED' });
    expect(await turnstile.call.send(coin)).toMatchObject({ value: 'open' });
  });
});
