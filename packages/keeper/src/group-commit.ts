/**
 * Group commit: collects the batches of a turn of the event loop and commits them in one transaction.
 *
 * Invariants
 * 1. `onReleased` is called right after the transaction that made a group durable, once for each group, in order (G4).
 * 2. After a failed transaction nothing is released and nothing more is taken.
 * 3. At most `groupBatchesMax` batches and `groupBytesMax` bytes wait, or one batch that is larger by itself: what does not
 *    fit commits the group at hand first.
 *
 * The event loop is blocked during a commit. What arrives meanwhile waits in the sockets and makes the next group.
 */
import type { CastTotals, Submission } from '@heirloom/wire';
import { CommitGroup } from './commit-group.js';
import type { ReceivedBatch } from './commit-group.js';
import { StoreError } from './errors.js';
import { writeGroup } from './group-writing.js';
import type { ReleasedGroup } from './group-writing.js';
import type { Store } from './store.js';
import type { StoredTable } from './table-catalog.js';

export interface GroupCommitOptions {
  readonly groupBatchesMax: number;
  readonly groupBytesMax: number;
  /** The wall clock. */
  readonly now: () => number;
  readonly onReleased: (group: ReleasedGroup) => void;
  /** A transaction failed and its outcome is unknown. */
  readonly onFailed: (error: unknown) => void;
}

export class GroupCommit {
  /** Replies up to this LSN have arrived at the router; later ones are kept. */
  confirmedLsn: number;
  private readonly store: Store;
  private readonly options: GroupCommitOptions;
  private group = new CommitGroup();
  private timer: NodeJS.Immediate | undefined;

  constructor(store: Store, options: GroupCommitOptions) {
    this.store = store;
    this.options = options;
    this.confirmedLsn = store.state.confirmedLsn;
  }

  get isEmpty(): boolean {
    return this.group.isEmpty;
  }

  /** Whether a submission waits. */
  hasSubmission(number: number): boolean {
    const { submissions } = this.group;
    // They come in the order of their numbers, unless they are asked again.
    return (submissions.at(-1)?.number ?? 0) >= number && submissions.some((waiting) => waiting.number === number);
  }

  /** The casts of a sender that wait. */
  staged(sender: string): CastTotals {
    return this.group.casts(sender);
  }

  /** Takes a checked submission, to be committed like a batch. Resolves when it is, and rejects with the error of a failed commit. */
  submit(number: number, submission: Submission): Promise<void> {
    return new Promise((resolve, reject) => {
      this.group.submit({ number, submission, resolve, reject });
      this.commitSoon();
    });
  }

  /** Resolves when everything that waits is committed. */
  async committed(): Promise<void> {
    this.commitNow();
    if (this.store.hasFailed) throw new StoreError('ERR_STORE_COMMIT', 'The commit before has failed.');
  }

  /** Takes a checked batch, to be committed at the end of this turn at the latest. */
  add(received: ReceivedBatch, tables: readonly StoredTable[]): void {
    const { groupBytesMax } = this.options;
    if (!this.isEmpty && this.group.bytes + received.bytes > groupBytesMax) this.commitNow();
    if (this.store.hasFailed) return;
    this.group.add(received, tables);
    this.commitSoon();
  }

  private commitSoon(): void {
    const { groupBatchesMax, groupBytesMax } = this.options;
    const { received, submissions, bytes } = this.group;
    if (received.length + submissions.length >= groupBatchesMax || bytes >= groupBytesMax) this.commitNow();
    else this.timer ??= setImmediate(() => this.commitNow());
  }

  /** Commits what waits. A failure goes to `onFailed`, and can be seen at `store.hasFailed`. */
  commitNow(): void {
    if (this.timer !== undefined) clearImmediate(this.timer);
    this.timer = undefined;
    if (this.isEmpty || this.store.hasFailed) return;
    const { group } = this;
    this.group = new CommitGroup();
    let released: ReleasedGroup;
    const at = { confirmedLsn: this.confirmedLsn, now: this.options.now() };
    try {
      released = this.store.transaction((writer) => writeGroup(this.store, writer, group, at));
    } catch (error) {
      this.options.onFailed(error);
      for (const { reject } of group.submissions) reject(error);
      return;
    }
    this.options.onReleased(released);
    for (const { resolve } of group.submissions) resolve();
  }

  /** Forgets what waits. */
  stop(): void {
    if (this.timer !== undefined) clearImmediate(this.timer);
    this.timer = undefined;
    this.group = new CommitGroup();
  }
}
