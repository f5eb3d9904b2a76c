/**
 * Takes what the router submits: casts of the program, and what becomes of dead letters.
 *
 * 1. A submission is answered when it is committed, once: one whose number was carried out is answered as such.
 * 2. One that is refused has changed nothing, and its number counts as not given.
 *
 * Refusals: KeeperError ERR_KEEPER_OUTBOX, ERR_KEEPER_LETTER.
 */
import { OUTBOX_BYTES_MAX, OUTBOX_CASTS_MAX, failpoint } from '@heirloom/wire';
import type { CastRequest, Submission } from '@heirloom/wire';
import { hasRoom, problemOfCast } from './cast-check.js';
import { PROGRAM_SENDER } from './cast-store.js';
import { KeeperError } from './errors.js';
import type { GroupCommit } from './group-commit.js';
import type { Store } from './store.js';

export class SubmissionDesk {
  private readonly store: Store;
  private readonly groups: GroupCommit;

  constructor(store: Store, groups: GroupCommit) {
    this.store = store;
    this.groups = groups;
  }

  /** Resolves when it is committed; rejects with KeeperError, or with the StoreError of the commit. */
  async submit({ number, settledBefore, submission }: Extract<CastRequest, { type: 'submit' }>): Promise<void> {
    failpoint('keeper.submit:before');
    const { mail, state } = this.store;
    // What is about letters is rare, and is judged by what is stored.
    if (submission.kind !== 'cast') this.groups.commitNow();
    if (this.groups.hasSubmission(number)) return this.groups.committed();
    if (mail.wasSubmitted(state.instance, number, settledBefore)) return;
    try {
      this.check(submission);
    } catch (error) {
      mail.refuse(number);
      throw error;
    }
    const committed = this.groups.submit(number, submission);
    if (submission.kind !== 'cast') this.groups.commitNow();
    return committed;
  }

  private check(submission: Submission): void {
    const { mail } = this.store;
    if (submission.kind === 'cast') {
      const problem = problemOfCast(submission);
      if (problem !== undefined) throw new KeeperError('ERR_KEEPER_OUTBOX', `The program ${problem}.`);
      const outstanding = mail.outstanding(PROGRAM_SENDER);
      if (hasRoom(outstanding, this.groups.staged(PROGRAM_SENDER), [submission])) return;
      const message = `${outstanding.count} casts of the program, of ${outstanding.bytes} bytes, are not run yet; ${OUTBOX_CASTS_MAX} of ${OUTBOX_BYTES_MAX} are the most.`;
      throw new KeeperError('ERR_KEEPER_OUTBOX', message, { ...outstanding, limit: OUTBOX_CASTS_MAX });
    }
    if (submission.kind !== 'delete' || mail.letter(submission.id) !== undefined) return;
    const { id } = submission;
    throw new KeeperError('ERR_KEEPER_LETTER', `There is no dead letter ${id}. List them to see which there are.`, {
      id,
    });
  }
}
