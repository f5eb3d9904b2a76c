/**
 * The failpoint `keeper.commit:during`: SIGKILL at a random moment inside of LMDB's native commit.
 *
 * No failpoint of JavaScript can lie there, as the commit blocks the thread. So, if the plan has such a fault, a second thread
 * waits for the armed commit to begin and kills the process a random 0 to KILL_DELAY_MICROSECONDS_MAX later. Hits are
 * transactions of this process, its first marker included. If the commit is faster, the kill comes shortly after it, which
 * must be harmless too.
 */
import { Worker } from 'node:worker_threads';
import { isArmed } from '@heirloom/wire';
import type { Fault } from '@heirloom/wire';

export const COMMIT_DURING = 'keeper.commit:during';
/** A commit with its flush takes 200 to 500 µs on the machine this was tried on. */
export const KILL_DELAY_MICROSECONDS_MAX = 400;

/** What the two threads share goes through these: the thread is ready, the commit begins, the thread is awake. */
const READY = 1;
const BEGUN = 2;
const AWAKE = 3;
/** How long the commit waits for the thread to start or to wake. */
const HANDSHAKE_MS = 5_000;

export interface CommitKill {
  /** To be called right before each commit. */
  commitBegins(): void;
}

/** Prepares the failpoint; undefined if the plan has no such fault. */
export function armCommitKill(faults: readonly Fault[]): CommitKill | undefined {
  if (!isArmed(COMMIT_DURING)) return undefined;
  const hits = new Set(faults.filter(({ point }) => point === COMMIT_DURING).map(({ hit }) => hit));
  const shared = new Int32Array(new SharedArrayBuffer(4));
  const thread = new Worker(new URL('./commit-kill-thread.js', import.meta.url), {
    workerData: { shared, delayMicroseconds: Math.random() * KILL_DELAY_MICROSECONDS_MAX },
    execArgv: [],
  });
  thread.unref();
  let commits = 0;
  return {
    commitBegins() {
      commits++;
      if (!hits.has(commits)) return;
      Atomics.wait(shared, 0, 0, HANDSHAKE_MS);
      if (Atomics.load(shared, 0) !== READY) return;
      Atomics.store(shared, 0, BEGUN);
      Atomics.notify(shared, 0);
      // Turning, as being woken takes longer than a commit may.
      const deadline = performance.now() + HANDSHAKE_MS;
      while (Atomics.load(shared, 0) !== AWAKE && performance.now() < deadline);
    },
  };
}
