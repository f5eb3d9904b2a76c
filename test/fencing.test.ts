/**
 * G5 and G6: a process that does not die of its kill is replaced, and whatever it tries when it goes on is refused.
 *
 * The process stops itself (SIGSTOP) at a point of its start or with a batch that it has not sent, and the supervisor's kill is
 * made to do nothing; so the next incarnation starts while the old one is only frozen, and then the old one goes on.
 *
 * Mutations that make this fail, each tried: the keeper goes on taking batches of an epoch that it has closed; the router hears
 * a process whose epoch it has closed; the standby keeper is resumed as soon as the connection to the keeper is over. A keeper
 * that binds a closed epoch after its own restart, or takes a token twice, is caught by keeper/test/keeper: no worker of ours tries.
 */
import { readdir } from 'node:fs/promises';
import type { ChildHandle, ProcessExit, ProcessPort } from '@heirloom/supervisor';
import { processPort } from '@heirloom/supervisor';
import { supervisor, worker } from 'heirloom';
import { describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import { isRunning, isStopped } from './support/processes.js';
import { faultsIn, patientRoot, startTestRuntime, troubleReference, workerModule } from './support/runtime.js';
import type startsWorker from './workers/starts.worker.js';

/** A process port whose SIGKILL does nothing to one process. */
class SparingPort implements ProcessPort {
  spared: number | undefined;
  readonly pids: number[] = [];

  spawn(options: Parameters<ProcessPort['spawn']>[0]): ChildHandle {
    const handle = processPort.spawn(options);
    if (handle.pid !== undefined && options.title.includes('standby starts')) this.pids.push(handle.pid);
    return { ...handle, kill: (signal) => handle.pid !== this.spared && handle.kill(signal) };
  }
}

describe.each(['worker.activate', 'worker.journal:before', 'worker.journal:after'])(
  'a worker that is frozen at %s, replaced, and then goes on (G6)',
  (point) => {
    // Together, as they mostly wait for the start of the frozen process to take too long.
    it.concurrent.each([
      ['the same keeper', false],
      ['a keeper that was restarted in between', true],
    ])('changes nothing and answers nothing, with %s', { timeout: 60_000 }, async (_name, restartKeeper) => {
      await using directory = await testDirectory();
      const port = new SparingPort();
      const reference = worker<typeof startsWorker>('starts', workerModule('starts'), { startTimeoutMs: 5_000 });
      await using test = await startTestRuntime(
        { directory: directory.path, root: patientRoot(reference) },
        {
          processes: port,
          killWaitMs: 100,
          drainTimeoutMs: 100,
          faults: faultsIn({ 'starts 2': [{ point, hit: 1, action: 'stop' }] }),
        },
      );
      const { runtime } = test;
      const starts = runtime.worker(reference).with({ timeoutMs: 30_000 });
      expect(await starts.call.mark(1)).toBe(1);
      const frozen = await until('the standby is there', () => port.pids[1]);
      port.spared = frozen;
      process.kill(starts.pid ?? Number.NaN, 'SIGKILL');
      try {
        // They are sent to the process that freezes, and then to the one that replaces it.
        const calls = [2, 3, 4].map((mark) => starts.call.mark(mark));
        const epochs = await Promise.all(calls);
        // What it wrote whole before it froze was committed, and answered; the rest was run again.
        if (point !== 'worker.journal:after') expect(new Set(epochs)).toEqual(new Set([3]));
        expect(starts.pid).not.toBe(frozen);
        if (restartKeeper) {
          const before = runtime.keeper.pid ?? Number.NaN;
          process.kill(before, 'SIGKILL');
          await until(
            'the keeper is replaced',
            () => runtime.keeper.pid !== undefined && runtime.keeper.pid !== before,
          );
          await starts.call.mark(5);
        }
        const rowsBefore = await everything(starts.tables);
        process.kill(frozen, 'SIGCONT');
        await until('the superseded process ends itself', async () => !(await isRunning(frozen)));
        expect(await everything(starts.tables)).toEqual(rowsBefore);
        expect(await starts.call.mark(6)).toBe(3);
        expect(rowsBefore.starts.map(({ epoch }) => epoch)).toEqual(
          point === 'worker.journal:after' ? [1, 2, 3] : [1, 3],
        );
        const answered = [1, ...epochs, ...(restartKeeper ? [3] : [])].map((epoch, index) => ({
          mark: index + 1,
          epoch,
        }));
        expect(rowsBefore.marks.toSorted((a, b) => a.mark - b.mark)).toEqual(answered);
      } finally {
        if (await isRunning(frozen)) process.kill(frozen, 'SIGKILL');
      }
    });
  },
);

describe('a worker that is frozen with a batch that it has not sent, and replaced because its sibling died (G6)', () => {
  it('changes nothing and answers nothing when it goes on', { timeout: 60_000 }, async () => {
    await using directory = await testDirectory();
    const port = new SparingPort();
    const starts = worker<typeof startsWorker>('starts', workerModule('starts'), { shutdown: 'brutal_kill' });
    const sibling = troubleReference();
    // Its supervisor tolerates no restart, so a death of the sibling is the end of both, and of it; the root starts it again.
    const root = patientRoot(
      supervisor({ strategy: 'one_for_one', intensity: 0, periodMs: 60_000 }, [starts, sibling]),
    );
    // The batches of `init` and of the first call go; that of the second is made, and stays where it is.
    const faults = faultsIn({ 'starts 1': [{ point: 'worker.journal:before', hit: 3, action: 'stop' }] });
    const ports = { processes: port, killWaitMs: 100, drainTimeoutMs: 100, faults };
    await using test = await startTestRuntime({ directory: directory.path, root }, ports);
    const { call, tables, pid: frozen = Number.NaN } = test.runtime.worker(starts).with({ timeoutMs: 30_000 });
    port.spared = frozen;
    try {
      expect(await call.mark(1)).toBe(1);
      const again = call.mark(2);
      await until('it is frozen', () => isStopped(frozen));
      process.kill(test.runtime.worker(sibling).pid ?? Number.NaN, 'SIGKILL');
      expect(await again).toBe(2);
      const rowsBefore = await everything(tables);
      expect(rowsBefore.marks.toSorted((a, b) => a.mark - b.mark)).toEqual([
        { mark: 1, epoch: 1 },
        { mark: 2, epoch: 2 },
      ]);
      process.kill(frozen, 'SIGCONT');
      await until('the superseded process ends itself', async () => !(await isRunning(frozen)));
      expect(await everything(tables)).toEqual(rowsBefore);
      expect(await call.mark(3)).toBe(2);
    } finally {
      if (await isRunning(frozen)) process.kill(frozen, 'SIGKILL');
    }
  });
});

async function everything(tables: {
  starts: { rows(): AsyncIterable<{ epoch: number; restarted: boolean }> };
  marks: { rows(): AsyncIterable<{ mark: number; epoch: number }> };
}): Promise<{ starts: { epoch: number; restarted: boolean }[]; marks: { mark: number; epoch: number }[] }> {
  const found: Awaited<ReturnType<typeof everything>> = { starts: [], marks: [] };
  for await (const start of tables.starts.rows()) found.starts.push(start);
  for await (const mark of tables.marks.rows()) found.marks.push(mark);
  return found;
}

/** A process port by which a test learns of a keeper's exit before the runtime does. */
class HoldingPort implements ProcessPort {
  readonly exits: ProcessExit[] = [];
  readonly #held: Promise<void>;

  constructor(held: Promise<void>) {
    this.#held = held;
  }

  spawn(options: Parameters<ProcessPort['spawn']>[0]): ChildHandle {
    const handle = processPort.spawn(options);
    if (!options.title.includes('keeper')) return handle;
    const exited = handle.exited.then(async (exit) => {
      this.exits.push(exit);
      await this.#held;
      return exit;
    });
    return { ...handle, exited };
  }
}

const timedOut = { code: 'ERR_CALL_TIMEOUT', outcome: 'unknown' };

describe('a keeper (G5)', () => {
  const reference = worker<typeof startsWorker>('starts', workerModule('starts'));

  it('that is frozen still counts as the keeper, and goes on', { timeout: 60_000 }, async () => {
    await using directory = await testDirectory();
    await using test = await startTestRuntime({ directory: directory.path, root: patientRoot(reference) });
    const starts = test.runtime.worker(reference).with({ timeoutMs: 30_000 });
    const keeper = test.runtime.keeper.pid ?? Number.NaN;
    process.kill(keeper, 'SIGSTOP');
    const pending = starts.call.mark(1);
    await expect(starts.with({ timeoutMs: 300 }).call.mark(2)).rejects.toMatchObject(timedOut);
    expect(test.runtime.keeper.pid).toBe(keeper);
    process.kill(keeper, 'SIGCONT');
    expect(await pending).toBe(1);
  });

  it('is not replaced until its exit was seen', { timeout: 60_000 }, async () => {
    await using directory = await testDirectory();
    let seen: () => void = () => {};
    const port = new HoldingPort(new Promise((resolve) => (seen = resolve)));
    await using test = await startTestRuntime(
      { directory: directory.path, root: patientRoot(reference) },
      { processes: port },
    );
    const starts = test.runtime.worker(reference).with({ timeoutMs: 30_000 });
    await starts.call.mark(1);
    try {
      process.kill(test.runtime.keeper.pid ?? Number.NaN, 'SIGKILL');
      await until('the keeper has exited', () => port.exits.length === 1);
      const pending = starts.call.mark(2);
      // Its standby is there, and nothing else holds the store; but who is not known to be dead may write.
      await expect(starts.with({ timeoutMs: 500 }).call.mark(3)).rejects.toMatchObject(timedOut);
      await expect(locksOf(directory.path)).resolves.toEqual(['lock-1.sock']);
      seen();
      expect(await pending).toBe(1);
      await expect(locksOf(directory.path)).resolves.toEqual(['lock-2.sock']);
    } finally {
      seen();
    }
  });
});

/** The numbers of keepers that ever had the store, but for those that later ones have cleared away. */
async function locksOf(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter((name) => name.startsWith('lock-'));
}
