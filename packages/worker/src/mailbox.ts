/**
 * The calls that have arrived and not begun: first in, first out, and bounded.
 *
 * 1. Calls leave in the order of their arrival (G3 rests on it when they are run again).
 * 2. Whoever sends keeps no more than MAILBOX_CALLS_MAX calls and MAILBOX_BYTES_MAX bytes in flight to one worker. Reading is
 *    never paused instead: the address of a new keeper comes on the same connection, and would then wait behind calls that
 *    wait for the keeper. So a call over a limit is a violation (ERR_WORKER_MAILBOX), which ends the worker.
 *
 * Calls wait as the bodies of their frames and are decoded when they begin; so do the arguments of stored casts.
 */
import { WorkerError } from './errors.js';

/** The most calls that may wait: 0.3 s of work at the highest rate measured. */
export const MAILBOX_CALLS_MAX = 65_536;
/** The most bytes that may wait: the largest call several times. */
export const MAILBOX_BYTES_MAX: number = 256 * 1024 * 1024;

/** What waits: of a stored cast more is known than its bytes. */
export interface Mail {
  readonly length: number;
}

export class Mailbox<Call extends Mail = Uint8Array> {
  private calls: Call[] = [];
  private head = 0;
  private bytes = 0;

  get size(): number {
    return this.calls.length - this.head;
  }

  /** Appends a call. Throws WorkerError ERR_WORKER_MAILBOX if the mailbox is full. */
  push(call: Call): void {
    if (this.size >= MAILBOX_CALLS_MAX || this.bytes + call.length > MAILBOX_BYTES_MAX) {
      const message = `A call arrived while ${this.size} others of ${this.bytes} bytes wait: the sender must keep fewer in flight.`;
      throw new WorkerError('ERR_WORKER_MAILBOX', message, { waitingCalls: this.size, waitingBytes: this.bytes });
    }
    this.bytes += call.length;
    this.calls.push(call);
  }

  /** Takes the call that has waited longest. */
  shift(): Call | undefined {
    const call = this.calls[this.head];
    if (call === undefined) return undefined;
    this.head++;
    this.bytes -= call.length;
    if (this.head === this.calls.length) {
      this.calls = [];
      this.head = 0;
    } else if (this.head >= 1024 && this.head * 2 >= this.calls.length) {
      // Moves each call at most once for each time that one is taken, so a shift is O(1) on average.
      this.calls.splice(0, this.head);
      this.head = 0;
    }
    return call;
  }
}
