/** The time of one handler, for what it is lent beside its tables. */
import { TableError } from '@heirloom/tables';

export class LifeLease {
  #isOpen = true;

  close(): void {
    this.#isOpen = false;
  }

  /** Throws TableError ERR_TABLE_CLOSED when the handler has settled. */
  check(operation: string): void {
    if (this.#isOpen) return;
    const message =
      `'${operation}' was called after the handler had settled that it was lent to. ` +
      'Await everything that uses it before the handler returns.';
    throw new TableError('ERR_TABLE_CLOSED', message, { operation });
  }
}
