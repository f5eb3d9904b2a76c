/**
 * The tokens that the router has announced, each good for one connection.
 *
 * At `expectationsMax` the oldest is forgotten: it belongs to a process that never came.
 */
import { areTokensEqual } from '@heirloom/wire';
import type { ExpectMessage } from '@heirloom/wire';

export class Expectations {
  private expected: ExpectMessage[] = [];
  private readonly expectationsMax: number;

  constructor(expectationsMax: number) {
    this.expectationsMax = expectationsMax;
  }

  add(message: ExpectMessage): void {
    if (this.expected.length >= this.expectationsMax) this.expected.shift();
    this.expected.push(message);
  }

  /** Those that nobody has fulfilled. */
  get open(): readonly ExpectMessage[] {
    return this.expected;
  }

  /** Takes the expectation that a greeting fulfils; every token is compared, in a time that tells nothing. */
  take(role: string, token: Uint8Array): ExpectMessage | undefined {
    const found = this.expected.find((message) => areTokensEqual(message.token, token));
    if (found?.role !== role) return undefined;
    this.expected = this.expected.filter((message) => message !== found);
    return found;
  }
}
