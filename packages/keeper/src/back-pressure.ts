/**
 * Back pressure: when journals are not read on, because what their batches bring about is not taken.
 *
 * 1. G9: journals wait while the router takes no more bytes, or more than `unconfirmedBytesMax` of replies wait for its
 *    confirmation. What lifts either comes on the control connection, so nothing waits in a circle.
 * 2. Records that are confirmed and not deleted yet do not count.
 */
import type { Connection } from '@heirloom/wire';
import type { OpenKeeper } from './open-keeper.js';

export interface BackPressureOptions {
  readonly control: Connection;
  readonly unconfirmedBytesMax: number;
}

export class BackPressure {
  private readonly options: BackPressureOptions;

  constructor(options: BackPressureOptions) {
    this.options = options;
  }

  /** To be called when something was sent, or may have been. */
  pauseIfCongested(open: OpenKeeper | undefined): void {
    if (this.isCongested(open)) open?.attachments.pause();
  }

  /** To be called when the router takes bytes again, or has confirmed something. */
  resumeIfClear(open: OpenKeeper | undefined): void {
    if (!this.isCongested(open)) open?.attachments.resume();
  }

  private isCongested(open: OpenKeeper | undefined): boolean {
    return this.options.control.isCongested || (open !== undefined && this.hasTooMuchUnconfirmed(open));
  }

  private hasTooMuchUnconfirmed({ store, groups }: OpenKeeper): boolean {
    const { unconfirmedBytesMax } = this.options;
    if (store.unconfirmedBytes <= unconfirmedBytesMax) return false;
    const { confirmedLsn } = groups;
    const kept = store.unconfirmed.reduce((sum, { lsn, bytes }) => (lsn > confirmedLsn ? sum + bytes : sum), 0);
    return kept > unconfirmedBytesMax;
  }
}
