/**
 * The tokens that the router has announced, each good for one connection.
 *
 * At `expectationsMax` the oldest is forgotten: it belongs to a process that never came.
 */
import type { ExpectMessage } from '@heirloom/wire';

export class Expectations {
  /** By token, the oldest first. A token cannot be guessed bit by bit: how long looking it up takes says nothing of others. */
  private readonly expected: Map<string, ExpectMessage> = new Map();
  private readonly expectationsMax: number;

  constructor(expectationsMax: number) {
    this.expectationsMax = expectationsMax;
  }

  add(message: ExpectMessage): void {
    const [oldest] = this.expected.keys();
    if (oldest !== undefined && this.expected.size >= this.expectationsMax) this.expected.delete(oldest);
    this.expected.set(keyOf(message.token), message);
  }

  /** Those that nobody has fulfilled. */
  get open(): readonly ExpectMessage[] {
    return [...this.expected.values()];
  }

  /** Takes the expectation that a greeting fulfils. */
  take(role: string, token: Uint8Array): ExpectMessage | undefined {
    const key = keyOf(token);
    const found = this.expected.get(key);
    if (found?.role !== role) return undefined;
    this.expected.delete(key);
    return found;
  }
}

function keyOf(token: Uint8Array): string {
  return Buffer.from(token).toString('latin1');
}
