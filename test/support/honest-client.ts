/**
 * A client that keeps making deposits while something else goes on, and knows what each must answer.
 */
import { expect } from 'vitest';
import { until } from './condition.js';
import type { Bank } from './ledger.js';

const CLIENTS = 4;

export class HonestClient implements AsyncDisposable {
  readonly #bank: Bank;
  readonly #failures: unknown[] = [];
  readonly #clients: Promise<void>[];
  #isStopped = false;
  #lastOperation = 0;
  #done = 0;

  constructor(bank: Bank) {
    this.#bank = bank;
    this.#clients = Array.from({ length: CLIENTS }, (_, index) => this.#deposit(`client-${index}`));
  }

  /** Waits until a deposit was made that was not yet made when this was called. */
  async progress(): Promise<void> {
    const before = this.#done + CLIENTS;
    await until('deposits are made', () => this.#done > before || this.#failures.length > 0);
  }

  /** Ends the deposits, and expects that each was answered as it must be and is stored once. */
  async check(): Promise<void> {
    await this.progress();
    await this[Symbol.asyncDispose]();
    expect(this.#failures).toEqual([]);
    const operations: number[] = [];
    for await (const { operation } of this.#bank.tables.entries.rows()) operations.push(operation);
    const made = Array.from({ length: this.#lastOperation }, (_, index) => index + 1);
    expect(operations.toSorted((a, b) => a - b)).toEqual(made);
    let sum = 0;
    for await (const { id, balance } of this.#bank.tables.accounts.rows()) {
      expect(id).toMatch(/^client-/);
      sum += balance;
    }
    expect(sum).toBe(this.#lastOperation);
  }

  async #deposit(account: string): Promise<void> {
    try {
      for (let balance = 1; !this.#isStopped; balance++) {
        expect(await this.#bank.call.deposit(++this.#lastOperation, account, 1)).toBe(balance);
        this.#done++;
      }
    } catch (error) {
      this.#failures.push(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true;
    await Promise.all(this.#clients);
  }
}
