/**
 * Every call that was accepted is answered or rejected, whatever happens to its worker's place in the tree (G3, G9): random kills of
 * workers and keepers, termination and restart by hand, restarts with siblings and with a backoff, and an end in the middle of it
 * all, with a deadline and a frozen worker. What the callers were told is compared with what is stored afterwards (G1, G2). The seed
 * is in the name of the test; HEIRLOOM_SEED repeats a run's choices.
 */
import { supervisor, SupervisorError } from 'heirloom';
import { expect, it } from 'vitest';
import { until } from './support/condition.js';
import { testDirectory } from './support/directory.js';
import { Ledger } from './support/ledger.js';
import { descendants } from './support/processes.js';
import { runSeed, SeededRandom } from './support/random.js';
import type { TestRuntime } from './support/runtime.js';
import { bankReference, startTestRuntime } from './support/runtime.js';

const ACTS = 30;
const CLIENTS_PER_BANK = 4;
const seed = runSeed();

function tree() {
  const banks = ['north', 'south', 'west'].map((name) => bankReference(name, { startTimeoutMs: 60_000 }));
  const often = { intensity: 10_000, periodMs: 60_000 } as const;
  const [north, ...others] = banks;
  if (north === undefined) throw new Error('There are three banks.');
  const backoff = { minMs: 5, maxMs: 50, resetMs: 200 };
  const alone = supervisor({ ...often, strategy: 'one_for_one', id: 'alone', backoff }, [north]);
  const together = supervisor({ ...often, strategy: 'one_for_all', id: 'together' }, others);
  return {
    banks,
    places: [alone, together, together],
    root: supervisor({ ...often, strategy: 'one_for_one' }, [alone, together]),
  };
}

const yielded = () => new Promise((resolve) => setImmediate(resolve));

function signal(pid: number | undefined, name: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(pid, name);
  } catch {
    // It is gone already.
  }
}

/** Does random things to the workers and their places, one after the other. */
async function disturb(
  { runtime }: TestRuntime,
  { banks, places }: ReturnType<typeof tree>,
  random: SeededRandom,
): Promise<void> {
  for (let act = 0; act < ACTS; act += 1) {
    const index = random.integer(0, banks.length - 1);
    const [bank, place] = [banks[index], places[index]];
    if (bank === undefined || place === undefined) throw new Error('Each bank has a place.');
    const what = random.next();
    const management = runtime.supervisor(place);
    try {
      if (what < 0.5) signal(runtime.worker(bank).pid, 'SIGKILL');
      else if (what < 0.6) signal(runtime.keeper.pid, 'SIGKILL');
      else if (what < 0.8) await management.terminateChild(bank);
      else await management.restartChild(bank);
    } catch (error) {
      // It runs already, or restarts at the moment: that is an answer too.
      if (!(error instanceof SupervisorError)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, random.integer(0, 60)));
  }
}

/** Has every worker up again, and waits until so much was acknowledged that something could be lost. */
async function work(
  { runtime }: TestRuntime,
  { banks, places }: ReturnType<typeof tree>,
  acknowledged: () => number,
): Promise<void> {
  for (const [index, bank] of banks.entries()) {
    const place = places[index];
    if (place === undefined) throw new Error('Each bank has a place.');
    await runtime
      .supervisor(place)
      .restartChild(bank)
      .catch((error: unknown) => {
        if (!(error instanceof SupervisorError)) throw error;
      });
  }
  await until('calls were acknowledged', () => acknowledged() > 50);
}

it(
  `answers every call, and truly, under random management and deaths, seed ${seed}`,
  { timeout: 120_000 },
  async () => {
    await using directory = await testDirectory();
    const random = new SeededRandom(seed);
    const plan = tree();
    const options = { directory: directory.path, root: plan.root, limits: { callTriesMax: 1_000 } };
    const test = await startTestRuntime({ ...options, seed });
    const ledgers = plan.banks.map(() => new Ledger());
    const over = new AbortController();
    const clients = plan.banks.flatMap((bank, index) => {
      const handle = test.runtime.worker(bank).with({ timeoutMs: 60_000 });
      return Array.from({ length: CLIENTS_PER_BANK }, async () => {
        for (; !over.signal.aborted; await yielded()) await ledgers[index]?.operate(handle, random);
      });
    });
    await disturb(test, plan, random);
    await work(test, plan, () => ledgers.reduce((sum, { acknowledged }) => sum + acknowledged, 0));
    const frozen = plan.banks[random.integer(0, 2)];
    if (frozen !== undefined) signal(test.runtime.worker(frozen).pid, 'SIGSTOP');
    over.abort();
    await test.runtime.close({ deadlineMs: 500 });
    // None is left open: otherwise this would last as long as the calls' own time.
    await Promise.all(clients);
    expect(await descendants()).toEqual([]);

    const again = tree();
    await using reopened = await startTestRuntime({ ...options, root: again.root });
    for (const [index, bank] of again.banks.entries()) {
      const report = await ledgers[index]?.compare(reopened.runtime.worker(bank));
      expect(ledgers[index]?.unexpected, `seed ${seed}, ${bank.name}`).toEqual([]);
      expect(report, `seed ${seed}, ${bank.name}`).toMatchObject({ lost: [], duplicated: [], halfDone: [] });
    }
  },
);
