/**
 * A thousand workers in one program: they start, survive a thousand crashes in an order that a seed says, and stop.
 *
 * What a crash costs here and in the keeper is printed for trees of different sizes. That it does not grow with the tree is asserted by
 * counting, not by time: in keeper/test/table-ownership-cost for the keeper, in heirloom/test/table-directory for what it is told.
 *
 * Fails when a listener takes fewer connections than they have (SERVER_CONNECTIONS_MAX).
 */
import { readFileSync } from 'node:fs';
import type { WorkerReference } from 'heirloom';
import { worker } from 'heirloom';
import { describe, expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import { SeededRandom } from './support/random.js';
import { patientRoot, startTestRuntime, workerModule } from './support/runtime.js';
import type { TestRuntime } from './support/runtime.js';
import type drivenWorker from './workers/driven.worker.js';

type Driven = WorkerReference<typeof drivenWorker>;
const SEED = 20_261_120;
/** How many are dead at a time. */
const AT_ONCE = 20;

describe('a tree of inline workers', () => {
  it(
    'of 1,000 survives 1,000 crashes, with everything that was acknowledged, once (G1, G3)',
    { timeout: 300_000 },
    async () => {
      await crashes(1_000, 1_000);
    },
  );

  it.each([10, 100])('of %i survives 300', { timeout: 120_000 }, async (count) => {
    await crashes(count, 300);
  });
});

async function crashes(count: number, total: number): Promise<void> {
  await using directory = await testDirectory();
  const random = new SeededRandom(SEED);
  const references = Array.from({ length: count }, (_, index) =>
    worker<typeof drivenWorker>(`worker-${index}`, workerModule('driven')),
  );
  const begunAt = performance.now();
  const test = await startTestRuntime({
    directory: directory.path,
    driver: 'inline',
    root: patientRoot(...references),
    keeper: { standby: false },
  });
  try {
    const startMs = performance.now() - begunAt;
    const increments = new Map<Driven, number>();
    const before = cpuMs(test);
    for (let done = 0; done < total;) {
      const victims = new Set(
        Array.from({ length: Math.min(AT_ONCE, total - done, count) }, () => random.pick(references)),
      );
      done += victims.size;
      await Promise.all(Array.from(victims, (victim) => crash(test, victim, increments)));
    }
    const after = cpuMs(test);
    const perCrash = { here: (after.here - before.here) / total, keeper: (after.keeper - before.keeper) / total };
    console.log(
      `seed ${SEED}, ${count} workers: started in ${Math.round(startMs)} ms; ${total} crashes, each ${perCrash.here.toFixed(2)} ms of CPU here and ${perCrash.keeper.toFixed(2)} in the keeper`,
    );
    const lives = references.map((reference) => test.runtime.worker(reference).epoch ?? 0);
    expect(lives.reduce((sum, epoch) => sum + epoch, 0)).toBe(count + total);
    for (const [reference, expected] of increments) {
      expect((await test.runtime.worker(reference).tables.counters.lookup('a'))?.count).toBe(expected);
    }
  } finally {
    await test[Symbol.asyncDispose]();
  }
  expect(test.log.lines.filter(({ level, message }) => level === 'error' && message !== 'a worker is gone')).toEqual(
    [],
  );
}

/** A call, a crash, and a call in the next life. */
async function crash({ runtime }: TestRuntime, reference: Driven, increments: Map<Driven, number>): Promise<void> {
  const victim = runtime.worker(reference).with({ timeoutMs: 60_000 });
  const epoch = await until('it is up', () => victim.epoch);
  const first = (increments.get(reference) ?? 0) + 1;
  increments.set(reference, first + 1);
  expect(await victim.call.increment('a')).toBe(first);
  expect(victim.kill()).toBe(true);
  expect(await victim.call.increment('a')).toBe(first + 1);
  expect(victim.epoch).toBe(epoch + 1);
}

/** What the processes have used; of the keeper only where the system says so. */
function cpuMs({ runtime }: TestRuntime): { readonly here: number; readonly keeper: number } {
  const { user, system } = process.cpuUsage();
  const here = (user + system) / 1_000;
  try {
    const [, fields = ''] = readFileSync(`/proc/${runtime.keeper.pid}/stat`, 'utf8').split(') ');
    const [utime, stime] = fields.split(' ').slice(11, 13).map(Number);
    return { here, keeper: ((utime ?? 0) + (stime ?? 0)) * MS_PER_TICK };
  } catch {
    return { here, keeper: 0 };
  }
}

/** Of Linux, whatever the machine. */
const MS_PER_TICK = 10;
