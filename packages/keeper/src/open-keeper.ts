/**
 * What a keeper has once it is resumed: the directory's lock, the store, and everything that works on it.
 *
 * The order matters: first the lock, so that no other keeper writes (G5); then the store and its marker, flushed; then the
 * attachments of worker processes that are alive; the listener last, so that whoever connects finds everything in place.
 */
import { listen } from '@heirloom/wire';
import type { Connection, Fault, OutcomeFinding, ResumeMessage, Server } from '@heirloom/wire';
import { AttachmentRegistry } from './attachment.js';
import type { AttachmentPort } from './attachment.js';
import { armCommitKill } from './commit-kill.js';
import { acquireDirectoryLock } from './directory-lock.js';
import type { DirectoryLock } from './directory-lock.js';
import { EpochDesk } from './epoch-desk.js';
import { NO_EPOCH, isCurrent } from './epochs.js';
import { ExtentSweeper } from './extent-sweeper.js';
import { GroupCommit } from './group-commit.js';
import type { GroupCommitOptions } from './group-commit.js';
import type { KeeperLimits } from './keeper-limits.js';
import { OutcomeSweeper } from './outcome-sweeper.js';
import { beginRun } from './run-marker.js';
import { SubmissionDesk } from './submission-desk.js';
import { SnapshotDesk } from './snapshot-desk.js';
import type { Store } from './store.js';
import { ensureStoreDirectory, openStore } from './store-opening.js';
import type { StoredTable } from './table-catalog.js';
import { TableOwnership } from './table-ownership.js';

export interface OpenKeeper {
  readonly lock: DirectoryLock;
  readonly store: Store;
  readonly groups: GroupCommit;
  readonly attachments: AttachmentRegistry;
  readonly desk: EpochDesk;
  readonly owners: TableOwnership;
  readonly sweeper: ExtentSweeper;
  readonly outcomeSweeper: OutcomeSweeper;
  /** What is kept under an idempotency key. */
  readonly findOutcome: (worker: string, key: string) => OutcomeFinding;
  readonly snapshots: SnapshotDesk;
  readonly submissions: SubmissionDesk;
  readonly server: Server;
}

export interface OpenKeeperOptions
  extends Pick<AttachmentPort, 'onBatch' | 'onViolated' | 'log'>, Pick<GroupCommitOptions, 'onReleased' | 'onFailed'> {
  readonly directory: string;
  readonly socketPath: string;
  readonly faults: readonly Fault[];
  readonly limits: KeeperLimits;
  /** The wall clock. */
  readonly now: () => number;
  readonly onConnection: (connection: Connection) => void;
  readonly onMoved: (owners: TableOwnership, tables: readonly StoredTable[]) => void;
}

/** Opens everything. Rejects with StoreError or WireError, and then holds no lock any more. */
export async function openKeeper(message: ResumeMessage, options: OpenKeeperOptions): Promise<OpenKeeper> {
  const { directory, limits } = options;
  ensureStoreDirectory(directory);
  const lock = await acquireDirectoryLock(directory, { waitMs: limits.lockWaitMs });
  try {
    // A keeper that takes over within one run of the runtime has no time for more, and has its predecessor's word.
    const depth = message.instance === 0 ? 'pages' : 'beginning';
    const store = await openStore(directory, armCommitKill(options.faults), depth);
    store.mail.limits = limits;
    beginRun(store, message.instance);
    return await assemble(lock, store, message, options);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function assemble(
  lock: DirectoryLock,
  store: Store,
  message: ResumeMessage,
  options: OpenKeeperOptions,
): Promise<OpenKeeper> {
  const { limits, now, onReleased, onFailed, onBatch, onViolated, log } = options;
  const { groupBatchesMax, groupBytesMax } = limits;
  const groups = new GroupCommit(store, { groupBatchesMax, groupBytesMax, now, onReleased, onFailed });
  groups.confirmedLsn = Math.max(groups.confirmedLsn, Math.min(message.seenLsn, store.state.lsn));
  const committedBatch = (worker: string): number => {
    groups.commitNow();
    return (store.epochs.get(worker) ?? NO_EPOCH).lastBatch;
  };
  const attachments = new AttachmentRegistry({
    onBatch,
    committedBatch,
    consumed: (worker) => store.mail.outbox(worker)?.consumed,
    onViolated,
    log,
  });
  for (const { worker, epoch, attachment } of message.live) {
    const record = store.epochs.get(worker) ?? NO_EPOCH;
    const known = attachments.announce(attachment, worker, 0);
    if (isCurrent(record, epoch)) attachments.bind(known, epoch, record.lastBatch);
    else attachments.refuse(known, `Epoch ${epoch} is closed.`);
  }
  const owners = new TableOwnership(store, message.workers ?? []);
  const onMoved = (tables: readonly StoredTable[]): void => options.onMoved(owners, tables);
  const desk = new EpochDesk({ store, groups, attachments, owners, onMoved });
  const isBusy = (): boolean => !groups.isEmpty;
  const sweeper = new ExtentSweeper(store, { isBusy, onFailed });
  const outcomeSweeper = new OutcomeSweeper(store, { now, isBusy, onFailed });
  const findOutcome: OpenKeeper['findOutcome'] = (worker, key) => store.outcomes.find(worker, key, now(), limits);
  const snapshots = new SnapshotDesk(store, limits);
  const submissions = new SubmissionDesk(store, groups);
  const server = await listen(options.socketPath, options.onConnection, (error) =>
    log('warn', 'A connection was refused.', { error: error.message }),
  );
  const swept = { sweeper, outcomeSweeper, findOutcome };
  return { lock, store, groups, attachments, desk, owners, ...swept, snapshots, submissions, server };
}
