/**
 * A workload on a bank while its processes die at points of the program, checked by a ledger.
 */
import type { WorkerDriver } from 'heirloom';
import type { Fault } from 'heirloom/testing';
import { expect } from 'vitest';
import { testDirectory } from './directory.js';
import { Ledger } from './ledger.js';
import { SeededRandom } from './random.js';
import { bankReference, faultsIn, patientRoot, startTestRuntime, WITHOUT_STANDBY } from './runtime.js';
import type { LogLine } from './runtime.js';

export interface KillRun {
  /** Faults by process, as in `{ 'bank 1': [...], 'keeper 1': [...] }`. */
  readonly faults: Readonly<Record<string, readonly Fault[]>>;
  readonly seed: number;
  readonly operations: number;
  readonly concurrency: number;
  /** How often each kind of process must have died at least, or the plan did not happen. */
  readonly workerDeaths: number;
  readonly keeperDeaths: number;
  /** Whether the worker is killed as soon as a death of the keeper is seen, before it can give its batches to the next one. */
  readonly together?: boolean;
  /** What the worker runs in; a process by default. */
  readonly driver?: WorkerDriver;
}

/** Longer than a call waits while several processes die one after the other on a busy machine. */
const CALL_TIMEOUT_MS = 50_000;

/** Runs the workload and expects that nothing was lost, repeated or half done, and that the planned deaths happened. */
export async function killRun(plan: KillRun): Promise<void> {
  await using directory = await testDirectory();
  const random = new SeededRandom(plan.seed);
  const driver = plan.driver ?? 'process';
  const bankRef = bankReference('bank', { driver });
  const ledger = new Ledger();
  let lines: readonly LogLine[] = [];
  const root = patientRoot(bankRef);
  {
    await using test = await startTestRuntime({ directory: directory.path, root }, { faults: faultsIn(plan.faults) });
    const { runtime } = test;
    const bank = runtime.worker(bankRef).with({ timeoutMs: CALL_TIMEOUT_MS });
    if (plan.together === true) runtime.on('keeper_crash', () => killIfAlive(bank.pid));
    let left = plan.operations;
    const client = async (): Promise<void> => {
      while (left-- > 0) await ledger.operate(bank, random);
    };
    await Promise.all(Array.from({ length: plan.concurrency }, client));
    expect(ledger.unexpected).toEqual([]);
    // Everything is answered in the end (G3); a reply that was lost would let its call time out.
    expect(ledger.unknown).toBe(0);
    expectNothingWrong(await ledger.compare(bank), plan);
    lines = test.log.lines;
  }
  // From the log, since some die before anyone can subscribe to events; all of them were reported when the runtime was closed.
  const count = (...messages: readonly string[]): number =>
    lines.filter(({ message }) => messages.includes(message)).length;
  const workerDeaths = count('a worker is gone', 'a worker did not start');
  const keeperDeaths = count('the keeper is gone');
  {
    // What the next runtime finds is what the last one had.
    const calmRef = bankReference('bank', { ...WITHOUT_STANDBY, driver });
    await using test = await startTestRuntime({
      directory: directory.path,
      root: patientRoot(calmRef),
      keeper: WITHOUT_STANDBY,
    });
    expectNothingWrong(await ledger.compare(test.runtime.worker(calmRef)), plan);
  }
  expect({ workerDeaths, keeperDeaths }, JSON.stringify(plan)).toEqual({
    workerDeaths: expect.toSatisfy((count: number) => count >= plan.workerDeaths),
    keeperDeaths: expect.toSatisfy((count: number) => count >= plan.keeperDeaths),
  });
}

function killIfAlive(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  } catch {
    // It was dead already.
  }
}

function expectNothingWrong(report: Awaited<ReturnType<Ledger['compare']>>, plan: KillRun): void {
  const { lost, duplicated, halfDone } = report;
  expect({ lost, duplicated, halfDone }, `replay with ${JSON.stringify(plan)}`).toEqual({
    lost: [],
    duplicated: [],
    halfDone: [],
  });
}
