/** Reading stored casts and dead letters in pages, in the order of their numbers (G9: a page, and at least one of them). */
import type { CastRequest, CastsPage, LettersPage } from '@heirloom/wire';
import { castKey, castsEnd, readU64, u64Key } from './layout.js';
import type { Store } from './store.js';
import { decodeCast, decodeLetter } from './stored-mail.js';

/** The most casts of a page: what keeps a receiver busy until the next page is there. */
export const CASTS_PAGE_MAX = 256;
/** The most letters of a page. */
export const LETTERS_PAGE_MAX = 1_000;
/** The arguments of a page, and one record more. */
export const MAIL_PAGE_BYTES: number = 1024 * 1024;

export function readCasts(
  { path, mail }: Store,
  { worker, after }: Extract<CastRequest, { type: 'casts' }>,
): CastsPage {
  const casts: CastsPage['casts'][number][] = [];
  let bytes = 0;
  for (const { key, value } of mail.casts.getRange({ start: castKey(worker, after + 1), end: castsEnd(worker) })) {
    if (casts.length >= CASTS_PAGE_MAX || bytes >= MAIL_PAGE_BYTES) return { casts, isLast: false };
    const { sender, name, arguments: given } = decodeCast(path, value);
    casts.push({ id: readU64(key, key.length - 8), sender, name, arguments: given });
    bytes += value.length;
  }
  return { casts, isLast: true };
}

const NOTHING = new Uint8Array();

export function readLetters(
  { path, mail }: Store,
  { worker, after, limit, isWhole }: Extract<CastRequest, { type: 'letters' }>,
): LettersPage {
  const letters: LettersPage['letters'][number][] = [];
  const lettersMax = Math.min(limit, LETTERS_PAGE_MAX);
  let bytes = 0;
  let last = after;
  for (const { key, value } of mail.letters.getRange({ start: u64Key(after + 1) })) {
    if (letters.length >= lettersMax || bytes >= MAIL_PAGE_BYTES) return { letters, after: last };
    last = readU64(key, 0);
    // Also of what is left out, as it was read.
    bytes += value.length;
    const letter = decodeLetter(path, value);
    if (worker !== undefined && letter.worker !== worker) continue;
    letters.push({ ...letter, id: last, arguments: isWhole ? letter.arguments : NOTHING });
  }
  return { letters, after: undefined };
}
