/**
 * The router's door: every connection proves with a single-use token which process it is.
 *
 * Invariants
 * 1. G12: who a connection is follows from its token alone, never from what the client says of itself.
 * 2. A token is good for one connection; one that is not used is withdrawn with the process that it was made for.
 */
import type { Connection, Role } from '@heirloom/wire';
import { createToken } from '@heirloom/wire';

interface Expected {
  readonly token: Uint8Array;
  readonly role: Role;
  readonly admit: (connection: Connection) => void;
}

export class TokenDesk {
  readonly #expected = new Map<string, Expected>();

  /** Makes a token; `admit` gets the connection that presents it. */
  issue(role: Role, admit: (connection: Connection) => void): Uint8Array {
    const token = createToken();
    this.#expected.set(key(token), { token, role, admit });
    return token;
  }

  withdraw(token: Uint8Array): void {
    this.#expected.delete(key(token));
  }

  /** Takes back the token and says whose it was; undefined for an unknown or used token, or one of another role. */
  redeem(role: string, token: Uint8Array): ((connection: Connection) => void) | undefined {
    const expected = this.#expected.get(key(token));
    if (expected === undefined || expected.role !== role) return undefined;
    this.#expected.delete(key(token));
    return expected.admit;
  }
}

function key(token: Uint8Array): string {
  return Buffer.from(token).toString('hex');
}
