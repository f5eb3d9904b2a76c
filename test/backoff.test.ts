/**
 * Backoff with real workers: how long the restarts of one that dies again and again wait, and what becomes of calls meanwhile.
 *
 * Mutations that make this fail, each tried: the options of a worker or a supervisor are not passed on; the seed is not; restarts
 * are not logged.
 */
import { supervisor } from 'heirloom';
import type { Backoff, SupervisorReference, WorkerReference } from 'heirloom';
import { describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import type { RecordingLogger, TestRuntime } from './support/runtime.js';
import { bankReference, killWorker, startTestRuntime, WITHOUT_STANDBY } from './support/runtime.js';

const often = { strategy: 'one_for_one', intensity: 1_000, periodMs: 60_000 } as const;
const HOUR_MS = 3_600_000;
const TIMEOUT = { timeout: 60_000 };

/** A tree of one worker, without standbys, which says itself how its restarts are spread out. */
function bankTree(backoff: Backoff): { bank: ReturnType<typeof bankReference>; root: SupervisorReference } {
  const bank = bankReference('bank', { ...WITHOUT_STANDBY, backoff });
  return { bank, root: supervisor(often, [bank]) };
}

const waits = (log: RecordingLogger): unknown[] =>
  log.lines.filter(({ message }) => message === 'a child is restarted').map(({ fields }) => fields['delayMs']);

/** Kills it twice, so that it waits; resolves when it does. */
async function killTwice({ runtime, log }: TestRuntime, bank: WorkerReference): Promise<void> {
  const handle = runtime.worker(bank);
  await killWorker(runtime, handle);
  process.kill(await until('it is up', () => handle.pid), 'SIGKILL');
  await until('it waits', () => waits(log).length === 2);
}

describe('a worker that dies again and again', TIMEOUT, () => {
  it('is back at once, then after longer and longer waits; its calls wait with it (G3)', async () => {
    await using directory = await testDirectory();
    const bank = bankReference('bank');
    const backoff = { minMs: 300, factor: 2, jitter: 0, resetMs: HOUR_MS, maxMs: HOUR_MS };
    const root = supervisor({ ...often, backoff }, [bank]);
    await using test = await startTestRuntime({ directory: directory.path, root });
    const handle = test.runtime.worker(bank).with({ timeoutMs: 30_000 });
    const recoveries: number[] = [];
    test.runtime.on('recovered', ({ ms }) => void recoveries.push(ms));
    for (let kill = 1; kill <= 3; kill += 1) {
      const recovered = killWorker(test.runtime, handle);
      await until('it is gone', () => handle.pid === undefined || recoveries.length === kill);
      expect(await handle.call.deposit(kill, 'alice', 1)).toBe(kill);
      await recovered;
    }
    expect(waits(test.log)).toEqual([0, 300, 600]);
    expect(recoveries[1]).toBeGreaterThanOrEqual(299);
    expect(recoveries[2]).toBeGreaterThanOrEqual(599);
  });

  it('can be terminated while it waits, and started again at once', async () => {
    await using directory = await testDirectory();
    const { bank, root } = bankTree({ minMs: HOUR_MS, maxMs: HOUR_MS });
    await using test = await startTestRuntime({ directory: directory.path, root, keeper: WITHOUT_STANDBY });
    await killTwice(test, bank);
    const [management, handle] = [test.runtime.supervisor(root), test.runtime.worker(bank)];
    const call = handle.call.balance('alice');
    const rejected = expect(call).rejects.toMatchObject({ code: 'ERR_CALL_STOPPED', outcome: 'none' });
    await expect(management.restartChild(bank)).rejects.toMatchObject({ code: 'ERR_SUPERVISOR_RESTARTING' });
    await management.terminateChild(bank);
    await rejected;
    await management.restartChild(bank);
    expect(handle.pid).toBeDefined();
  });

  it('does not hold up the end of the runtime while it waits', async () => {
    await using directory = await testDirectory();
    const { bank, root } = bankTree({ minMs: HOUR_MS, maxMs: HOUR_MS });
    await using test = await startTestRuntime({ directory: directory.path, root, keeper: WITHOUT_STANDBY });
    await killTwice(test, bank);
    const call = test.runtime.worker(bank).call.balance('alice');
    const rejected = expect(call).rejects.toMatchObject({ code: 'ERR_CALL_STOPPED', outcome: 'none' });
    await test.runtime.close();
    await rejected;
  });

  it('waits the same in another run with the same seed, which the log names', async () => {
    const seen: unknown[] = [];
    for (const seed of [7, 7, undefined]) {
      await using directory = await testDirectory();
      const { bank, root } = bankTree({ minMs: HOUR_MS, maxMs: HOUR_MS, jitter: 1 });
      const options = { directory: directory.path, root, keeper: WITHOUT_STANDBY };
      await using test = await startTestRuntime(seed === undefined ? options : { ...options, seed });
      await killTwice(test, bank);
      const named = test.log.lines.find(({ fields }) => 'seed' in fields)?.fields['seed'];
      if (seed === undefined) expect(named).toEqual(expect.any(Number));
      else expect(named).toBe(seed);
      seen.push(waits(test.log)[1]);
    }
    expect(seen[1]).toBe(seen[0]);
    expect(seen[2]).not.toBe(seen[0]);
  });
});
