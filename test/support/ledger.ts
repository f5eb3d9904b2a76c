/**
 * What a test asked of a bank and what it was told, kept outside of the runtime, and the comparison with what the bank then has.
 *
 * An operation whose call was answered must be there once (G1, G3); one that failed with outcome `none` must not be there;
 * one with outcome `unknown` may be there, once. Nothing may be there in part (G2).
 */
import { CallError } from 'heirloom';
import type { WorkerHandle } from 'heirloom';
import type bankWorker from '../workers/bank.worker.js';
import type { SeededRandom } from './random.js';

export type Bank = WorkerHandle<typeof bankWorker>;
type Known = 'open' | 'done' | 'none' | 'unknown';

interface Operation {
  readonly effects: readonly { readonly account: string; readonly amount: number }[];
  known: Known;
}

/** The rows of a bank's tables. */
export interface BankRows {
  readonly entries: readonly { readonly account: string; readonly operation: number; readonly amount: number }[];
  readonly log: readonly { readonly operation: number }[];
  readonly accounts: readonly { readonly id: string; readonly balance: number; readonly operations: number }[];
}

export interface LedgerReport {
  readonly acknowledged: number;
  readonly lost: readonly number[];
  readonly duplicated: readonly number[];
  readonly halfDone: readonly string[];
}

export class Ledger {
  readonly #operations = new Map<number, Operation>();
  readonly unexpected: unknown[] = [];
  #lastOperation = 0;
  acknowledged = 0;

  /** How many operations nobody could say the outcome of. */
  get unknown(): number {
    return [...this.#operations.values()].filter(({ known }) => known === 'unknown').length;
  }

  /** Makes one random operation; resolves when its outcome is known, whatever it is. */
  async operate(bank: Bank, random: SeededRandom): Promise<void> {
    const number = ++this.#lastOperation;
    const account = `account-${random.integer(1, 5)}`;
    const amount = random.integer(1, 100);
    const kind = random.next();
    if (kind < 0.4) await this.#run(number, [{ account, amount }], () => bank.call.deposit(number, account, amount));
    else if (kind < 0.5) {
      await this.#run(number, [{ account, amount }], () => bank.call.slowDeposit(number, account, amount));
    } else if (kind < 0.6) await this.#run(number, [], () => this.#mustFail(bank, number, account, amount));
    else {
      const to = `account-${random.integer(6, 9)}`;
      const effects = [
        { account, amount: -amount },
        { account: to, amount },
      ];
      await this.#run(number, effects, () => bank.call.transfer(number, account, to, amount));
    }
  }

  async #mustFail(bank: Bank, number: number, account: string, amount: number): Promise<void> {
    try {
      await bank.call.failingDeposit(number, account, amount);
    } catch (error) {
      if (error instanceof CallError && error.code === 'ERR_CALL_THREW') return;
      throw error;
    }
    throw new Error('A handler that throws was answered with a result.');
  }

  async #run(number: number, effects: Operation['effects'], operate: () => Promise<unknown>): Promise<void> {
    const operation: Operation = { effects, known: 'open' };
    this.#operations.set(number, operation);
    try {
      await operate();
      operation.known = 'done';
      this.acknowledged++;
    } catch (error) {
      if (error instanceof CallError) operation.known = error.outcome;
      else operation.known = 'unknown';
      if (!(error instanceof CallError)) this.unexpected.push(error);
    }
  }

  /** Reads every table of the bank through its handle and compares. */
  async compare(bank: Bank): Promise<LedgerReport> {
    const patient = bank.with({ timeoutMs: 30_000 });
    const { entries, log, accounts } = patient.tables;
    return this.compareRows({
      entries: await allOf(entries.rows()),
      log: await allOf(log.rows()),
      accounts: await allOf(accounts.rows()),
    });
  }

  /** Compares with rows that were read in another way. */
  compareRows({ entries, log, accounts }: BankRows): LedgerReport {
    const seen = new Map<number, { account: string; amount: number }[]>();
    for (const { operation, account, amount } of entries) {
      seen.set(operation, [...(seen.get(operation) ?? []), { account, amount }]);
    }
    const logged = new Set(log.map(({ operation }) => operation));
    const balances = new Map(accounts.map(({ id, balance, operations }) => [id, { balance, operations }]));
    return this.#report(seen, logged, balances);
  }

  #report(
    seen: Map<number, { account: string; amount: number }[]>,
    logged: Set<number>,
    balances: Map<string, { balance: number; operations: number }>,
  ): LedgerReport {
    const lost: number[] = [];
    const duplicated: number[] = [];
    const halfDone: string[] = [];
    const expected = new Map<string, { balance: number; operations: number }>();
    for (const [number, { effects, known }] of this.#operations) {
      const found = seen.get(number) ?? [];
      const isThere = found.length > 0 || logged.has(number);
      if (known === 'done' && effects.length > 0 && !isThere) lost.push(number);
      if ((known === 'none' || effects.length === 0) && isThere) duplicated.push(number);
      if (found.length > effects.length) duplicated.push(number);
      if (isThere && (found.length !== effects.length || !logged.has(number))) halfDone.push(`operation ${number}`);
      for (const { account, amount } of isThere ? effects : []) {
        const sum = expected.get(account) ?? { balance: 0, operations: 0 };
        expected.set(account, { balance: sum.balance + amount, operations: sum.operations + 1 });
      }
    }
    for (const number of seen.keys()) if (!this.#operations.has(number)) duplicated.push(number);
    for (const account of new Set([...expected.keys(), ...balances.keys()])) {
      const want = expected.get(account);
      const have = balances.get(account);
      if (want?.balance !== have?.balance || want?.operations !== have?.operations) {
        halfDone.push(`${account} has ${JSON.stringify(have)} instead of ${JSON.stringify(want)}`);
      }
    }
    return { acknowledged: this.acknowledged, lost, duplicated, halfDone };
  }
}

async function allOf<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const row of rows) all.push(row);
  return all;
}
