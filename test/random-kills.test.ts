/**
 * G1–G3 under kills at random times: 100 workers and 10 keepers, or more when asked for, over a tree of two supervisors and three banks, checked by
 * ledgers outside of the runtime. The seed is in the name of the test; HEIRLOOM_SEED repeats a run's choices.
 *
 * Mutations that make this fail, each tried: G1, the keeper leaves out one row of 1,000 when it writes, or one change of 300 when
 * it collapses those of a group; G2, the worker does not roll back when a handler throws, or journals each table by
 * itself; G3, the router runs calls again without waiting for the close of their epoch. What needs two deaths at one moment is
 * in kill-points.test.ts, and what a process tries after its replacement in fencing.test.ts.
 */
import { supervisor } from 'heirloom';
import { describe, expect, it } from 'vitest';
import { testDirectory } from './support/directory.js';
import type { Bank } from './support/ledger.js';
import { Ledger } from './support/ledger.js';
import { descendants } from './support/processes.js';
import { runSeed, SeededRandom } from './support/random.js';
import { bankReference, startTestRuntime } from './support/runtime.js';
import { until } from './support/condition.js';

/** HEIRLOOM_KILLS asks for a longer run; see scripts/soak.mjs. */
const WORKER_KILLS = Number(process.env['HEIRLOOM_KILLS'] ?? 100);
const KEEPER_KILLS = Math.ceil(WORKER_KILLS / 10);
/** A kill, the recovery, and the wait for the next one take a tenth of a second or two on a busy machine. */
const TIMEOUT_MS = 60_000 + WORKER_KILLS * 2_000;
const CLIENTS_PER_BANK = 6;
const seed = runSeed();

describe(`random kills, seed ${seed}`, () => {
  it(
    `loses, repeats and halves nothing over ${WORKER_KILLS} dead workers and ${KEEPER_KILLS} dead keepers (G1, G2, G3)`,
    { timeout: TIMEOUT_MS },
    async () => {
      await using directory = await testDirectory();
      const random = new SeededRandom(seed);
      const references = [bankReference('north'), bankReference('south'), bankReference('west')] as const;
      const often = { strategy: 'one_for_one', intensity: 10_000, periodMs: 60_000 } as const;
      const root = supervisor(often, [
        supervisor({ ...often, id: 'left' }, [references[0]]),
        supervisor({ ...often, id: 'right' }, [references[1], references[2]]),
      ]);
      const deaths = { workers: 0, keepers: 0 };
      {
        await using test = await startTestRuntime({ directory: directory.path, root });
        const { runtime } = test;
        runtime.on('crash', () => void deaths.workers++);
        runtime.on('keeper_crash', () => void deaths.keepers++);
        const banks = references.map((reference) => runtime.worker(reference).with({ timeoutMs: 60_000 }));
        const ledgers = banks.map(() => new Ledger());
        const over = new AbortController();
        const clients = banks.flatMap((bank, index) =>
          Array.from({ length: CLIENTS_PER_BANK }, async () => {
            while (!over.signal.aborted) await ledgers[index]?.operate(bank, random);
          }),
        );
        await killAll(banks, () => runtime.keeper.pid, deaths, random);
        over.abort();
        await Promise.all(clients);
        for (const [index, bank] of banks.entries()) await expectIntact(ledgers[index], bank);
        expect(ledgers.every(({ acknowledged }) => acknowledged > 100)).toBe(true);
      }
      expect(await descendants()).toEqual([]);
    },
  );
});

async function killAll(
  banks: readonly Bank[],
  keeperPid: () => number | undefined,
  deaths: { workers: number; keepers: number },
  random: SeededRandom,
): Promise<void> {
  const left = { workers: WORKER_KILLS, keepers: KEEPER_KILLS };
  while (left.workers + left.keepers > 0) {
    const isKeeper = random.next() * (left.workers + left.keepers) < left.keepers;
    const pid = isKeeper ? keeperPid() : random.pick(banks).pid;
    const before = { ...deaths };
    if (pid !== undefined && killed(pid)) {
      if (isKeeper) left.keepers--;
      else left.workers--;
      // Every tenth time the next victim dies while this one is being replaced.
      if (random.next() < 0.9) {
        await until('the death is seen', () =>
          isKeeper ? deaths.keepers > before.keepers : deaths.workers > before.workers,
        );
      }
    }
    await new Promise((resolve) => setTimeout(resolve, random.integer(0, 40)));
  }
}

function killed(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch {
    return false;
  }
}

async function expectIntact(ledger: Ledger | undefined, bank: Bank): Promise<void> {
  const report = await ledger?.compare(bank);
  expect(ledger?.unexpected).toEqual([]);
  // Everything is answered in the end (G3); a reply that was lost would let its call time out.
  expect(ledger?.unknown, `seed ${seed}, ${bank.name}`).toBe(0);
  expect(report, `seed ${seed}, ${bank.name}`).toMatchObject({ lost: [], duplicated: [], halfDone: [] });
}
