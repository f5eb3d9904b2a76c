/**
 * What the router asks, and who answers it. Requests begin in the order in which they came; only reads wait, for their turn.
 */
import type { KeeperRequest } from '@heirloom/wire';
import { readCasts, readLetters } from './cast-pages.js';
import { readChanges, readImage } from './change-reader.js';
import { inspect } from './inspection.js';
import { keptRequest } from './kept-records.js';
import { nameRequest } from './name-request.js';
import type { OpenKeeper } from './open-keeper.js';
import type { ReadDesk } from './read-desk.js';
import { readReleased } from './released-reader.js';

/** The answer, or a promise of it; throws or rejects with the errors of whoever answers. */
export function performRequest(open: OpenKeeper, reads: ReadDesk, request: KeeperRequest): unknown {
  switch (request.type) {
    case 'openEpoch':
      return open.desk.open(request);
    case 'closeEpoch':
      return open.desk.close(request);
    case 'read':
      return read(open, reads, request);
    case 'endSnapshot':
      return open.snapshots.end(request.snapshot);
    case 'changes':
      return reads.turn(() => readChanges(open.store, request));
    case 'image':
      return reads.turn(() => readImage(open.store, request));
    case 'outcome':
      return open.findOutcome(request.worker, request.key);
    case 'rename':
    case 'whereis':
    case 'tables':
      return nameRequest(open.store, open.owners, request);
    case 'submit':
      return open.submissions.submit(request);
    case 'casts':
      return reads.turn(() => readCasts(open.store, request));
    case 'letters':
      return reads.turn(() => readLetters(open.store, request));
    case 'keep':
    case 'kept':
      return keptRequest(open.store, request);
    case 'inspect':
      return inspect(open.store, open.groups, open.snapshots);
    default: // A barrier; what came before it has been handled.
      return undefined;
  }
}

async function read(
  { store, snapshots }: OpenKeeper,
  reads: ReadDesk,
  request: Extract<KeeperRequest, { type: 'read' }>,
): Promise<unknown> {
  reads.checkRoom();
  // Before it waits, so that an iteration can be given up meanwhile.
  if (request.snapshot !== undefined && request.snapshot.after === undefined) snapshots.announce(request.snapshot.id);
  return reads.limitedTurn(async () => {
    try {
      return await readReleased(store, snapshots, request);
    } finally {
      if (request.snapshot !== undefined) snapshots.forget(request.snapshot.id);
    }
  });
}
