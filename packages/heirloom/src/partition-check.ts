/**
 * Whether what the store holds was made with as many partitions as there are now: with another number, most keys would belong to
 * another partition than the one that their rows lie in.
 *
 * It is asked by partition 0, which is started before all others, at each of its starts. Tables without rows are in nobody's way:
 * they are what is left when everything was moved.
 */
import { partitionIn } from '@heirloom/worker/process-url';
import { WorkerReferenceError } from './errors.js';
import type { KeeperLink } from './keeper-link.js';

/** What of an inspection matters here. */
interface StoredTable {
  readonly worker: string;
  readonly name: string;
  readonly rows: number;
}

/** Rejects with WorkerReferenceError ERR_WORKER_PARTITIONS when the worker is a partition and the store has rows of another count. */
export async function checkPartitions(link: KeeperLink, worker: string): Promise<void> {
  const partition = partitionIn(worker);
  if (partition?.number !== 0) return;
  const { of, count } = partition;
  const { tables } = (await link.request({ type: 'inspect' })) as { readonly tables: readonly StoredTable[] }; // The keeper's answer to inspect.
  for (const { worker: stored, name: table, rows } of tables) {
    const other = partitionIn(stored);
    if (other?.of !== of || other.count === count || rows === 0) continue;
    const message =
      `Worker ${of} is started with ${count} partitions, and the store holds rows of it in ${other.count}, as in table ${table} of ` +
      `${stored}: most keys would not be found. Start it with ${other.count}. To have another number, start the new ones ` +
      `under another name beside these, and move the rows over.`;
    throw new WorkerReferenceError('ERR_WORKER_PARTITIONS', message, { worker: of, count, stored: other.count, table });
  }
}
