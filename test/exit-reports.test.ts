/**
 * The report on the end of each life of a worker (G11): one for each, complete, and nobody's recovery waits for it.
 *
 * Mutations that make this fail, each tried: the report is made before the output was read to its end; the report holds up the exit; the
 * restarts are counted without the present one; close does not wait for reports; the call is taken from a death that names none.
 */
import { supervisor, worker } from 'heirloom';
import type { ChildReference, ExitReport, Runtime, SupervisorReference } from 'heirloom';
import { describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import { patientRoot, startTestRuntime, troubleReference, workerModule } from './support/runtime.js';
import type { LogLine } from './support/runtime.js';
import type loggingWorker from './workers/logging.worker.js';
import type variantWorker from './workers/variant.worker.js';

const neverRetried = { retry: 'never' } as const;

function nextExit(runtime: Runtime): Promise<ExitReport> {
  return new Promise((resolve) => {
    const off = runtime.on('exit', (report) => {
      off();
      resolve(report);
    });
  });
}
const rootOf = (...children: readonly ChildReference[]): SupervisorReference =>
  supervisor({ strategy: 'one_for_one', intensity: 7, periodMs: 600_000 }, children);

describe('the end of a life', () => {
  it('is reported with all that is known of it, once for each, with the restarts against those allowed', async () => {
    await using directory = await testDirectory();
    const troubleRef = troubleReference();
    await using test = await startTestRuntime({ directory: directory.path, root: rootOf(troubleRef) });
    const { runtime, log } = test;
    const trouble = runtime.worker(troubleRef).with(neverRetried);
    const reports: ExitReport[] = [];
    runtime.on('exit', (report) => reports.push(report));
    await trouble.call.increment('a');

    const { pid, epoch } = trouble;
    const killed = nextExit(runtime);
    await trouble.call.killItself().catch(() => {});
    const report = await killed;
    expect(report).toMatchObject({
      worker: 'trouble',
      epoch,
      pid,
      reason: 'killed',
      phase: 'running',
      code: null,
      signal: 'SIGKILL',
      error: undefined,
      call: { name: 'killItself' },
      rerun: 0,
      willRestart: true,
      restarts: { count: 1, intensity: 7, periodMs: 600_000 },
      isAbandoned: false,
    });
    expect(report.lsn).toBeGreaterThan(0);
    expect(report.endedAt).toBeLessThanOrEqual(Date.now());
    expect(report.uptimeMs).toBeGreaterThan(0);

    const exited = nextExit(runtime);
    await trouble.call.exit(0).catch(() => {});
    expect(await exited).toMatchObject({ reason: 'normal', code: 0, signal: null, restarts: { count: 2 } });

    const threw = nextExit(runtime);
    await trouble.call.throwLater().catch(() => {});
    const crash = await threw;
    expect(crash).toMatchObject({ reason: 'crash', code: 70, restarts: { count: 3 }, willRestart: true });
    expect(crash.error).toMatchObject({ message: 'thrown outside of a handler' });
    expect(crash.lastLines.join('\n')).toContain('the worker crashed');

    await trouble.call.increment('a');
    expect(reports).toHaveLength(3);
    const lines = log.lines.filter(({ message }) => message === 'a worker is gone' || message === 'a worker has ended');
    expect(lines.map(({ fields }) => fields['incarnation'])).toEqual(reports.map(({ epoch: each }) => each));
    expect(lines[2]).toMatchObject({
      level: 'error',
      fields: { reason: 'crash', err: crash.error, lastLines: crash.lastLines },
    });
  });

  it('names the handler that took too long, and what is run again', async () => {
    await using directory = await testDirectory();
    const troubleRef = troubleReference();
    await using test = await startTestRuntime({
      directory: directory.path,
      root: patientRoot(troubleRef),
      limits: { callTriesMax: 1 },
    });
    const trouble = test.runtime.worker(troubleRef).with({ timeoutMs: 60_000 });
    const exit = nextExit(test.runtime);
    const calls = [trouble.call.loopForever(), trouble.call.increment('a'), trouble.call.increment('a')];
    await Promise.allSettled(calls);
    expect(await exit).toMatchObject({ reason: 'handler_timeout', call: { name: 'loopForever' }, rerun: 2 });
  });

  it('has the last lines also when they are read after the exit, and the next life does not wait for them', async () => {
    await using directory = await testDirectory();
    const loggingRef = worker<typeof loggingWorker>('logging', workerModule('logging'));
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(loggingRef) });
    const logging = test.runtime.worker(loggingRef).with(neverRetried);
    const order: string[] = [];
    test.runtime.on('exit', () => order.push('exit'));
    test.runtime.on('restart', () => order.push('restart'));
    test.runtime.on('recovered', () => order.push('recovered'));

    const burst = nextExit(test.runtime);
    await logging.call.burst(20_000).catch(() => {});
    expect((await burst).lastLines).toEqual(Array.from({ length: 20 }, (_, n) => `line ${19_980 + n}`));
    await until('it is up again', () => order.includes('recovered'));

    // A child of the worker holds its output open: the report waits for a while, and the recovery for nothing.
    const child = await logging.call.leaveChild();
    await until('the child has written', () => test.log.lines.some(({ message }) => message === 'the child is up'));
    order.length = 0;
    const unended = nextExit(test.runtime);
    await logging.call.printUnended('without an end').catch(() => {});
    expect((await unended).lastLines.at(-1)).toBe('without an end');
    // The next life has begun; how long it takes to be up is the machine's.
    expect(order.filter((event) => event !== 'recovered')).toEqual(['restart', 'exit']);
    process.kill(child, 'SIGKILL');
  });

  it('is reported when it was not up yet: while loading, and in init', async () => {
    await using directory = await testDirectory();
    const ends: LogLine[] = [];
    for (const variant of ['throws_on_load', 'exits_on_load', 'init_throws']) {
      const reference = worker<typeof variantWorker>('variant', workerModule('variant'), { env: { VARIANT: variant } });
      const lines: LogLine[] = [];
      await expect(
        startTestRuntime({ directory: directory.path, root: rootOf(reference) }, {}, lines),
      ).rejects.toThrow();
      ends.push(...lines.filter(({ message }) => message === 'a worker did not start'));
    }
    expect(
      ends.map(({ fields: { reason, phase, willRestart, err } }) => ({
        reason,
        phase,
        willRestart,
        error: (err as { code: string }).code,
      })),
    ).toEqual([
      { reason: 'crash', phase: 'starting', willRestart: false, error: 'ERR_WORKER_MODULE' },
      { reason: 'crash', phase: 'starting', willRestart: false, error: 'ERR_WORKER_START' },
      { reason: 'crash', phase: 'starting', willRestart: false, error: 'ERR_WORKER_INIT' },
    ]);
  });

  it('is reported for each try of a restart, up to the one too many', async () => {
    await using directory = await testDirectory();
    const reference = worker<typeof variantWorker>('variant', workerModule('variant'), {
      env: { VARIANT: 'dies_when_restarted' },
    });
    const root = supervisor({ strategy: 'one_for_one', intensity: 2, periodMs: 600_000 }, [reference]);
    await using test = await startTestRuntime({ directory: directory.path, root });
    const reports: ExitReport[] = [];
    test.runtime.on('exit', (report) => reports.push(report));
    const failed = new Promise((resolve) => test.runtime.on('failed', resolve));
    process.kill(test.runtime.worker(reference).pid ?? 0, 'SIGKILL');
    await failed;
    await test.runtime.close();
    expect(reports.map(({ phase, code, lastLines }) => ({ phase, code, lastLines }))).toEqual([
      { phase: 'running', code: null, lastLines: [] },
      { phase: 'starting', code: 7, lastLines: ['its last words'] },
      { phase: 'starting', code: 7, lastLines: ['its last words'] },
    ]);
  });

  it('is reported when it was orderly, before close resolves; what does not stop was killed', async () => {
    await using directory = await testDirectory();
    const calmRef = worker<typeof loggingWorker>('calm', workerModule('logging'));
    const stuckRef = troubleReference('stuck', { shutdown: 200 });
    const reports: ExitReport[] = [];
    let child = 0;
    {
      await using test = await startTestRuntime({ directory: directory.path, root: rootOf(calmRef, stuckRef) });
      test.runtime.on('exit', (report) => reports.push(report));
      // It holds the output of the worker open, so that the report is late.
      child = await test.runtime.worker(calmRef).call.leaveChild();
      test.runtime
        .worker(stuckRef)
        .call.neverSettles()
        .catch(() => {});
    }
    process.kill(child, 'SIGKILL');
    expect(reports).toMatchObject([
      { worker: 'stuck', phase: 'stopping', reason: 'killed', willRestart: false },
      { worker: 'calm', phase: 'stopping', reason: 'shutdown', code: 0, willRestart: false },
    ]);
  });
});
