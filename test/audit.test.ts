/**
 * Mistakes that other supervision libraries have found in themselves, each as a test that it is not made here.
 *
 * Covered elsewhere: no fencing, so that two live owners run side effects (`fencing`); no overall deadline of a shutdown
 * (`shutdown-deadline`); a full mailbox that fails more than the one call too many (`calls`); recovery from a journal with a gap
 * (`keeper/test/keeper`); a journal that fails on purpose, as a double for tests (`keeper/test/disk-error`). A budget of restarts is
 * a supervisor's, as in OTP, and not each child's: a worker that is to have its own gets a supervisor of its own, as here.
 *
 * Not applicable: compaction against snapshots, as nothing is compacted: rows are written in place, and a journal record goes with
 * its confirmation.
 *
 * Mutations that make this fail, each tried: a standby that hangs is not killed; restarts are logged where nobody sees it.
 */
import { supervisor, worker } from 'heirloom';
import type { SupervisorReference, WorkerOptions, WorkerReference } from 'heirloom';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import { descendants } from './support/processes.js';
import { killWorker, patientRoot, startTestRuntime, WITHOUT_STANDBY, workerModule } from './support/runtime.js';
import type slowStartWorker from './workers/slow-start.worker.js';

const TIMEOUT = { timeout: 90_000 };
/** Longer than a process needs to start on a busy machine. */
const START_TIMEOUT_MS = 4_000;

function slowStart(
  directory: string,
  options: WorkerOptions = {},
): { slow: WorkerReference<typeof slowStartWorker>; root: SupervisorReference; trouble: (place: string) => string } {
  const env = { HEIRLOOM_TEST_TROUBLE: join(directory, 'trouble') };
  const slow = worker<typeof slowStartWorker>('slow', workerModule('slow-start'), {
    ...WITHOUT_STANDBY,
    startTimeoutMs: START_TIMEOUT_MS,
    env,
    ...options,
  });
  return { slow, root: patientRoot(slow), trouble: (place) => `${env.HEIRLOOM_TEST_TROUBLE}-${place}` };
}

describe('audit: a start that does not end', TIMEOUT, () => {
  it.each(['top-level-loop', 'init-loop'])('is given up after its time: %s', async (place) => {
    await using directory = await testDirectory();
    const { root, trouble } = slowStart(directory.path, { startTimeoutMs: 1_000 });
    await writeFile(trouble(place), '');
    const start = startTestRuntime({ directory: join(directory.path, 'data'), root, keeper: WITHOUT_STANDBY });
    await expect(start).rejects.toMatchObject({ code: 'ERR_SUPERVISOR_START_TIMEOUT' });
    expect(await descendants()).toEqual([]);
  });

  it('in a standby holds up a recovery no longer than a start may take, and is not left to itself', async () => {
    await using directory = await testDirectory();
    const { slow, root, trouble } = slowStart(directory.path, { standby: true });
    await using test = await startTestRuntime({
      directory: join(directory.path, 'data'),
      root,
      keeper: WITHOUT_STANDBY,
    });
    const handle = test.runtime.worker(slow).with({ timeoutMs: 60_000 });
    expect(await handle.call.insert('a')).toBe(1);
    await until('its standby is there', async () => (await standbys()).length === 1);
    await writeFile(trouble('top-level-loop'), '');
    const [first] = await standbys();
    process.kill(first?.pid ?? Number.NaN, 'SIGKILL');
    const hanging = await until('a standby hangs', async () =>
      (await standbys()).find(({ pid }) => pid !== first?.pid),
    );
    await until('it was killed', async () => (await standbys()).every(({ pid }) => pid !== hanging.pid));
    await rm(trouble('top-level-loop'));
    process.kill(await until('it is up', () => handle.pid), 'SIGKILL');
    expect(await handle.call.insert('b')).toBe(2);
  });
});

const standbys = async () => (await descendants()).filter(({ command }) => command.includes('standby slow'));

describe('audit', TIMEOUT, () => {
  it('a start that throws leaves no zombie, at first and at a restart', async () => {
    await using directory = await testDirectory();
    const { slow, trouble } = slowStart(directory.path);
    const root = supervisor({ strategy: 'one_for_one', intensity: 2, periodMs: 600_000 }, [slow]);
    const options = { directory: join(directory.path, 'data'), root, keeper: WITHOUT_STANDBY };
    await writeFile(trouble('init-throw'), '');
    await expect(startTestRuntime(options)).rejects.toMatchObject({ code: 'ERR_WORKER_INIT' });
    expect(await descendants()).toEqual([]);
    await rm(trouble('init-throw'));
    await using test = await startTestRuntime(options);
    const failed = new Promise<void>((resolve) => void test.runtime.on('failed', () => resolve()));
    await writeFile(trouble('init-throw'), '');
    process.kill(test.runtime.worker(slow).pid ?? Number.NaN, 'SIGKILL');
    await failed;
    expect(await descendants()).toEqual([]);
  });

  it('a restart is logged, at a level that the default logger shows', async () => {
    await using directory = await testDirectory();
    const { slow, root } = slowStart(directory.path);
    await using test = await startTestRuntime({
      directory: join(directory.path, 'data'),
      root,
      keeper: WITHOUT_STANDBY,
    });
    await killWorker(test.runtime, test.runtime.worker(slow));
    const lines = test.log.lines.filter(({ message }) => message === 'a child is restarted');
    expect(lines).toMatchObject([{ level: 'warn', fields: { incarnation: 2, delayMs: 0 } }]);
  });

  it('a shutdown that waits does not spin', async () => {
    await using directory = await testDirectory();
    const { slow, root } = slowStart(directory.path, { shutdown: 'infinity' });
    const test = await startTestRuntime({ directory: join(directory.path, 'data'), root, keeper: WITHOUT_STANDBY });
    process.kill(test.runtime.worker(slow).pid ?? Number.NaN, 'SIGSTOP');
    const before = process.cpuUsage();
    await test.runtime.close({ deadlineMs: 1_500 });
    const { user, system } = process.cpuUsage(before);
    // In microseconds; a loop would take all of the time that it waits.
    expect((user + system) / 1_000).toBeLessThan(1_000);
  });
});
